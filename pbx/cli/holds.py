"""`gorizont holds`: whose chat and calls are kept whatever the rules say and people do."""

import argparse
from typing import Any

from pbx.cli.answer import Answer, moment, table
from pbx.cli.office import Office
from pbx.directory.models import UserRow
from pbx.retention.models import HoldRow
from pbx.retention.service import lift_hold, list_holds, set_hold


def show_all(_options: argparse.Namespace, office: Office) -> Answer:
    """All legal holds, by number."""
    with office.store.reading() as session:
        found = [(row, session.get(UserRow, row.number)) for row in list_holds(session)]
    holds = [_values(row, user.name if user is not None else "") for row, user in found]
    rows = [[one["number"], one["name"], one["reason"], moment(one["set_at"]), one["set_by"]] for one in holds]
    return Answer(
        {"holds": holds}, table(["number", "name", "reason", "since", "by"], rows, "there are no legal holds")
    )


def place(options: argparse.Namespace, office: Office) -> Answer:
    """Keeps whatever concerns a user, or gives a hold another reason."""
    with office.store.transaction() as tx:
        row = set_hold(tx, options.number, options.reason, actor=office.actor)
        user = tx.session.get(UserRow, row.number)
        values = _values(row, user.name if user is not None else "")
    return Answer(values, [f"whatever concerns {row.number} is kept: {values['reason']}"])


def lift(options: argparse.Namespace, office: Office) -> Answer:
    """Ends a hold; the rules apply from the next night on."""
    with office.store.transaction() as tx:
        lift_hold(tx, options.number, actor=office.actor)
    line = f"the hold on {options.number} is lifted: what it kept goes with the next sweep"
    return Answer({"lifted": options.number}, [line])


def _values(row: HoldRow, name: str) -> dict[str, Any]:
    return {
        "number": row.number,
        "name": name,
        "reason": row.reason,
        "set_at": row.set_at.timestamp(),
        "set_by": row.set_by,
    }
