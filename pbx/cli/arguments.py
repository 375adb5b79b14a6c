"""What can be typed. Each command names the function that carries it out, as `module:function`."""

import argparse
import sys
from pathlib import Path
from typing import Any, NoReturn

from pbx.directory.snapshot import RuleKind, Strategy
from pbx.routing.simulate import STATES

ROLES = ("user", "admin")
MOST = 1_000_000  # calls in one answer

SubParsers = Any  # argparse's own name for it is private


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message} (see {self.prog} --help)", file=sys.stderr)
        sys.exit(1)


def parser() -> argparse.ArgumentParser:
    """The whole command line. Parsed options have `command`, `function`, `data`, `config` and `json`."""
    top = Parser(prog="gorizont", description="The communication server of an organisation.")
    _everywhere(top, default=True)
    commands = top.add_subparsers(title="commands", dest="command", metavar="COMMAND", required=True)
    serve = commands.add_parser("serve", help="start the server", description="Starts the server. Ctrl-C stops it.")
    _place(serve, default=False)
    _users(_group(commands, "user", "people with a number"))
    _devices(_group(commands, "device", "accounts that phones sign in by"))
    _forwarding(_group(commands, "forward", "forwarding rules"))
    _groups(_group(commands, "group", "numbers that stand for several others"))
    _holds(_group(commands, "holds", "legal holds: whose chat and calls are kept whatever happens"))
    _calls(commands)
    return top


def _users(commands: SubParsers) -> None:
    add = _command(commands, "add", "users:add", "add a user with a first device")
    add.add_argument("number", metavar="NUMBER")
    _about_user(add)
    _command(commands, "list", "users:show_all", "list all users")
    show = _command(commands, "show", "users:show", "show a user with devices and rules")
    show.add_argument("number", metavar="NUMBER")
    change = _command(commands, "set", "users:change", "change what is given of a user")
    change.add_argument("number", metavar="NUMBER")
    _about_user(change)
    remove = _command(commands, "remove", "users:remove", "remove a user with devices and rules")
    remove.add_argument("number", metavar="NUMBER")
    load = _command(commands, "import", "users:load", "add users from a CSV file: all of them, or none")
    load.add_argument("file", metavar="FILE.csv", help="columns are named as the options of `user add`; - reads input")
    load.add_argument("--dry-run", action="store_true", help="check everything and add nobody")


def _about_user(command: argparse.ArgumentParser) -> None:
    command.add_argument("--name", help="as others see it")
    command.add_argument("--employee-id", metavar="ID", help="in the organisation's own records")
    command.add_argument("--role", choices=ROLES)
    command.add_argument("--password", metavar="P", help="for the web; - reads a line of input")
    command.add_argument("--sip-password", metavar="P", help="for the first phone; - reads a line of input")


def _devices(commands: SubParsers) -> None:
    add = _command(commands, "add", "devices:add", "give a user one more account for a phone")
    add.add_argument("number", metavar="NUMBER")
    add.add_argument("--label", metavar="L", help="to tell the devices of a user apart")
    listed = _command(commands, "list", "devices:show_all", "list the devices of a user")
    listed.add_argument("number", metavar="NUMBER")
    remove = _command(commands, "remove", "devices:remove", "remove an account; its phone cannot sign in any more")
    remove.add_argument("sip_name", metavar="SIP_NAME")


def _forwarding(commands: SubParsers) -> None:
    kinds = [kind.value for kind in RuleKind]
    rule = _command(commands, "set", "forwarding:set_one", "set a rule of a user, in force for the next call")
    rule.add_argument("number", metavar="NUMBER")
    rule.add_argument("kind", metavar="KIND", choices=kinds, help=", ".join(kinds))
    rule.add_argument("target", metavar="TARGET", nargs="?", help="a number, or several with commas that ring together")
    rule.add_argument("--after", metavar="SECONDS", type=_seconds, help="no-answer: how long the phone rings")
    rule.add_argument("--caller", metavar="N", help="caller: a number, a prefix as 7495*, or anonymous")
    rule.add_argument("--from", metavar="HH:MM", dest="start", help="time: when the window begins")
    rule.add_argument("--to", metavar="HH:MM", dest="end", help="time: when it ends")
    rule.add_argument("--days", metavar="DAYS", help="time: weekdays, as mon-fri or sat,sun")
    clear = _command(commands, "clear", "forwarding:clear", "remove the rules of one kind, or all")
    clear.add_argument("number", metavar="NUMBER")
    clear.add_argument("kind", metavar="KIND", choices=kinds, nargs="?", help=", ".join(kinds))
    listed = _command(commands, "list", "forwarding:show_all", "list the rules of a user")
    listed.add_argument("number", metavar="NUMBER")


def _groups(commands: SubParsers) -> None:
    group = _command(commands, "set", "groups:set_one", "make a group, or give it other members")
    group.add_argument("number", metavar="NUMBER")
    group.add_argument("members", metavar="MEMBER,MEMBER")
    group.add_argument("--strategy", choices=[strategy.value for strategy in Strategy], help="how they ring")
    _command(commands, "list", "groups:show_all", "list all groups")
    remove = _command(commands, "remove", "groups:remove", "remove a group")
    remove.add_argument("number", metavar="NUMBER")


def _holds(commands: SubParsers) -> None:
    _command(commands, "list", "holds:show_all", "list all legal holds")
    place = _command(commands, "place", "holds:place", "keep whatever concerns a user, until the hold is lifted")
    place.add_argument("number", metavar="NUMBER")
    place.add_argument("reason", metavar="REASON", help="why, in one line; stands in the audit")
    lift = _command(commands, "lift", "holds:lift", "end a hold; what it kept goes with the next sweep")
    lift.add_argument("number", metavar="NUMBER")


def _calls(commands: SubParsers) -> None:
    registrations = _command(commands, "registrations", "live:registrations", "phones that are registered now")
    registrations.add_argument("number", metavar="NUMBER", nargs="?")
    calls = _command(commands, "calls", "calls:show_all", "calls that have ended, the newest first")
    calls.add_argument("--live", action="store_true", help="calls in progress instead")
    calls.add_argument("--limit", metavar="N", type=_count, default=50, help="how many at most (%(default)s)")
    blocks = _command(
        commands, "blocks", "live:blocks", "who has to wait, after wrong passwords or for sending too much"
    )
    blocks.add_argument("--release", metavar="WHAT", help="let somebody try again: account@address, account or address")
    simulate = _command(commands, "simulate", "simulation:simulate", "say where a call would go, and why")
    simulate.add_argument("caller", metavar="CALLER")
    simulate.add_argument("dialled", metavar="DIALLED")
    simulate.add_argument("--at", metavar="TIME", help="as 2026-12-01T19:30; now if not given")
    states = "|".join(state.value for state in STATES)
    simulate.add_argument("--state", metavar="NUMBER=STATE", action="append", default=[], help=f"STATE is {states}")
    explain = _command(commands, "explain", "calls:explain_one", "say why a call went where it went")
    explain.add_argument("call", metavar="CALL", help="as `gorizont calls` shows it; its beginning is enough")
    _command(commands, "check", "check:check", "check configuration, database, certificate and ports")


def _group(commands: SubParsers, name: str, title: str) -> SubParsers:
    """A subject with commands of its own."""
    subject = commands.add_parser(name, help=title, description=title.capitalize() + ".")
    return subject.add_subparsers(title="commands", dest="subcommand", metavar="COMMAND", required=True)


def _command(commands: SubParsers, name: str, function: str, title: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=title, description=f"{title[0].upper()}{title[1:]}."
    )
    command.set_defaults(function=f"pbx.cli.{function}")
    _everywhere(command, default=False)
    return command


def _everywhere(command: argparse.ArgumentParser, *, default: bool) -> None:
    """The options that may stand before the command and behind it; only the first knows their default."""
    _place(command, default=default)
    command.add_argument(
        "--json", action="store_true", default=False if default else argparse.SUPPRESS, help="answer for programs"
    )


def _place(command: argparse.ArgumentParser, *, default: bool) -> None:
    otherwise = None if default else argparse.SUPPRESS
    command.add_argument("--data", metavar="DIR", type=Path, default=otherwise, help="the data folder")
    command.add_argument("--config", metavar="FILE", type=Path, default=otherwise, help="the configuration file")


def _seconds(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return int(text)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {MOST}")
    return int(text)
