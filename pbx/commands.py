"""What other processes may ask the engine on the bus: registrations, calls, blocks, changes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pbx.bus.errors import CommandError
from pbx.calls.pull import pull
from pbx.calls.switch import Switch
from pbx.calls.views import call_view
from pbx.directory.current import CurrentDirectory
from pbx.fairness import Fairness
from pbx.messages.relay import MessageRelay
from pbx.registrar.accounts import Accounts
from pbx.registrar.bindings import Binding, Bindings
from pbx.registrar.guard import Block, Guard
from pbx.registrar.registrar import Registrar
from pbx.storage.errors import DatabaseRefused

Values = Mapping[str, Any]


class Commands:
    """`now` gives seconds of the Unix epoch, as all times in replies are; `state` what `ready` tells of the engine."""

    def __init__(
        self,
        directory: CurrentDirectory,
        bindings: Bindings,
        guard: Guard,
        fairness: Fairness,
        switch: Switch,
        now: Callable[[], float],
        state: Callable[[], Values],
        accounts: Accounts,
        registrar: Registrar,
        messages: MessageRelay,
    ) -> None:
        self._directory = directory
        self._bindings = bindings
        self._guard = guard
        self._fairness = fairness
        self._switch = switch
        self._now = now
        self._state = state
        self._accounts = accounts
        self._registrar = registrar
        self._messages = messages

    def table(self) -> dict[str, Callable[[Values], Values | Awaitable[Values]]]:
        """The handlers by command name."""
        return {
            "ready": lambda _: {"ready": True, **self._state()},
            "registrations": self.registrations,
            "calls.live": lambda _: {"calls": [call_view(call) for call in self._switch.calls.values()]},
            "calls.hangup": self.hang_up,
            "blocks": self.blocks,
            "blocks.release": self.release,
            "calls.pull": self.pull,
            "credentials.issue": self.issue,
            "credentials.revoke": self.revoke,
            "messages.send": self.send_message,
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

    def pull(self, asked: Values) -> Values:
        """`{call, number, sip_name}`: the user `number` goes on with a call on the device that registered so."""
        call = self._switch.calls.get(str(asked.get("call")))
        number, sip_name = str(asked.get("number")), str(asked.get("sip_name"))
        if call is None:
            raise CommandError("not-found", f"no call {asked.get('call')} is in progress")
        found = [one for one in self._bindings.of(number, self._now()) if one.sip_name == sip_name]
        if not found:
            raise CommandError("not-found", f"{sip_name} is not registered")
        why_not = pull(call, number, max(found, key=lambda binding: binding.updated_at))
        if why_not:
            raise CommandError("conflict", why_not)
        return {"call": call.id}

    def issue(self, asked: Values) -> Values:
        """`{number, session}`: a short-lived account for a browser of this user."""
        number, session = str(asked.get("number")), str(asked.get("session"))
        if self._directory.get().user(number) is None:
            raise CommandError("not-found", f"there is no user {number}")
        account = self._accounts.issue(number, session)
        return {"username": account.sip_name, "password": account.password, "expires_at": account.expires_at}

    def revoke(self, asked: Values) -> Values:
        """`{number, session}`: ends the browser accounts of a session, and what is registered with them."""
        self._accounts.revoke(str(asked.get("session")))
        self._registrar.drop_removed([str(asked.get("number"))], self._now())
        return {}

    def send_message(self, asked: Values) -> Values:
        """`{from, to, text, id}`: shows what was said in chat on the user's softphones, those that are there now."""
        sender, receiver = str(asked.get("from")), str(asked.get("to"))
        return {"phones": self._messages.say(sender, receiver, str(asked.get("text")), str(asked.get("id")))}

    def blocks(self, _: Values) -> Values:
        """Who has to wait after wrong passwords, and who sends too much near overload."""
        now = self._now()
        return {"blocks": [_block_view(block) for block in (*self._guard.blocks(now), *self._fairness.blocks(now))]}

    def release(self, asked: Values) -> Values:
        """`{what}`: forgets what is held against an account, an address, or both as `blocks` shows them."""
        what = str(asked.get("what", ""))
        released = self._guard.release(what) + self._fairness.release(what)
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
