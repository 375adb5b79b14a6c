"""What strangers have put into the database must not act on the terminal of whoever looks at it."""

import json
import os
import subprocess
import sys
import time

import pytest
from sqlalchemy import insert

from pbx.calls.models import CallRecordRow
from pbx.routing.outcome import Outcome
from tests.unit.pbx.cli.conftest import Engine, Gorizont

CLEAR = "\x1b[2J"  # clears the screen
TITLE = "\x9d0;owned\x9c"  # sets the title of the window, in the controls beyond ASCII


@pytest.fixture
def call(gorizont: Gorizont) -> str:
    """A call that somebody made to show off."""
    now = time.time()
    values = {
        "id": "c0ffee",
        "caller": "101",
        "caller_name": f"Anna{TITLE}",
        "dialled": f"102{CLEAR}\n999",
        "answered_by": None,
        "started_at": now,
        "answered_at": None,
        "ended_at": now + 1,
        "outcome": Outcome.NOT_FOUND,
        "cause": f"gone{CLEAR}",
        "plan": "{}",
        "events": "[]",
    }
    with gorizont.store() as store, store.transaction() as tx:
        tx.session.execute(insert(CallRecordRow), [values])
    return "c0ffee"


def test_call_is_shown_in_one_line_without_control_characters(gorizont: Gorizont, call: str) -> None:
    heading, line = gorizont.good("calls").output.splitlines()
    assert line.endswith(call)
    assert line.isprintable()
    assert "102\\x1b[2J\\n999" in line
    assert heading.isprintable()


def test_answer_for_programs_says_it_all_in_printable_characters(gorizont: Gorizont, call: str) -> None:
    output = gorizont.good("calls", "--json").output
    assert output.replace("\n", "").isprintable()
    (shown,) = json.loads(output)["calls"]
    assert (shown["id"], shown["caller_name"], shown["dialled"]) == (call, f"Anna{TITLE}", f"102{CLEAR}\n999")


def test_names_stay_readable_in_the_answer_for_programs(gorizont: Gorizont) -> None:
    gorizont("user", "add", "101", "--name", "Анна Орлова")
    assert '"Анна Орлова"' in gorizont.good("user", "show", "101", "--json").output


def test_block_of_a_strange_account_is_shown_without_control_characters(gorizont: Gorizont, engine: Engine) -> None:
    block = {"what": f"x{TITLE}@192.0.2.66", "why": "5 wrong passwords", "attempts": 5, "since": 0.0, "until": 1.0}
    engine.answers["blocks"] = lambda _: {"blocks": [block]}
    _, line = gorizont.good("blocks").output.splitlines()
    assert line.isprintable()


@pytest.mark.parametrize(
    "arguments",
    [
        ("calls", "--limit", "99999999999999999999"),
        ("simulate", "101", "102", "--at", "9999-12-31T23:59:59"),
        ("simulate", "101", "102", "--at", "0001-01-01T00:00:00"),
        ("forward", "set", "101", "no-answer", "102", "--after", "9" * 5000),
        ("user", "show", "\udcff"),
        ("holds", "place", "101", "\x1b"),
        ("explain", "\x1b[2J"),
        ("device", "remove", "\x1b[2J"),
    ],
)
def test_value_out_of_reach_is_no_fault_of_the_program(gorizont: Gorizont, arguments: tuple[str, ...]) -> None:
    for number in ("101", "102"):
        gorizont.good("user", "add", number)
    result = gorizont(*arguments)
    assert "fault of the program" not in result.errors
    assert result.errors.replace("\n", "").isprintable()
    assert result.status == 0 or len(result.errors.splitlines()) == 1


@pytest.mark.parametrize("how", [(), ("--json",)], ids=["lines", "json"])
def test_terminal_that_cannot_show_a_name_shows_the_rest(gorizont: Gorizont, how: tuple[str, ...]) -> None:
    """The user is there by then, and the password is shown this once."""
    program = [sys.executable, "-m", "pbx.cli", "user", "add", "101", "--name", "Анна Né", *how]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [*program, "--data", str(gorizont.data.root)], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u0410" in done.stdout
    if how:
        assert json.loads(done.stdout)["name"] == "Анна Né"
    else:
        assert "password" in done.stdout
