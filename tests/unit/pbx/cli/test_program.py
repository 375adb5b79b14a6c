"""The command line as a whole: what can be typed, one line for every failure, and a fast start."""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from pbx.cli import main
from pbx.cli.arguments import parser
from pbx.cli.failures import in_words
from tests.unit.pbx.cli.conftest import Gorizont

ROOT = Path(__file__).parents[4]

COMMAND_LINES = """
serve --data d --config c
user add 101
user add 101 --name N --employee-id 7 --role admin --password P --sip-password P
user list
user show 101
user set 101 --name N --employee-id 7 --role user --password P --sip-password P
user remove 101
user import f.csv
user import f.csv --dry-run
device add 101
device add 101 --label L
device list 101
device remove 101-abcd
forward set 101 always 102
forward set 101 busy 102,103
forward set 101 no-answer 102 --after 15
forward set 101 unreachable 102
forward set 101 dnd
forward set 101 caller 102 --caller 7495*
forward set 101 time 102 --from 18:00 --to 09:00 --days mon-fri
forward clear 101
forward clear 101 busy
forward list 101
group set 600 101,102
group set 600 101,102 --strategy in-turn
group list
group remove 600
holds list
holds place 102 reason
holds lift 102
registrations
registrations 101
calls
calls --live
calls --limit 5
blocks
blocks --release 101@10.0.0.1
simulate 101 102
simulate 101 102 --at 2026-12-01T19:30 --state 102=busy --state 103=dnd
explain 8f3a
check
""".strip().splitlines()


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_every_command_can_be_typed_and_has_a_function(line: str) -> None:
    options = parser().parse_args(line.split())
    if options.command != "serve":
        module, _, name = options.function.partition(":")
        assert callable(getattr(import_module(module), name))


def leaves(command: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    groups = [action for action in command._actions if isinstance(action, argparse._SubParsersAction)]
    if not groups:
        yield command
    for group in groups:
        for child in group.choices.values():
            yield from leaves(child)


def name_of(line: str) -> str:
    words = line.split()
    return " ".join(words[:2] if words[0] in ("user", "device", "forward", "group", "holds") else words[:1])


def test_every_command_takes_the_common_options() -> None:
    commands = list(leaves(parser()))
    assert {command.prog for command in commands} == {f"gorizont {name_of(line)}" for line in COMMAND_LINES}
    for command in commands:
        known = {option for action in command._actions for option in action.option_strings}
        assert {"--data", "--config"} <= known, command.prog
        assert ("--json" in known) is (command.prog != "gorizont serve"), command.prog


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "gorizont: the following arguments are required: COMMAND"),
        ("user", "gorizont user: the following arguments are required: COMMAND"),
        ("user add", "gorizont user add: the following arguments are required: NUMBER"),
        ("user add 101 --nam N", "gorizont: unrecognized arguments: --nam N"),
        ("user add 101 --role boss", "gorizont user add: argument --role: invalid choice: 'boss'"),
        ("forward set 101 sometimes 102", "gorizont forward set: argument KIND: invalid choice: 'sometimes'"),
        ("forward set 101 no-answer 102 --after soon", "'soon' is no number of seconds"),
        ("calls --limit 0", "'0' is no number from 1"),
        ("reboot", "gorizont: argument COMMAND: invalid choice: 'reboot'"),
    ],
)
def test_what_cannot_be_understood_is_one_line_and_status_1(
    line: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(line.split())
    captured = capsys.readouterr()
    assert end.value.code == 1
    assert captured.out == ""
    (said,) = captured.err.splitlines()
    assert words in said
    assert said.endswith("--help)")


def test_common_options_may_stand_before_the_command_and_behind_it(
    gorizont: Gorizont, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--data", str(gorizont.data.root)]
    for line in (
        [*place, "--json", "user", "list"],
        ["user", "list", "--json", *place],
        [*place, "user", "list", "--json"],
    ):
        assert main(line) == 0
        assert '"users": []' in capsys.readouterr().out


def test_configuration_that_is_named_must_exist(gorizont: Gorizont, tmp_path: Path) -> None:
    assert "cannot read the configuration" in gorizont.error("user", "list", "--config", str(tmp_path / "none.toml"))


def test_bad_configuration_is_told_with_the_key(gorizont: Gorizont) -> None:
    gorizont.data.config_file.write_text("[sip]\nupd = 5\n")
    assert "unknown key [sip] upd" in gorizont.error("user", "list")


def test_data_folder_that_cannot_be_made_is_told(gorizont: Gorizont, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    gorizont.data = type(gorizont.data)(tmp_path / "file" / "data")
    assert "cannot use" in gorizont.error("user", "list")


def test_fault_of_the_program_is_one_line_with_its_place(gorizont: Gorizont, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pbx.cli.users.list_users", lambda _: 1 / 0)
    line = gorizont.error("user", "list")
    assert "this is a fault of the program: ZeroDivisionError" in line
    assert "users.py:" in line


def test_error_text_never_breaks_the_line() -> None:
    assert in_words(ValueError("a\nb")) == "this is a fault of the program: ValueError: a\\nb"
    assert in_words(FileNotFoundError(2, "No such file or directory", "x\ny")) == "x\\ny: No such file or directory"


def test_reader_that_leaves_early_is_no_failure(gorizont: Gorizont) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "pbx.cli", "user", "list", "--data", str(gorizont.data.root)],
        stdout=writing,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        timeout=30,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("statement", "unneeded"),
    [
        ("import pbx.cli", {"sqlalchemy", "cryptography", "pbx.supervisor", "sip"}),
        ("import pbx.cli.users, pbx.cli.forwarding", {"alembic", "pbx.supervisor", "sip", "pbx.calls"}),
        ("import pbx.cli.live", {"sqlalchemy", "cryptography", "sip"}),
    ],
)
def test_command_imports_only_what_it_needs(statement: str, unneeded: set[str]) -> None:
    program = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True
    )
    assert unneeded.isdisjoint(done.stdout.split())
