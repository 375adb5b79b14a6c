"""The topmost Via: ours on what we send, the sender's real address on what we get (RFC 3261 §18.2, RFC 3581)."""

from sip.fields import Via
from sip.grammar import split_list
from sip.identifiers import new_branch
from sip.message import Request
from sip.transport.base import Flow


def our_via(flow: Flow) -> Via:
    """The Via of a new request of ours on a flow; `rport` asks the peer to answer where it came from (RFC 3581)."""
    host, port = flow.local
    return Via(flow.transport, host, port, {"branch": new_branch(), "rport": ""})


def note_source(request: Request, flow: Flow) -> None:
    """Adds `received` and `rport` to the topmost Via (RFC 3261 §18.2.1, RFC 3581 §4). Raises ParseError."""
    via: Via = request.via
    rows = request.headers["Via"]
    top = rows[0]
    host, port = flow.remote
    plain = "," not in top and '"' not in top and "received" not in via.params
    bare = top.count(";rport") == 1 and (top.endswith(";rport") or ";rport;" in top)
    if plain and bare and "rport" in via.params:
        rows[0] = top.replace(";rport", f";rport={port};received={host}")
    elif "rport" in via.params or via.host != host:
        _, *others = split_list(top)
        rows[0] = ", ".join([str(via.seen_from(host, port)), *others])
