"""`gorizont simulate`: where a call would go, by the function that routes real calls."""

import argparse
from datetime import datetime

from pbx.cli.answer import Answer, CliError
from pbx.cli.office import Office
from pbx.clock import LocalClock
from pbx.directory.snapshot_loader import load_directory
from pbx.routing.record import to_dict
from pbx.routing.simulate import parse_states
from pbx.simulation import moment, registered_numbers, simulate_call


def simulate(options: argparse.Namespace, office: Office) -> Answer:
    """The plan of a call, walked with what is known and what is assumed about the phones."""
    states = parse_states(options.state)
    now = LocalClock(office.settings.calls.time_zone).now()
    at = now if options.at is None else _moment(options.at, office)
    with office.store.reading() as session:
        directory = load_directory(session, None, office.settings.calls.ring_seconds)
        registered = registered_numbers(session, now.timestamp())
    simulation = simulate_call(
        directory, registered, caller=options.caller, dialled=options.dialled, at=at, states=states
    )
    values = {
        "caller": simulation.plan.caller,
        "dialled": simulation.plan.dialled,
        "at": at.isoformat(),
        "answered_by": simulation.answered_by,
        "events": [
            {"step": event.step, "target": event.target, "outcome": event.outcome.value, "at": event.at.isoformat()}
            for event in simulation.events
        ],
        "plan": to_dict(simulation.plan),
        "story": list(simulation.story),
    }
    return Answer(values, simulation.story)


def _moment(text: str, office: Office) -> datetime:
    try:
        return moment(text, office.settings.calls.time_zone)
    except ValueError as error:
        raise CliError(str(error)) from None
