"""A call in progress as others see it: the command line, the web, the bus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pbx.calls.call import Call
    from pbx.calls.leg import Leg


def call_view(call: Call) -> dict[str, Any]:
    """Times are seconds of the Unix epoch. `ringing` are the numbers whose phones ring now, `devices` the SIP names of
    those who talk, by their number.
    """
    a, b, ringing = call.a, call.b, call.ringing
    legs = [leg for leg in (a, b) if leg is not None]
    talk = b is not None and call.ended is None
    return {
        "id": call.id,
        "caller": call.caller.number,
        "caller_name": call.caller.name,
        "private": call.caller.private,
        "dialled": call.plan.dialled,
        "ringing": list(ringing.step.targets) if ringing is not None and not ringing.over else [],
        "answered_by": b.number if b is not None else call.service or None,
        "parties": [leg.number for leg in legs],
        "devices": {leg.number: name for leg in legs if (name := _device(call, leg))} if talk else {},
        "state": call.state.value,
        "started_at": call.began.timestamp(),
        "answered_at": call.answered.timestamp() if call.answered is not None else None,
    }


def _device(call: Call, leg: Leg) -> str:
    """The SIP name of the phone at a leg, "" where it is not registered."""
    for binding in call.switch.bindings_of(leg.number):
        if leg.is_at(binding):
            return binding.sip_name
    return ""
