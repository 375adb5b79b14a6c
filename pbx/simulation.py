"""Where a call would go: the function that routes real calls, walked with what is known and assumed of the phones.

The command line, the forwarding editor and the admin's preview all ask here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from pbx.directory.snapshot import Directory
from pbx.registrar.models import BindingRow
from pbx.routing.explain import Happened, explain
from pbx.routing.number import comparable
from pbx.routing.outcome import Outcome
from pbx.routing.plan import plan
from pbx.routing.route import RoutePlan
from pbx.routing.simulate import walk
from pbx.routing.words import Language


@dataclass(frozen=True, slots=True)
class Simulation:
    """A call that nobody made: its plan, what would happen, and that in words."""

    plan: RoutePlan
    events: tuple[Happened, ...]
    story: tuple[str, ...]

    @property
    def answered_by(self) -> str | None:
        """The number that would take the call."""
        return next((event.target for event in self.events if event.outcome is Outcome.ANSWERED), None)


def simulate_call(
    directory: Directory,
    registered: Collection[str],
    *,
    caller: str | None,
    dialled: str,
    at: datetime,
    states: Mapping[str, Outcome],
    language: Language = Language.ENGLISH,
) -> Simulation:
    """The plan of a call, walked: who is in `states` has that outcome, a user without a phone in `registered` is
    unreachable, everybody else answers. `caller` None shows no number. `at` is in the zone that rules mean.
    """
    without = {number: Outcome.UNREACHABLE for number in directory.users if number not in registered}
    route = plan(dialled, None if caller is None else comparable(caller), at, directory)
    events = walk(route, {**without, **states})
    return Simulation(route, tuple(events), tuple(explain(route, events, language)))


def registered_numbers(session: Session, now: float) -> frozenset[str]:
    """The numbers at which a phone is registered at `now`, in seconds of the Unix epoch."""
    return frozenset(session.scalars(select(BindingRow.number).where(BindingRow.expires_at > now).distinct()))


def moment(text: str, zone: tzinfo | None) -> datetime:
    """A time as people write it, by the clock that forwarding rules mean where it does not say its zone.

    `zone` None is the machine's own. Raises ValueError with a sentence.
    """
    try:
        typed = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no time: write it as 2026-12-01T19:30") from None
    if typed.tzinfo is None and zone is not None:
        return typed.replace(tzinfo=zone)
    try:
        return typed.astimezone(zone)  # a naive time is taken for the machine's own
    except OverflowError:
        raise ValueError(f"{text!r} is too far away") from None
