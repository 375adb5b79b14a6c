"""What identifies a transaction (RFC 3261 §17.1.3, §17.2.3)."""

import re

from sip.grammar import hostport
from sip.message import Request

# A start line, and a Via that is spelt as nearly all phones do: one branch among parameters of other names.
_PARAMS = rb"(?:;(?!branch[=;\r])[a-z]+(?:=[^\s;,=\"]*)?)*"
_PLAIN = re.compile(
    rb"([A-Z]+) [^\r\n]{1,1000}\r\nVia: SIP/2\.0/[A-Z]+ "
    rb"([A-Za-z0-9.-]+(?::[1-9][0-9]*)?|\[[0-9A-Fa-f:.]+\](?::[1-9][0-9]*)?)"
    + _PARAMS
    + rb";branch=(z9hG4bK[^\s;,=\"]+)"
    + _PARAMS
    + rb"\r\n(?![ \t])"
)


def server_key(request: Request) -> str:
    """The key of the server transaction that `request` belongs to, worked out once; an ACK belongs to its INVITE's.

    A branch without the magic cookie, or with nothing behind it, identifies nothing (RFC 4475 §3.2.1): then the
    fields of RFC 2543 do, the To tag excepted, which an ACK has and its INVITE has not.
    """
    if request.key:
        return request.key
    method = "INVITE" if request.method == "ACK" else request.method
    via = request.via
    if via.has_cookie:
        key = f"{method} {hostport(via.host, via.port)} {via.params['branch']}"
    else:
        number = request.cseq.number if request.cseq else 0
        key = f"{method} {via} {request.uri} {request.from_tag} {request.call_id} {number}"
    request.key = key
    return key


def invite_key(cancel: Request) -> str:
    """The key of the INVITE that a CANCEL means (RFC 3261 §9.2)."""
    return "INVITE" + server_key(cancel)[len("CANCEL") :]


def peek_key(data: bytes) -> str | None:
    """The key of a request, read from its octets without parsing them.

    Serves to recognise retransmissions cheaply. Knows only the plain spelling that nearly all phones use, with
    Via as the first header; None means that parsing must tell. For that spelling it gives what `server_key` gives,
    but that an IPv6 address stands as it came.
    """
    plain = _PLAIN.match(data)
    if plain is None:
        return None
    method, host, branch = plain.groups()
    return (b"%b %b %b" % (b"INVITE" if method == b"ACK" else method, host, branch)).decode("latin-1")


def client_key(branch: str, method: str) -> str:
    """The key of a client transaction of ours: responses carry its branch and method (RFC 3261 §17.1.3)."""
    return f"{branch} {method}"
