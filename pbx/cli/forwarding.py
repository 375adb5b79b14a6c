"""`gorizont forward`: forwarding rules."""

import argparse
from typing import Any

from pbx.cli.answer import Answer, table
from pbx.cli.office import Office
from pbx.directory.forwarding import clear_rules, list_rules, set_rule
from pbx.directory.snapshot import EVERY_DAY, Rule
from pbx.routing.schedule import format_days, format_time, parse_days, parse_time


def set_one(options: argparse.Namespace, office: Office) -> Answer:
    """Sets a rule, or changes the one that there is for the same occasion."""
    targets = [target.strip() for target in options.target.split(",")] if options.target else []
    with office.change() as tx:
        result = set_rule(
            tx,
            options.number,
            options.kind,
            targets,
            actor=office.actor,
            after=options.after,
            caller=options.caller,
            start=None if options.start is None else parse_time(options.start),
            end=None if options.end is None else parse_time(options.end),
            days=None if options.days is None else parse_days(options.days),
        )
    rule = result.rule
    line = f"{options.number}, rule {rule.kind} (version {rule.version}): {in_words(rule)}"
    return Answer({"number": options.number, **rule_values(rule)}, [line], result.warnings)


def clear(options: argparse.Namespace, office: Office) -> Answer:
    """Removes the rules of a kind, or all."""
    with office.change() as tx:
        count = clear_rules(tx, options.number, options.kind, actor=office.actor)
    what = "1 rule" if count == 1 else f"{count} rules"
    return Answer({"number": options.number, "cleared": count}, [f"{what} of {options.number} removed"])


def show_all(options: argparse.Namespace, office: Office) -> Answer:
    """The rules of a user, in the order in which they were made."""
    with office.store.reading() as session:
        rules = list_rules(session, options.number)
    rows = [[rule.kind, in_words(rule), rule.version] for rule in rules]
    return Answer(
        {"rules": [rule_values(rule) for rule in rules]},
        table(["kind", "what it does", "version"], rows, f"{options.number} has no rules"),
    )


def in_words(rule: Rule) -> str:
    """What a rule does, in a few words."""
    words = [f"rings {' and '.join(rule.targets)}" if rule.targets else "does not ring"]
    if rule.after is not None:
        words.append(f"after {rule.after} s")
    if rule.caller is not None:
        words.append(f"for calls from {rule.caller}")
    if rule.start is not None and rule.end is not None:
        whole_day = rule.start == rule.end
        words.append("all day" if whole_day else f"from {format_time(rule.start)} to {format_time(rule.end)}")
        words.append("every day" if rule.days == EVERY_DAY else f"on {format_days(rule.days)}")
    return " ".join(words)


def rule_values(rule: Rule) -> dict[str, Any]:
    """The rule for programs, with what applies to its kind."""
    values: dict[str, Any] = {
        "id": rule.id,
        "version": rule.version,
        "kind": rule.kind.value,
        "targets": list(rule.targets),
    }
    if rule.after is not None:
        values["after"] = rule.after
    if rule.caller is not None:
        values["caller"] = rule.caller
    if rule.start is not None and rule.end is not None:
        values |= {"from": format_time(rule.start), "to": format_time(rule.end), "days": format_days(rule.days)}
    return values
