"""What other processes may ask the engine on the bus: registrations, calls, blocks, changes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pbx.bus.errors import CommandError
from pbx.calls.call import Call
from pbx.calls.switch import Switch
from pbx.directory.current import CurrentDirectory
from pbx.registrar.bindings import Binding, Bindings
from pbx.registrar.guard import Block, Guard
from pbx.storage.errors import DatabaseRefused

Values = Mapping[str, Any]


class Commands:
    """`now` gives seconds of the Unix epoch, as all times in replies are; `state` what `ready` tells of the engine."""

    def __init__(
        self,
        directory: CurrentDirectory,
        bindings: Bindings,
        guard: Guard,
        switch: Switch,
        now: Callable[[], float],
        state: Callable[[], Values],
    ) -> None:
        self._directory = directory
        self._bindings = bindings
        self._guard = guard
        self._switch = switch
        self._now = now
        self._state = state

    def table(self) -> dict[str, Callable[[Values], Values | Awaitable[Values]]]:
        """The handlers by command name."""
        return {
            "ready": lambda _: {"ready": True, **self._state()},
            "registrations": self.registrations,
            "calls.live": lambda _: {"calls": [call_view(call) for call in self._switch.calls.values()]},
            "calls.hangup": self.hang_up,
            "blocks": lambda _: {"blocks": [_block_view(block) for block in self._guard.blocks(self._now())]},
            "blocks.release": self.release,
            "directory.changed": self.directory_changed,
        }

    def snapshot(self) -> Values:
        """What a new subscriber has to know."""
        return {**self.registrations({}), "calls": [call_view(call) for call in self._switch.calls.values()]}

    def registrations(self, asked: Values) -> Values:
        """`{number?}`: the bindings of a number, or all."""
        number, now = asked.get("number"), self._now()
        found = self._bindings.of(str(number), now) if number else self._bindings.all(now)
        return {"registrations": [_binding_view(binding, now) for binding in found]}

    def hang_up(self, asked: Values) -> Values:
        """`{call}`: ends a call in progress."""
        call = self._switch.calls.get(str(asked.get("call")))
        if call is None:
            raise CommandError("not-found", f"no call {asked.get('call')} is in progress")
        call.hang_up('SIP;cause=200;text="Ended by an administrator"', "ended by an administrator")
        return {"call": call.id}

    def release(self, asked: Values) -> Values:
        """`{what}`: forgets the wrong passwords of an account, an address, or both as `blocks` shows them."""
        what = str(asked.get("what", ""))
        released = self._guard.release(what)
        if not released:
            raise CommandError("not-found", f"nothing is known against {what!r}")
        return {"released": released}

    async def directory_changed(self, asked: Values) -> Values:
        """`{numbers}`: the database has news of them; in force when the reply is there."""
        numbers = [str(number) for number in asked.get("numbers", ())]
        try:
            await asyncio.to_thread(self._directory.refresh, numbers)
        except DatabaseRefused as error:
            raise CommandError("database", str(error)) from error
        return {"version": self._directory.get().version}


def call_view(call: Call) -> dict[str, Any]:
    """A call in progress as others see it."""
    return {
        "id": call.id,
        "caller": call.caller.number,
        "caller_name": call.caller.name,
        "dialled": call.plan.dialled,
        "answered_by": call.b.number if call.b is not None else None,
        "state": call.state.value,
        "started_at": call.began.timestamp(),
        "answered_at": call.answered.timestamp() if call.answered is not None else None,
    }


def _binding_view(binding: Binding, now: float) -> dict[str, Any]:
    flow = binding.flow
    reachable = flow is not None and not flow.closed
    return {
        "number": binding.number,
        "sip_name": binding.sip_name,
        "contact": binding.contact,
        "transport": binding.transport,
        "source": f"{binding.source[0]} {binding.source[1]}",
        "user_agent": binding.user_agent,
        "expires_in": round(binding.expires_at - now),
        "flow": "open" if reachable else "closed",
    }


def _block_view(block: Block) -> dict[str, Any]:
    return {
        "what": block.what,
        "why": block.why,
        "since": block.since,
        "until": block.until,
        "attempts": block.attempts,
    }
