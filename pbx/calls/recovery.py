"""Requests within a dialog for a phone whose connection is gone: they wait for it to come back.

A restart of the engine, or a network that changes, ends connections but no calls. The phone registers again within
seconds (RFC 5626 §4.5), perhaps with another port in its Contact, and its dialogs go on by the new connection. Where it
can be connected to at its address, that is tried at once, and again every T2 (RFC 3261 §18.1.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbx.calls.states import LegState
from sip.endpoint import ResponseHandler
from sip.message import Request, Response
from sip.timers import Timer
from sip.transaction.client import ClientTransaction
from sip.transaction.local import LocalResponse, local_response
from sip.transport.base import Flow
from sip.vias import our_via

if TYPE_CHECKING:
    from pbx.calls.leg import Leg
    from pbx.calls.switch import Switch
    from pbx.registrar.bindings import Binding

MOST_HELD = 16  # requests of one leg; more fail at once
SAVED_EVERY = 8  # requests of a leg: a restarted engine skips some numbers, not any number of them


class Recovery:
    """The legs whose party is away, and what they have to say to it."""

    def __init__(self, switch: Switch) -> None:
        self.switch = switch
        self._away: dict[str, list[_Away]] = {}  # by the party's number
        self._lost: dict[str, tuple[Binding, ...]] = {}  # the registrations of numbers that have just lost a phone
        self._looking = False

    def __len__(self) -> int:
        return sum(map(len, self._away.values()))

    # ---- who is away

    def lost(self, number: str) -> None:
        """A connection by which this number is registered has ended: calls may have lived on it."""
        self._lost[number] = self.switch.bindings_of(number)
        if not self._looking:  # many connections end at once: the legs are looked through once
            self._looking = True
            self.switch.endpoint.start_timer(0.0, self._look)

    def _look(self, _: object) -> None:
        self._looking = False
        self.look_over()

    def look_over(self) -> None:
        """Finds all legs whose party is away: after a start, or when connections were lost."""
        for leg in list(self.switch.legs.values()):
            if leg.flow.closed and self._find(leg) is None:
                self._note(leg)
        self._lost.clear()

    def tidy(self) -> None:
        """Forgets the legs that ended and have nothing to say."""
        for number, entries in list(self._away.items()):
            self._keep(number, [one for one in entries if one.held or one.leg.state is not LegState.ENDED])

    def awaits(self, number: str) -> bool:
        """Whether a phone of this number is waited for."""
        return number in self._away

    def registered(self, number: str) -> None:
        """A phone of this number has come by a connection: those of its calls that waited go on by it."""
        for away in list(self._away.get(number, ())):
            flow = self._new_flow(away)
            if flow is not None:
                self._back(away, flow)

    def came_back(self, leg: Leg) -> None:
        """The party itself has sent something in this dialog by a new connection, which is the leg's now."""
        away = self._find(leg)
        if away is not None:
            self._back(away, leg.flow)

    def _note(self, leg: Leg) -> _Away | None:
        """Waits for the party from now on; None where it is back already."""
        bindings = self._lost.get(leg.number) or self.switch.bindings_of(leg.number)
        away = _Away(leg, next((one for one in bindings if leg.is_at(one)), None))
        self._away.setdefault(leg.number, []).append(away)
        flow = self._new_flow(away)
        if flow is None:
            return away
        self._back(away, flow)
        return None

    def _find(self, leg: Leg) -> _Away | None:
        for away in self._away.get(leg.number, ()):
            if away.leg is leg:
                return away
        return None

    def _keep(self, number: str, entries: list[_Away]) -> None:
        if entries:
            self._away[number] = entries
        else:
            self._away.pop(number, None)

    def _new_flow(self, away: _Away) -> Flow | None:
        """The connection by which the phone has registered meanwhile."""
        for binding in self.switch.bindings_of(away.leg.number):
            flow = binding.flow
            if flow is not None and flow.reliable and not flow.closed and away.is_phone_of(binding):
                return flow
        return None

    def _back(self, away: _Away, flow: Flow) -> None:
        leg = away.leg
        leg.flow = flow
        self._keep(leg.number, [one for one in self._away.get(leg.number, ()) if one is not away])
        if leg.owner is not None:
            leg.owner.leg_changed()  # the next restart finds the phone by its new address
        held, away.held = away.held, []
        for one in held:
            one.go(flow)

    # ---- what waits

    def request(self, leg: Leg, request: Request, handler: ResponseHandler) -> ClientTransaction | None:
        """Sends a request of a leg's dialog: at once, or when its party is back (None).

        After 64·T1 without it, `handler` gets a LocalResponse 503.
        """
        endpoint = self.switch.endpoint
        if leg.dialog.local_cseq % SAVED_EVERY == 0 and leg.owner is not None:
            leg.owner.leg_changed()
        away = self._find(leg)
        if away is None and leg.flow.closed:
            away = self._note(leg)
        flow = leg.hop()
        if away is None:
            return endpoint.request(request, flow, handler)
        if leg.state is LegState.ENDED:  # this is its BYE: all else that waits is pointless now
            held, away.held = away.held, []
            for one in held:
                one.fail(481)
        if len(away.held) >= MOST_HELD:
            handler(local_response(request, 503))
            return None
        held_one = _Held(self, away, request, handler)
        away.held.append(held_one)
        held_one.timer = endpoint.start_timer(endpoint.timers.transaction, held_one.give_up)
        if not flow.closed:
            held_one.go(flow)
        return None

    def reached(self, away: _Away) -> None:
        """The party has answered on the connection that we have opened."""
        if self._find(away.leg) is away:
            self._back(away, away.leg.flow)


class _Away:
    """A leg whose party is away. `phone` is what its phone was registered as, None for one that was not."""

    __slots__ = ("held", "leg", "phone")

    def __init__(self, leg: Leg, phone: Binding | None) -> None:
        self.leg = leg
        self.phone = phone
        self.held: list[_Held] = []

    def is_phone_of(self, binding: Binding) -> bool:
        """Whether a registration is that of the phone.

        A phone that names no instance (RFC 5626 §4.1) is known by its Contact, or else by its account, the address that
        it comes from and its make.
        """
        phone = self.phone
        if phone is None:
            return self.leg.dialog.target in (binding.contact, binding.gruu)
        if phone.sip_name != binding.sip_name:
            return False
        if phone.instance is not None or binding.instance is not None:
            return phone.instance == binding.instance
        if phone.contact == binding.contact:
            return True
        return (phone.source[0], phone.user_agent) == (binding.source[0], binding.user_agent)


class _Held:
    """A request that waits, or is tried on a connection that may come to nothing."""

    __slots__ = ("_again", "_away", "_handler", "_recovery", "_request", "_trial", "timer")

    def __init__(self, recovery: Recovery, away: _Away, request: Request, handler: ResponseHandler) -> None:
        self._recovery = recovery
        self._away = away
        self._request = request
        self._handler = handler
        self._trial: _Trial | None = None
        self._again: Timer | None = None
        self.timer: Timer | None = None

    def go(self, flow: Flow) -> None:
        """Sends it on this connection."""
        before = self._trial
        if before is not None:
            if before.heard or before.flow is flow:
                return
            self._trial = None
            before.flow.close()  # one that we were opening: the phone was quicker, and must not get it twice
        self._trial = trial = _Trial(self, flow)
        self._request.put_via(our_via(flow))
        self._recovery.switch.endpoint.request(self._request, flow, trial.answered)

    def answered(self, trial: _Trial, response: Response) -> None:
        """What came of a trial."""
        if trial is not self._trial:
            return
        if isinstance(response, LocalResponse) and response.status == 503 and self in self._away.held:
            self._trial = None  # nobody is there: it waits on
            if self._again is None:
                endpoint = self._recovery.switch.endpoint
                self._again = endpoint.start_timer(endpoint.timers.t2, self._try_again)
            return
        trial.heard = True
        self._stop_waiting()
        if not isinstance(response, LocalResponse):
            self._recovery.reached(self._away)
        self._handler(response)

    def _try_again(self, _: object) -> None:
        """A network that was down may carry again, long before the phone notices."""
        self._again = None
        if self._trial is None:
            flow = self._away.leg.hop()
            if not flow.closed:
                self.go(flow)

    def give_up(self, _: object = None) -> None:
        """The time is up, but for what is on its way."""
        if self._trial is None:
            self.fail(503)
        else:
            self._stop_waiting()

    def fail(self, status: int) -> None:
        """It is not sent any more."""
        self._trial = None
        self._stop_waiting()
        self._handler(local_response(self._request, status))

    def _stop_waiting(self) -> None:
        for timer in (self.timer, self._again):
            if timer is not None:
                timer.cancel()
        self.timer = self._again = None
        if self in self._away.held:
            self._away.held.remove(self)


class _Trial:
    """One attempt to send a request; `heard`: the party has answered."""

    __slots__ = ("_held", "flow", "heard")

    def __init__(self, held: _Held, flow: Flow) -> None:
        self._held = held
        self.flow = flow
        self.heard = False

    def answered(self, response: Response) -> None:
        self._held.answered(self, response)
