"""Writes the pages of this folder that follow from the code: settings, command line, events.

    .venv/bin/python docs/reference/generate.py          write them
    .venv/bin/python docs/reference/generate.py --check  only say which ones are out of date

A test does the check, so whoever adds a setting, an option or an event runs this once.
"""

import argparse
import dataclasses
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

from pydantic import BaseModel

from config.loader import DEFAULTS
from config.settings import Settings
from messaging import events as messaging_events
from pbx.cli.arguments import parser
from pbx.directory import events as directory_events
from pbx.registrar import events as registrar_events
from pbx.retention import events as retention_events
from web.live import gateway
from web.live.events import EVENTS
from web.live.requests import REQUESTS

HERE = Path(__file__).parent
NOTICE = "<!-- Made by generate.py from {}: change it there. -->"


# ---- settings


def settings_page() -> str:
    """Every key of the configuration with its default, what it may be, and what it is for."""
    kinds = {section: get_type_hints(cls, include_extras=True) for section, cls in get_type_hints(Settings).items()}
    lines = [
        "# Settings",
        "",
        NOTICE.format("config/defaults.toml and config/settings.py"),
        "",
        "What is changed stands in `gorizont.toml` in the data folder, or in the file that `--config` names. An",
        "environment variable `GORIZONT_SECTION__KEY`, such as `GORIZONT_SIP__DOMAIN`, wins over both. An unknown key",
        "or a value that is not allowed ends the start with one line that names it, and says what is allowed.",
        "How to go about it: [configure](../operate/configure.md).",
    ]
    for section, keys in documented_keys().items():
        purpose = (inspect.getdoc(get_type_hints(Settings)[section]) or "").partition(": ")[2]
        lines += ["", f"## [{section}]", "", purpose[:1].upper() + purpose[1:]]
        for key, (default, comment) in keys.items():
            allowed = kinds[section][key].__metadata__[0].allowed
            lines += ["", f"### {section} {key}", "", comment, "", f"- default: `{default}`", f"- allowed: {allowed}"]
    return "\n".join([*lines, ""])


def documented_keys() -> dict[str, dict[str, tuple[str, str]]]:
    """Section, key, and (the default as TOML, the comment above it), as `defaults.toml` has them."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    section, comment = "", []
    for line in DEFAULTS.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            comment.append(line.removeprefix("#").strip())
            continue
        if line.startswith("["):
            section = line.strip("[]")
        elif line:
            key, _, default = line.partition(" = ")
            found.setdefault(section, {})[key] = (default, " ".join(comment))
        comment = []
    return found


# ---- command line


def cli_page() -> str:
    """Every command with its arguments and options."""
    top = parser()
    lines = [
        "# Command line",
        "",
        NOTICE.format("pbx/cli/arguments.py"),
        "",
        "A command that changes something is in force when it has answered, beside a running server or without one.",
        "The exit status is 0, or 1 with one line on standard error. Commands are given by the account that runs the",
        "server, to which the data folder belongs.",
        "",
        "These options may stand before every command and behind it:",
        "",
        *_table(_options(top)),
    ]
    everywhere = {action.dest for action in top._actions}
    for name, command in _commands(top):
        lines += ["", f"## gorizont {name}", "", f"`{_usage(name, command, everywhere)}`", "", command.description]
        arguments = [one for one in _options(command) if one.dest not in everywhere and _said(one)]
        if arguments:
            lines += ["", *_table(arguments)]
    return "\n".join([*lines, ""])


def _commands(top: argparse.ArgumentParser, before: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """The commands with their names, those of a subject below it."""
    for action in top._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                below = list(_commands(command, f"{before}{name} "))
                yield from below or [(before + name, command)]


def _options(command: argparse.ArgumentParser) -> list[argparse.Action]:
    left_out = (argparse._HelpAction, argparse._SubParsersAction)
    return [action for action in command._actions if not isinstance(action, left_out)]


def _usage(name: str, command: argparse.ArgumentParser, everywhere: set[str]) -> str:
    words = ["gorizont", name]
    for action in _options(command):
        if action.dest in everywhere:
            continue
        written = _written(action)
        words.append(written if action.required else f"[{written}]")
    return " ".join(words)


def _table(actions: Iterable[argparse.Action]) -> list[str]:
    cells = [(f"`{_written(action)}`", _said(action)) for action in actions]
    rows = [" | ".join(cell.replace("|", r"\|") for cell in row) for row in cells]
    return ["| argument | what it says |", "|---|---|", *(f"| {row} |" for row in rows)]


def _said(action: argparse.Action) -> str:
    said = (action.help or "").replace("%(default)s", str(action.default))
    if action.choices and not all(str(choice) in said for choice in action.choices):
        said = ": ".join(filter(None, [said, "one of " + ", ".join(map(str, action.choices))]))
    return said


def _written(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 else str(action.metavar or "|".join(action.choices or [action.dest.upper()]))
    return " ".join(filter(None, [*action.option_strings[:1], value]))


# ---- events

ON_THE_BUS = (
    ("`registration.registered`", "a phone became reachable", "`number`, `sip_name`, `contact`"),
    ("`registration.unregistered`", "it took that back, or its account was removed", "likewise"),
    ("`registration.expired`", "it did not register again in time", "likewise"),
    ("`registration.lost`", "its connection ended: it can't be reached until it connects again", "likewise"),
    ("`call.started`", "phones ring for a call, those of the first step or of a further one", "`call`"),
    ("`call.answered`", "it was answered, by a phone or by the server itself", "`call`"),
    ("`call.changed`", "it goes on with another party, or on another device of one", "`call`"),
    ("`call.ended`", "it is over", "`call`"),
    ("`call.recorded`", "its record can be read from the database", "the call as it was, with its `id`"),
    ("`sip.message`", "a phone sent a text message", "`id`, `from`, `to`, `text`, `at`"),
    ("`blocks.changed`", "somebody has to wait after wrong passwords, or need not any more", "`blocks`"),
    ("`directory.changed`", "another directory is in force", "`numbers`: those that changed; none: any may have"),
)


def events_page() -> str:
    """Every event with its fields, from the docstrings."""
    lines = [
        "# Events",
        "",
        NOTICE.format("the events.py of each subject"),
        "",
        "An event says what has happened, after it was committed. The database is the truth, events are hints:",
        "whoever misses one reads again.",
        "",
        "## On the bus",
        "",
        "The engine's Unix socket (`[bus] url`) speaks JSON lines, one object a line. A command has a reply:",
        "",
        '    → {"id": 1, "command": "registrations", "data": {"number": "101"}}',
        '    ← {"id": 1, "reply": {"registrations": [...]}}',
        "",
        "`subscribe` gets a snapshot and then events, each with the number after the one before; whoever misses a",
        "number subscribes again:",
        "",
        '    ← {"v": 1, "node": "engine", "seq": 7, "type": "registration.registered", "data": {"number": "101", ...}}',
        "",
        "| type | is published when | data |",
        "|---|---|---|",
        *(f"| {' | '.join(row)} |" for row in ON_THE_BUS),
        "",
        "Times are seconds of the Unix epoch; `call` is as the command `calls.live` has it",
        "([pbx/calls/views.py](../../pbx/calls/views.py)). The snapshot has `registrations` and `calls`. All commands",
        "are in [pbx/commands.py](../../pbx/commands.py).",
        "",
        "## What browsers hear",
        "",
        'By Socket.IO, as one event `event` with `{"seq", "type", "data"}`. `seq` numbers what',
        "`GET /api/v1/sync?since=` catches up with, and is null for everything else.",
    ]
    gateway.load_requests()
    for kind, model in sorted(EVENTS.items()):
        lines += ["", f"### {kind}", "", _flowing(inspect.getdoc(model) or ""), *_model_fields(model)]
    lines += [
        "",
        "## What browsers ask",
        "",
        'By Socket.IO too; each is acknowledged with `{"ok": result}` or `{"error": {"code", "message", "details"}}`.',
    ]
    for name, request in sorted(REQUESTS.items()):
        lines += ["", f"### request {name}", "", _flowing(inspect.getdoc(request.model) or "")]
        lines += _model_fields(request.model)
    lines += [
        "",
        "# Within a process",
        "",
        "What actions tell after their commit, to whoever listens in the same process.",
    ]
    for title, module in (
        ("directory", directory_events),
        ("registrations", registrar_events),
        ("chat", messaging_events),
        ("retention", retention_events),
    ):
        lines += ["", f"## Within a process: {title}", "", _flowing(inspect.getdoc(module) or "")]
        for event in _events(module):
            lines += ["", f"### {event.__name__}", "", _flowing(inspect.getdoc(event) or "")]
            fields = [f"- `{field.name}`: {_type(field.type)}" for field in dataclasses.fields(event)]
            lines += ["", *fields]
    return "\n".join([*lines, ""])


def _events(module: ModuleType) -> Iterator[Any]:
    for value in vars(module).values():
        if inspect.isclass(value) and dataclasses.is_dataclass(value) and value.__module__ == module.__name__:
            yield value


def _type(hint: Any) -> str:
    words = {
        "str": "text",
        "int": "whole number",
        "float": "number",
        "bool": "yes or no",
        "tuple[str, ...]": "list of texts",
        "Message": "the message",
        "Facts": "the conversation",
    }
    name = hint.__name__ if isinstance(hint, type) and not hasattr(hint, "__args__") else str(hint)
    return words[name]


def _model_fields(model: type[BaseModel]) -> list[str]:
    """The fields of a pydantic model as lines of a list."""
    properties = model.model_json_schema().get("properties", {})
    lines = [f"- `{name}`: {_schema_type(schema)}" for name, schema in properties.items()]
    return ["", *lines] if lines else []


def _schema_type(schema: dict[str, Any]) -> str:
    """The type of a field, from its JSON schema."""
    words = {"string": "text", "integer": "whole number", "boolean": "yes or no", "null": "null"}
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2]
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_schema_type(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list, each: {_schema_type(schema['items'])}"
    if schema.get("format") == "date-time":
        return "time, ISO 8601 in UTC"
    return words[schema["type"]]


def _flowing(text: str) -> str:
    """A docstring without the line breaks of its source; paragraphs stay."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "cli.md": cli_page,
    "events.md": events_page,
}


def out_of_date() -> list[str]:
    """The pages that are not as they would be made now."""
    return [
        name
        for name, page in PAGES.items()
        if not (HERE / name).exists() or (HERE / name).read_text(encoding="utf-8") != page()
    ]


def main() -> int:
    """Writes or checks; the exit status."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--check", action="store_true", help="write nothing, and fail if a page is out of date")
    stale = out_of_date()
    if options.parse_args().check:
        for name in stale:
            print(f"docs/reference/{name} is out of date: run docs/reference/generate.py", file=sys.stderr)
        return 1 if stale else 0
    for name in stale:
        (HERE / name).write_text(PAGES[name](), encoding="utf-8")
        print(f"wrote docs/reference/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
