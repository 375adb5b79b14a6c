"""`gorizont group`: numbers that stand for several others."""

import argparse
from typing import Any

from pbx.cli.answer import Answer, table
from pbx.cli.office import Office
from pbx.directory.groups import list_groups, remove_group, set_group
from pbx.directory.snapshot import Group, Strategy

HOW = {Strategy.ALL: "ring all at once", Strategy.IN_TURN: "ring in turn"}


def set_one(options: argparse.Namespace, office: Office) -> Answer:
    """Makes a group, or gives it other members."""
    members = [member.strip() for member in options.members.split(",")]
    with office.change() as tx:
        result = set_group(tx, options.number, members, actor=office.actor, strategy=options.strategy)
    group = result.group
    line = f"group {group.number}: {', '.join(group.members)} {HOW[group.strategy]}"
    return Answer(_values(group), [line], result.warnings)


def show_all(_options: argparse.Namespace, office: Office) -> Answer:
    """All groups, by number."""
    with office.store.reading() as session:
        groups = list_groups(session)
    rows = [[group.number, ", ".join(group.members), HOW[group.strategy]] for group in groups.values()]
    return Answer(
        {"groups": [_values(group) for group in groups.values()]},
        table(["number", "members", "strategy"], rows, "there are no groups"),
    )


def remove(options: argparse.Namespace, office: Office) -> Answer:
    """Removes a group, with warnings of the rules that still lead to it."""
    with office.change() as tx:
        warnings = remove_group(tx, options.number, actor=office.actor)
    return Answer({"removed": options.number}, [f"group {options.number} is removed"], warnings)


def _values(group: Group) -> dict[str, Any]:
    return {
        "number": group.number,
        "members": list(group.members),
        "strategy": group.strategy.value,
        "version": group.version,
    }
