"""A call as it was before a restart and as it is after it, field by field.

Every field of a call and of what it consists of is either kept, or stands here with the reason why not. So a field that
is added has to be thought about.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from types import GetSetDescriptorType, MemberDescriptorType, SimpleNamespace
from typing import Any

import pytest

from pbx.calls.call import Call
from pbx.calls.edge import Edge
from pbx.calls.history import Note
from pbx.calls.invitation import Caller
from pbx.calls.leg import Leg
from pbx.calls.records import live_state, restore
from pbx.calls.session_timer import SessionTimer
from pbx.calls.states import LegState
from pbx.calls.switch import CallSettings, Switch
from pbx.media.plane import MediaProfile
from pbx.routing.explain import Happened
from pbx.routing.outcome import Outcome
from pbx.routing.plan import plan
from sip.dialog.dialog import Dialog
from sip.endpoint import Endpoint
from sip.transport.base import Flow, LostFlow
from tests.support.clock import FakeClock
from tests.unit.pbx.routing.office import NOW, office

WHILE_IT_RINGS = "of no use once the call is answered"
UNDER_WAY = "a transaction under way ends with the engine"
OF_THE_ENGINE = "the new engine's own"

NOT_KEPT: dict[type, dict[str, str]] = {
    Call: {
        "_next": WHILE_IT_RINGS,
        "_rings_since": WHILE_IT_RINGS,
        "_starting": WHILE_IT_RINGS,
        "hops": WHILE_IT_RINGS,
        "instance": WHILE_IT_RINGS,
        "origin": WHILE_IT_RINGS,
        "ringing": WHILE_IT_RINGS,
        "ended": "a call that has ended is a record",
        "cause": "a call that has ended is a record",
        "switch": OF_THE_ENGINE,
        "transfer": UNDER_WAY,
    },
    Leg: {
        "asked": UNDER_WAY,
        "asking": UNDER_WAY,
        "heard_at": "any registration is newer than the last engine's",
        "last_ack": UNDER_WAY,
        "owed": UNDER_WAY,
        "owner": OF_THE_ENGINE,
        "state": "only calls whose parties talk are taken up",
        "switch": OF_THE_ENGINE,
        "unacknowledged": UNDER_WAY,
        "waiting": UNDER_WAY,
    },
    Dialog: {"local_cseq": "skips some numbers, for requests that went out after the last save"},
    SessionTimer: {
        "leg": OF_THE_ENGINE,
        "refresh_at": "nobody knows how old the session is: it is refreshed soon",
        "until": "nobody knows how old the session is: it begins anew",
    },
    Edge: {"_leg": OF_THE_ENGINE, "_plane": OF_THE_ENGINE, "_waiting": UNDER_WAY},
}


PROPERTIES = {
    Call: {"state", "offer", "invitation", "takes_reliable"},
    Leg: {"busy", "live"},
}  # compiled, they look like fields


def fields_of(kind: type) -> set[str]:
    """What an object of this class holds, whether it is interpreted or compiled."""
    descriptors = (MemberDescriptorType, GetSetDescriptorType)
    found = {name for name, value in vars(kind).items() if isinstance(value, descriptors)}
    return found - {"__dict__", "__weakref__"} - PROPERTIES.get(kind, set())


def kept(thing: Any) -> dict[str, Any]:
    """The fields that a restart has to keep, as values that can be compared."""
    kind = type(thing)
    return {name: plain(getattr(thing, name)) for name in fields_of(kind) - set(NOT_KEPT[kind])}


def plain(value: Any) -> Any:
    if isinstance(value, tuple(NOT_KEPT)):
        return kept(value)
    if isinstance(value, LostFlow):
        return value.transport, value.local, value.remote
    return value


def switch() -> Switch:
    return Switch(
        Endpoint(FakeClock()),
        CallSettings("pbx.example"),
        directory=lambda: office("101\n102"),
        bindings_of=lambda _: (),
        route_of=lambda _: None,
        flow_again=lambda *_: None,
        clock=lambda: NOW,
        store=SimpleNamespace(),  # type: ignore[arg-type]  # no call of it is made
        addresses_us=lambda _: False,
        media=SimpleNamespace(),  # type: ignore[arg-type]  # likewise
    )


def flow_of(transport: str, host: str, port: int, remote_host: str, remote_port: int) -> Flow:
    return LostFlow(transport, (host, port), (remote_host, remote_port))


def a_leg(where: Switch, number: str, place: int) -> Leg:
    """A party with something in every field that is kept."""
    dialog = Dialog(
        f"call-{number}", f"tag-{number}", "<sip:1@pbx.example>", "<sip:2@pbx.example>", "<sip:us@192.0.2.1>"
    )
    dialog.remote_tag, dialog.target = f"remote-{number}", f"sip:{number}@192.0.2.{place}"
    dialog.routes, dialog.local_cseq, dialog.remote_cseq = ["<sip:192.0.2.99;lr>"], 7, 3
    leg = Leg(where, number, dialog, flow_of("WSS", "192.0.2.1", 443, f"192.0.2.{place}", 5060), inbound=place == 10)
    leg.state = LegState.CONFIRMED
    leg.allows, leg.supports = frozenset(("INVITE", "UPDATE")), frozenset(("timer", "100rel"))
    leg.local_sdp, leg.remote_sdp, leg.sdp_source = b"v=0 ours", b"v=0 theirs \xe4", b"v=0 source"
    leg.sdp_id, leg.sdp_version = 4711, 5
    leg.other_host, leg.partner = "192.0.2.77", '"Boris" <sip:103@pbx.example>'
    leg.private = True
    leg.session = SessionTimer(leg, 600, supported=True, refreshing=True)
    leg.session.least = 180
    leg.edge = Edge(leg, where.media, MediaProfile.WEBRTC, echoes=True)  # type: ignore[arg-type]
    leg.edge._known = b"v=0 a browser's", b"v=0 as others see it \xe4"
    return leg


def a_call(where: Switch, service: str = "") -> Call:
    """A call with something in every field that is kept."""
    route = plan("102", "101", NOW, where.directory())
    call = Call(where, route, Caller("101", "Anna Orlova", private=True), None)
    call.answered, call.outcome = NOW + timedelta(seconds=9), Outcome.ANSWERED
    call.began = NOW + timedelta(seconds=2)
    call.step = route.steps[-1]
    call.events = [Happened(0, "102", Outcome.ANSWERED, NOW, 7.0), Note(NOW, "transferred")]
    call.a, call.service = a_leg(where, "101", 10), service
    call.b = None if service else a_leg(where, "102", 11)
    for leg in (call.a, call.b):
        if leg is not None:
            leg.owner = call
            assert leg.edge is not None
            leg.edge.call_id = call.id
    return call


def after_a_restart(call: Call) -> Call:
    return restore(switch(), json.loads(json.dumps(live_state(call))), flow_of)


@pytest.mark.parametrize("service", ["", "*43"], ids=["two parties", "a service"])
def test_call_is_after_a_restart_what_it_was_before(service: str) -> None:
    call = a_call(switch(), service)
    again = after_a_restart(call)
    assert kept(again) == kept(call)
    assert again.switch.calls == {again.id: again}
    assert again.a is not None
    assert again.a.owner is again
    assert again.a.state is LegState.CONFIRMED
    assert again.a.dialog.local_cseq > 7


@pytest.mark.parametrize("kind", NOT_KEPT, ids=lambda kind: kind.__name__)
def test_every_field_that_is_kept_has_a_value_here_that_would_be_missed(kind: type) -> None:
    """Else a field could be forgotten and nobody would see it."""
    where = switch()
    call = a_call(where)
    leg = call.a
    assert leg is not None
    empty = Leg(where, "", Dialog("", "", "", "", ""), flow_of("UDP", "", 0, "", 0), inbound=False)
    fresh = {
        Call: Call(where, replace(call.plan, dialled="9"), Caller("", ""), None),
        Leg: empty,
        Dialog: empty.dialog,
        SessionTimer: SessionTimer(empty, 90, supported=False, refreshing=False),
        Edge: Edge(empty, where.media, MediaProfile.RTP),  # type: ignore[arg-type]
    }
    told = {Call: call, Leg: leg, Dialog: leg.dialog, SessionTimer: leg.session, Edge: leg.edge}
    unset = kept(fresh[kind])
    same = [name for name, value in kept(told[kind]).items() if unset[name] == value]
    assert [name for name in same if (kind, name) != (Call, "service")] == []  # the other story has one


@pytest.mark.parametrize("kind", NOT_KEPT, ids=lambda kind: kind.__name__)
def test_fields_that_are_not_kept_exist(kind: type) -> None:
    assert set(NOT_KEPT[kind]) <= fields_of(kind)


def test_call_that_an_earlier_version_has_stored_is_taken_up() -> None:
    stored = json.loads(json.dumps(live_state(a_call(switch()))))
    for leg in stored["legs"]:
        del leg["other_host"], leg["partner"], leg["session"][3], leg["edge"][3:]
    call = restore(switch(), stored, flow_of)
    assert call.a is not None
    assert call.a.session is not None
    assert (call.a.other_host, call.a.partner, call.a.session.least) == ("", "", 0)
    assert datetime.isoformat(call.began) == stored["began"]
