"""What an INVITE must be before it becomes a call (RFC 3261 §8.2.2, §8.2.3)."""

from __future__ import annotations

from typing import Final

from pbx.calls.session_timer import LARGEST, session_expires
from pbx.calls.switch import Switch
from sip.message import Request, Response, respond
from sip.sdp.errors import SdpError
from sip.sdp.quick import quick_check

UNDERSTOOD: Final = frozenset(("100rel", "timer", "replaces", "norefersub", "histinfo", "outbound", "path", "gruu"))
ACCEPT: Final = ("Accept", "application/sdp")


def unsupported(request: Request) -> Response | None:
    """420 for an extension that the request insists on and we lack; a back-to-back agent heeds both headers."""
    if "Require" not in request.headers and "Proxy-Require" not in request.headers:
        return None
    wanted = [*request.tokens("Require"), *request.tokens("Proxy-Require")]
    missing = sorted(tag for tag in wanted if tag.lower() not in UNDERSTOOD)
    return respond(request, 420, headers=[("Unsupported", ", ".join(missing))]) if missing else None


def objection(request: Request, switch: Switch) -> Response | None:
    """The response to an INVITE that cannot become a call, None for one that can. Raises ParseError."""
    if request.body:
        kind = request.content_type
        encoding = (request.get("Content-Encoding") or "identity").strip().lower()
        if kind != "application/sdp" or encoding != "identity":
            return respond(request, 415, headers=[ACCEPT, ("Accept-Encoding", "identity")])
        try:
            quick_check(request.body)
        except SdpError as error:
            return respond(request, 488, headers=[("Warning", f'399 {switch.settings.domain} "{error}"')])
    if "Accept" in request.headers and not _accepts_sdp(request):
        return respond(request, 406, headers=[ACCEPT])
    if "Session-Expires" in request.headers:
        asked = session_expires(request)
        least = switch.settings.min_se
        if asked is not None and asked[0] < least:
            return respond(request, 422, headers=[("Min-SE", str(least))])
    request.number("Min-SE", LARGEST)  # read so that a malformed one is found here
    return None


def _accepts_sdp(request: Request) -> bool:
    kinds = {kind.partition(";")[0].strip().lower() for row in request.rows("Accept") for kind in row.split(",")}
    return bool(kinds & {"application/sdp", "application/*", "*/*"})
