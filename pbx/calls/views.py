"""A call in progress as others see it: the command line, the web, the bus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pbx.calls.call import Call


def call_view(call: Call) -> dict[str, Any]:
    """Times are seconds of the Unix epoch. `ringing` are the numbers whose phones ring now."""
    a, b, ringing = call.a, call.b, call.ringing
    return {
        "id": call.id,
        "caller": call.caller.number,
        "caller_name": call.caller.name,
        "private": call.caller.private,
        "dialled": call.plan.dialled,
        "ringing": list(ringing.step.targets) if ringing is not None and not ringing.over else [],
        "answered_by": b.number if b is not None else call.service or None,
        "parties": [leg.number for leg in (a, b) if leg is not None],
        "state": call.state.value,
        "started_at": call.began.timestamp(),
        "answered_at": call.answered.timestamp() if call.answered is not None else None,
    }
