"""`gorizont simulate`: where a call would go, by the function that routes real calls."""

import argparse
from datetime import datetime

from sqlalchemy import select

from pbx.cli.answer import Answer, CliError
from pbx.cli.office import Office
from pbx.clock import LocalClock
from pbx.directory.snapshot import Directory
from pbx.directory.snapshot_loader import load_directory
from pbx.registrar.models import BindingRow
from pbx.routing.explain import explain
from pbx.routing.number import comparable
from pbx.routing.outcome import Outcome
from pbx.routing.plan import plan
from pbx.routing.record import to_dict
from pbx.routing.simulate import parse_states, walk


def simulate(options: argparse.Namespace, office: Office) -> Answer:
    """The plan of a call, walked with what is known and what is assumed about the phones."""
    assumed = parse_states(options.state)
    now = LocalClock(office.settings.calls.time_zone).now()
    at = now if options.at is None else _moment(options.at, office)
    with office.store.reading() as session:
        directory = load_directory(session, office.box, office.settings.calls.ring_seconds)
        registered = set(
            session.scalars(select(BindingRow.number).where(BindingRow.expires_at > now.timestamp()).distinct())
        )
    states = {**_without_phones(directory, registered), **assumed}
    route = plan(options.dialled, comparable(options.caller), at, directory)
    events = walk(route, states)
    answered = next((event.target for event in events if event.outcome is Outcome.ANSWERED), None)
    story = explain(route, events)
    values = {
        "caller": route.caller,
        "dialled": route.dialled,
        "at": at.isoformat(),
        "answered_by": answered,
        "events": [
            {"step": event.step, "target": event.target, "outcome": event.outcome.value, "at": event.at.isoformat()}
            for event in events
        ],
        "plan": to_dict(route),
        "story": story,
    }
    return Answer(values, story)


def _without_phones(directory: Directory, registered: set[str]) -> dict[str, Outcome]:
    """What real calls would find of the users with no phone registered; everybody else is taken to answer."""
    return {number: Outcome.UNREACHABLE for number in directory.users if number not in registered}


def _moment(text: str, office: Office) -> datetime:
    """A time as typed, by the clock that forwarding rules mean where it does not say its zone."""
    try:
        typed = datetime.fromisoformat(text)
    except ValueError:
        raise CliError(f"{text!r} is no time: write it as 2026-12-01T19:30") from None
    zone = office.settings.calls.time_zone
    if typed.tzinfo is None and zone is not None:
        return typed.replace(tzinfo=zone)
    return typed.astimezone(zone)  # a naive time is taken for the machine's own
