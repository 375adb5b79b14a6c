"""What identifies a transaction (RFC 3261 §17.1.3, §17.2.3)."""

from typing import Final

from sip.fields import MAGIC_COOKIE
from sip.grammar import hostport
from sip.message import Request

_VIA: Final = "Via: "
_FOLDS: Final = (" ", "\t")
_BRANCH: Final = f";branch={MAGIC_COOKIE}"
_RPORT: Final = ";rport"


def server_key(request: Request) -> str:
    """The key of the server transaction that `request` belongs to; an ACK belongs to its INVITE's.

    A branch without the magic cookie, or with nothing behind it, identifies nothing (RFC 4475 §3.2.1): then the
    fields of RFC 2543 do, the To tag excepted, which an ACK has and its INVITE has not.
    """
    if request.key:
        return request.key
    method = "INVITE" if request.method == "ACK" else request.method
    via = request.via
    if via.has_cookie:
        return f"{method} {hostport(via.host, via.port)} {via.params['branch']}"
    number = request.cseq.number if request.cseq else 0
    return f"{method} {via} {request.uri} {request.from_tag} {request.call_id} {number}"


def invite_key(cancel: Request) -> str:
    """The key of the INVITE that a CANCEL means (RFC 3261 §9.2)."""
    return "INVITE" + server_key(cancel)[len("CANCEL") :]


def top_row(text: str) -> str:
    """The topmost Via row of a request as it came, found without parsing; "" where it is not the first header."""
    start = text.find("\r\n", 0, 1000) + 2
    if start < 2 or not text.startswith(_VIA, start) or text.startswith("SIP/"):
        return ""
    end = text.find("\r\n", start)
    if end < 0 or text.startswith(_FOLDS, end + 2):
        return ""
    return text[start + len(_VIA) : end]


def key_of(text: str) -> str:
    """The `server_key` of a request as it came, found without parsing; "" where its topmost Via is not a usual one.

    So retransmissions are recognised cheaply. Usual is a Via that the key repeats letter by letter.
    """
    row = top_row(text)
    sent, cookie, branch = row.partition(_BRANCH)
    if not cookie or "," in row or '"' in row or "\t" in row or row.count(" ") != 1:
        return ""
    if branch.endswith(_RPORT):
        branch = branch[: -len(_RPORT)]
    elif sent.endswith(_RPORT):
        sent = sent[: -len(_RPORT)]
    # Addresses of IPv6 and ports have several spellings.
    if not branch or ";" in branch or ";" in sent or "[" in sent or ":0" in sent or not sent.startswith("SIP/2.0/"):
        return ""
    method = text.partition(" ")[0]
    return f"{'INVITE' if method == 'ACK' else method} {sent.partition(' ')[2]} {MAGIC_COOKIE}{branch}"


def key_of_sent(data: bytes) -> str | None:
    """The key of the client transaction that sent this request, of which the end may be missing; None for all else."""
    text = data.decode("latin-1")
    row = top_row(text)
    if not row:
        return None
    branch = row.partition(";branch=")[2].partition(";")[0]
    return client_key(branch, text.partition(" ")[0])


def client_key(branch: str, method: str) -> str:
    """The key of a client transaction of ours: responses carry its branch and method (RFC 3261 §17.1.3)."""
    return f"{branch} {method}"
