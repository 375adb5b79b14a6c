"""What identifies a transaction (RFC 3261 §17.1.3, §17.2.3)."""

from sip.grammar import hostport
from sip.message import Request

_PLAIN_VIA = b"Via: SIP/2.0/"
_FOLDS = (b" ", b"\t")
_PLAIN_REST = frozenset(' \t,"')


def server_key(request: Request) -> str:
    """The key of the server transaction that `request` belongs to; an ACK belongs to its INVITE's.

    A branch without the magic cookie, or with nothing behind it, identifies nothing (RFC 4475 §3.2.1): then the
    fields of RFC 2543 do, the To tag excepted, which an ACK has and its INVITE has not.
    """
    method = "INVITE" if request.method == "ACK" else request.method
    via = request.via
    if via.has_cookie:
        return f"{method} {hostport(via.host, via.port)} {via.params['branch']}"
    number = request.cseq.number if request.cseq else 0
    return f"{method} {via} {request.uri} {request.from_tag} {request.call_id} {number}"


def invite_key(cancel: Request) -> str:
    """The key of the INVITE that a CANCEL means (RFC 3261 §9.2)."""
    return "INVITE" + server_key(cancel)[len("CANCEL") :]


def peek_key(data: bytes) -> str | None:
    """The key of a request, read from its octets without parsing them.

    Serves to recognise retransmissions cheaply. Knows only the plain spelling that nearly all phones use, with
    Via as the first header; None means that parsing must tell. For that spelling it gives what `server_key` gives.
    """
    start = data.find(b"\r\n", 0, 1000) + 15
    if data[start - 13 : start] != _PLAIN_VIA:
        return None
    end = data.find(b"\r\n", start)
    sent, semicolon, rest = data[start:end].decode("latin-1").partition(";")
    rest = semicolon + rest
    branch = rest.partition(";branch=z9hG4bK")[2].partition(";")[0]
    host = sent.partition(" ")[2]
    if not branch or rest.lower().count("branch") != 1 or not _PLAIN_REST.isdisjoint(rest) or " " in host:
        return None
    if data[end + 2 : end + 3] in _FOLDS:
        return None
    method = data[: data.find(b" ", 0, 40)].decode("latin-1")
    return f"{'INVITE' if method == 'ACK' else method} {host} z9hG4bK{branch}"


def client_key(branch: str, method: str) -> str:
    """The key of a client transaction of ours: responses carry its branch and method (RFC 3261 §17.1.3)."""
    return f"{branch} {method}"
