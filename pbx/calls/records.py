"""Finished calls: what is kept of each, and calls in progress as they survive a restart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from pbx.calls.call import Call
from pbx.calls.edge import Edge
from pbx.calls.history import event_state, read_event
from pbx.calls.invitation import Caller
from pbx.calls.leg import Leg
from pbx.calls.models import DELETE_LIVE_CALL, UPSERT_CALL_MEDIA, UPSERT_CALL_RECORD, UPSERT_LIVE_CALL
from pbx.calls.recovery import SAVED_EVERY
from pbx.calls.session_timer import SessionTimer
from pbx.calls.states import LegState
from pbx.media.plane import SessionStatistics
from pbx.routing.outcome import Outcome
from pbx.routing.record import from_dict, to_dict
from sip.dialog.dialog import Dialog
from sip.transport.base import Flow

if TYPE_CHECKING:
    from pbx.calls.switch import Switch
    from pbx.storage.writer import WriteBehind

GATHER = 0.02  # s
MOST_MEASURED = 100
ON_DISK = 0.15  # s after which a record can be read
SKIPPED = 2 * SAVED_EVERY  # numbers of requests: those since the last save, and those while that was under way


class DatabaseCallStore:
    """Writes calls behind the engine's back, on disk within 100 ms.

    A call changes several times as it is answered; its state is put together once, `GATHER` after the first change.
    `call_later` is the event loop's. `publish(kind, data)` tells other processes what can be read now.
    """

    def __init__(
        self,
        writer: WriteBehind,
        call_later: Callable[[float, Callable[[], None]], object],
        publish: Callable[[str, Mapping[str, object]], None] = lambda _kind, _data: None,
    ) -> None:
        self._writer = writer
        self._call_later = call_later
        self._publish = publish
        self._changed: dict[str, Call] = {}
        self._recorded: list[str] = []
        self._media: dict[str, dict[str, object]] = {}

    def save(self, call: Call) -> None:
        """Keeps a call in progress, so that a restarted engine can go on with it."""
        if not self._changed:
            self._call_later(GATHER, self._save_changed)
        self._changed[call.id] = call

    def _save_changed(self) -> None:
        changed, self._changed = self._changed, {}
        for call in changed.values():
            if call.ended is None:
                self._writer.put(UPSERT_LIVE_CALL, (call.id, _encode(live_state(call)), call.began.timestamp()))

    def record(self, call: Call) -> None:
        """Keeps the record of a call that has ended, and forgets its live state."""
        if call.answered is not None:
            self._writer.put(DELETE_LIVE_CALL, (call.id,))
        assert call.ended is not None
        row = (
            call.id,
            call.caller.number,
            call.caller.name,
            call.plan.dialled,
            call.b.number if call.b is not None else call.service or None,
            call.began.timestamp(),
            call.answered.timestamp() if call.answered is not None else None,
            call.ended.timestamp(),
            call.outcome.value,
            call.cause,
            _encode(to_dict(call.plan)),
            _encode([event_state(event) for event in call.events]),
        )
        self._writer.put(UPSERT_CALL_RECORD, row)
        if not self._recorded:
            self._call_later(ON_DISK, self._tell)
        self._recorded.append(call.id)

    def media(self, call_id: str, number: str, statistics: SessionStatistics) -> None:
        """Keeps how the media of one party of a call was."""
        parties = self._media.setdefault(call_id, {})
        parties[number] = {leg: [asdict(stream) for stream in streams] for leg, streams in statistics.legs.items()}
        self._writer.put(UPSERT_CALL_MEDIA, (call_id, _encode(parties)))
        while len(self._media) > MOST_MEASURED:  # both parties of a call are measured at its end
            del self._media[next(iter(self._media))]

    def _tell(self) -> None:
        recorded, self._recorded = self._recorded, []
        self._publish("call.recorded", {"calls": recorded})


def _encode(values: object) -> str:
    return orjson.dumps(values).decode()


def live_state(call: Call) -> dict[str, Any]:
    """A call in progress as JSON values; `restore` reads it."""
    assert call.answered is not None
    return {
        "id": call.id,
        "caller": [call.caller.number, call.caller.name, call.caller.private],
        "began": call.began.isoformat(),
        "answered": call.answered.isoformat(),
        "plan": to_dict(call.plan),
        "events": [event_state(event) for event in call.events],
        "service": call.service,
        "step": call.step.index if call.step is not None else 0,
        "legs": [_leg_state(leg) for leg in (call.a, call.b) if leg is not None],
    }


def _leg_state(leg: Leg) -> dict[str, Any]:
    session = leg.session
    return {
        "inbound": leg.inbound,
        "number": leg.number,
        "dialog": leg.dialog.to_dict(),
        "flow": [leg.flow.transport, *leg.flow.local, *leg.flow.remote],
        "allows": sorted(leg.allows),
        "supports": sorted(leg.supports),
        "local_sdp": leg.local_sdp.decode("latin-1"),
        "sdp_source": leg.sdp_source.decode("latin-1"),
        "remote_sdp": leg.remote_sdp.decode("latin-1"),
        "sdp": [leg.sdp_id, leg.sdp_version],
        "webrtc": leg.webrtc,
        "other_host": leg.other_host,
        "partner": leg.partner,
        "private": leg.private,
        "edge": leg.edge.to_list() if leg.edge is not None else None,
        "session": session.to_list() if session is not None else None,
    }


def restore(switch: Switch, stored: dict[str, Any], flow_for: Callable[[str, str, int, str, int], Flow]) -> Call:
    """Takes a stored call up again, both legs confirmed; sessions run anew from now.

    `flow_for(transport, local host, local port, remote host, remote port)` makes a leg's flow: a datagram flow
    works at once, a stream's is closed until the phone comes back.
    Raises KeyError, TypeError or ValueError when the stored state makes no sense.
    """
    number, name, private = stored["caller"]
    plan = from_dict(stored["plan"])
    call = Call(switch, plan, Caller(number, name, private), None)
    del switch.calls[call.id]
    call.id = stored["id"]
    call.began = datetime.fromisoformat(stored["began"])
    call.answered = datetime.fromisoformat(stored["answered"])
    call.outcome = Outcome.ANSWERED
    call.events = [read_event(event) for event in stored["events"]]
    call.step = plan.steps[stored["step"]] if plan.steps else None
    legs = [_restore_leg(switch, state, flow_for) for state in stored["legs"]]
    call.service = stored.get("service", "")
    call.a, call.b = legs if not call.service else (legs[0], None)
    call.a.private = stored["legs"][0].get("private", private)  # an earlier version kept it of the call alone
    for leg in legs:
        leg.owner = call
        if leg.edge is not None:
            leg.edge.call_id = call.id
    switch.calls[call.id] = call
    return call


def _restore_leg(switch: Switch, state: dict[str, Any], flow_for: Callable[[str, str, int, str, int], Flow]) -> Leg:
    dialog = Dialog.from_dict(state["dialog"])
    # A request may have gone out after the state was stored; numbers may skip, never repeat (RFC 3261 §12.2.1.1).
    dialog.local_cseq += SKIPPED
    leg = Leg(switch, state["number"], dialog, flow_for(*state["flow"]), inbound=state["inbound"])
    leg.state = LegState.CONFIRMED
    leg.allows = frozenset(state["allows"])
    leg.supports = frozenset(state["supports"])
    leg.local_sdp = state["local_sdp"].encode("latin-1")
    leg.sdp_source = state["sdp_source"].encode("latin-1")
    leg.remote_sdp = state["remote_sdp"].encode("latin-1")
    leg.sdp_id, leg.sdp_version = state["sdp"]
    leg.webrtc = state.get("webrtc", False)
    leg.other_host = state.get("other_host", "")
    leg.partner = state.get("partner", "")
    leg.private = state.get("private", False)
    if state.get("edge") is not None and switch.media is not None:
        leg.edge = Edge.restored(leg, switch.media, state["edge"])
    if state["session"] is not None:
        leg.session = SessionTimer.restored(leg, state["session"])
    return leg
