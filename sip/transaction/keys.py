"""What identifies a transaction (RFC 3261 §17.1.3, §17.2.3)."""

from sip.grammar import hostport
from sip.message import Request

_VIA = b"Via: "
_FOLDS = (b" ", b"\t")


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


def top_row(data: bytes) -> bytes | None:
    """The topmost Via row of a request as it came, found without parsing; None where it is not the first header.

    Where its branch has the magic cookie, a request of the same method with the same row belongs to the same
    transaction, and so does an ACK to that of its INVITE. So retransmissions are recognised cheaply.
    """
    start = data.find(b"\r\n", 0, 1000) + 2
    if start < 2 or not data.startswith(_VIA, start) or data.startswith(b"SIP/"):
        return None
    end = data.find(b"\r\n", start)
    if end < 0 or data[end + 2 : end + 3] in _FOLDS:
        return None
    return data[start + len(_VIA) : end]


def client_key(branch: str, method: str) -> str:
    """The key of a client transaction of ours: responses carry its branch and method (RFC 3261 §17.1.3)."""
    return f"{branch} {method}"
