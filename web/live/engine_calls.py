"""Phones and calls as the engine tells of them: for presence, and for those whom they concern."""

import logging
from collections.abc import Mapping
from typing import Any

from pbx.bus.lines import Values
from web.api.calls import BROWSER_ACCOUNT, live_call, numbers_in
from web.live.events import (
    BlocksChanged,
    CallLive,
    CallsReset,
    DeviceChanged,
    RegistrationChanged,
)
from web.services import Services

logger = logging.getLogger(__name__)


def connect(given: Services) -> None:
    """Registers what is heard on the bus."""
    events = given.engine_events
    events.on("snapshot", lambda data: _start_anew(given, data))
    events.on("registration.registered", lambda data: _phone(given, data, came=True))
    for kind in ("registration.unregistered", "registration.expired", "registration.lost"):
        events.on(kind, lambda data: _phone(given, data, came=False))
    for kind in ("call.started", "call.changed", "call.answered"):
        events.on(kind, lambda data: _call(given, data, ended=False))
    events.on("call.ended", lambda data: _call(given, data, ended=True))
    events.on("blocks.changed", lambda _: given.rooms.to_admins(BlocksChanged()))
    events.on("directory.changed", lambda data: _directory(given, data))


def on_the_phone(given: Services, view: Mapping[str, Any]) -> frozenset[str]:
    """The users who are busy with a call: who called, and who answered."""
    return frozenset(
        str(number) for number in (view["caller"], view.get("answered_by")) if number in given.directory.users
    )


def _start_anew(given: Services, data: Values) -> None:
    given.presence.resync(
        [
            (one["number"], one["sip_name"], one["contact"])
            for one in data["registrations"]
            if one["flow"] == "open" and _is_phone(given, one)
        ],
        {str(view["id"]): on_the_phone(given, view) for view in data["calls"]},
    )
    given.rooms.to_everyone(CallsReset())


def _phone(given: Services, data: Values, *, came: bool) -> None:
    number, sip_name = str(data["number"]), str(data["sip_name"])
    if _is_phone(given, data) or not came:
        tell = given.presence.registered if came else given.presence.unregistered
        tell(number, sip_name, str(data["contact"]))
    given.rooms.to_user(number, DeviceChanged())
    given.rooms.to_admins(RegistrationChanged(number=number, sip_name=sip_name))


def _is_phone(given: Services, data: Values) -> bool:
    """Whether a registration shows that a phone is there. That of a page does not: a page which is closed leaves it
    behind, and is known better by its connection here.
    """
    return data["number"] in given.directory.users and BROWSER_ACCOUNT not in data["sip_name"]


def _call(given: Services, data: Values, *, ended: bool) -> None:
    view = data["call"]
    given.presence.call(str(view["id"]), () if ended else on_the_phone(given, view))
    concerned = numbers_in(view)
    there, others = given.browsers.there(concerned), given.browsers.admins - concerned
    if not there and not others:
        return
    if ended:
        view = {**view, "state": "ended"}
    for number in there:
        given.rooms.to_user(number, CallLive(call=live_call(given, view, number)))
    if others:
        given.rooms.to_users(others, CallLive(call=live_call(given, view, None)))


def _directory(given: Services, data: Values) -> None:
    numbers = [str(number) for number in data.get("numbers", ())]
    refresh = given.directory_holder.refresh if numbers else lambda _: given.directory_holder.check()
    given.threads.run(lambda: refresh(numbers))
