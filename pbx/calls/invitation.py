"""The INVITE that a phone gets: who calls, for whom, and where the call has been before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pbx.calls.switch import EXTENSIONS, METHODS, WITHOUT_100REL, Switch
from pbx.routing.reasons import Cause, Diversion
from sip.dialog.dialog import Dialog
from sip.errors import ParseError
from sip.fields import CSeq, NameAddr
from sip.grammar import quote
from sip.identifiers import token
from sip.message import Request
from sip.transport.base import Flow

ANONYMOUS: Final = '"Anonymous" <sip:anonymous@anonymous.invalid>'

# Carried across as the caller's phone wrote them: they say something to the person who is called.
_CARRIED: Final = ("Subject", "Priority", "Alert-Info")

# Words by which Alert-Info makes phones pick up by themselves: nobody may so listen to somebody else's room.
_PICKS_UP: Final = ("answer", "intercom")

# RFC 7044 §8, RFC 4458 §2.1: the status that stands for why the call left a number.
_HISTORY: Final = {
    Cause.ALWAYS: 302,
    Cause.CALLER: 302,
    Cause.TIME: 302,
    Cause.REDIRECT: 302,
    Cause.BUSY: 486,
    Cause.NO_ANSWER: 408,
    Cause.UNREACHABLE: 503,
    Cause.DND: 480,
}
# RFC 5806 §4.
_DIVERSION: Final = {
    Cause.ALWAYS: "unconditional",
    Cause.CALLER: "unconditional",
    Cause.TIME: "time-of-day",
    Cause.REDIRECT: "deflection",
    Cause.BUSY: "user-busy",
    Cause.NO_ANSWER: "no-answer",
    Cause.UNREACHABLE: "unavailable",
    Cause.DND: "do-not-disturb",
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as the called phone shows it.

    `number` is the caller's in any case; `private` hides it and the name (RFC 3323).
    """

    number: str
    name: str
    private: bool = False


def caller_of(request: Request, number: str, name: str) -> Caller:
    """The caller's identity: the account's, and as private as its phone asks. Raises ParseError."""
    values = {value.strip().lower() for row in request.rows("Privacy") for value in row.split(";")}
    hidden = bool(values & {"id", "user", "header"}) or "anonymous.invalid" in request.headers["From"][0]
    return Caller(number, name, hidden)


def identity(switch: Switch, number: str, name: str) -> str:
    """A user as a name-addr, the name in UTF-8."""
    address = f"<{switch.address_of(number)}>"
    return f"{quote(name.encode().decode('latin-1'))} {address}" if name else address


def new_dialog(switch: Switch, caller: Caller, number: str, flow: Flow) -> Dialog:
    """The dialog of an INVITE of ours, before anybody has answered it."""
    local = ANONYMOUS if caller.private else identity(switch, caller.number, caller.name)
    remote = f"<{switch.address_of(number)}>"
    contact_user = "anonymous" if caller.private else caller.number
    return Dialog(token() + switch.call_id_suffix, token(), local, remote, switch.contact(contact_user, flow))


def invitation(
    switch: Switch,
    dialog: Dialog,
    caller: Caller,
    *,
    body: bytes,
    original: Request | None,
    diversions: Sequence[Diversion],
    number: str,
    hops: int,
    reliable: bool,
) -> Request:
    """The INVITE to one phone of `number`; `dialog.target` is its contact.

    `original` is the caller's INVITE, None when we call on our own account (a transfer); `hops` is the
    Max-Forwards to send; `reliable` offers 100rel.
    """
    dialog.local_cseq += 1
    headers: dict[str, list[str]] = {"Max-Forwards": [str(hops)]}
    if dialog.routes:
        headers["Route"] = list(dialog.routes)
    headers["From"] = [f"{dialog.local};tag={dialog.local_tag}"]
    headers["To"] = [dialog.remote]
    headers["Call-ID"] = [dialog.call_id]
    headers["CSeq"] = [f"{dialog.local_cseq} INVITE"]
    headers["Contact"] = [dialog.contact]
    if caller.private:
        headers["Privacy"] = ["id"]
    else:
        headers["P-Asserted-Identity"] = [dialog.local]
    if diversions:
        headers["History-Info"] = history(switch, diversions, number)
        headers["Diversion"] = [
            f"<{switch.address_of(stop.number)}>;reason={_DIVERSION[stop.cause]};counter=1"
            for stop in reversed(diversions)  # RFC 5806 §5: the most recent first
        ]
    headers["Allow"] = [METHODS]
    headers["Supported"] = [EXTENSIONS if reliable else WITHOUT_100REL]
    headers["Session-Expires"] = [str(switch.settings.session_expires)]
    if original is not None:
        for name in _CARRIED:
            if name in original.headers:
                headers[name] = [row for row in original.headers[name] if not _picks_up(name, row)]
    if body:
        headers["Content-Type"] = ["application/sdp"]
    request = Request("INVITE", dialog.target, headers, body)
    request.call_id, request.from_tag = dialog.call_id, dialog.local_tag
    request.cseq = CSeq(dialog.local_cseq, "INVITE")
    return request


def _picks_up(name: str, row: str) -> bool:
    return name == "Alert-Info" and any(word in row.lower() for word in _PICKS_UP)


def history(switch: Switch, diversions: Sequence[Diversion], number: str) -> list[str]:
    """History-Info (RFC 7044): every stop of the call and why it left it, the present target last."""
    entries, index, led_here, mapped = [], "1", "", ""
    for stop in diversions:
        status = _HISTORY[stop.cause]
        address = f"{switch.address_of(stop.number)}{led_here}"
        entries.append(f"<{address}?Reason=SIP%3Bcause%3D{status}>;index={index}{mapped}")
        led_here, mapped = f";cause={status}", f";mp={index}"  # RFC 4458 §2: why the call came to the next one
        index += ".1"
    entries.append(f"<{switch.address_of(number)}{led_here}>;index={index}{mapped}")
    return entries


def numbers_of(contacts: Sequence[NameAddr], switch: Switch) -> list[str]:
    """The numbers that the Contacts of a 302 name, best q first; foreign hosts are none of ours to call."""
    found: list[tuple[float, str]] = []
    for contact in contacts:
        try:
            uri = contact.sip_uri()
            q = float(contact.params.get("q") or 1.0)
        except (ParseError, ValueError):
            continue
        if uri.user is not None and switch.is_ours(uri.host):
            found.append((-q, uri.number))
    return [number for _, number in sorted(found, key=lambda pair: pair[0])]
