"""The log's grammar: one line an event, whatever the text, and no secrets."""

import logging
import re
import subprocess
import sys

import pytest

from pbx.log import LONGEST, LineFormatter, in_one_line, one_line


def line(
    text: str, *args: object, level: int = logging.INFO, journal: bool = False, error: Exception | None = None
) -> str:
    info = (type(error), error, error.__traceback__) if error is not None else None
    record = logging.LogRecord("pbx.calls", level, "call.py", 7, text, args, info)
    return LineFormatter("engine", journal=journal).format(record)


def test_line_says_when_which_process_and_what() -> None:
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d engine = leg 7f3a RINGING → CONFIRMED",
        line("= leg %s RINGING → CONFIRMED", "7f3a"),
    )


@pytest.mark.parametrize(
    ("text", "level", "marked"),
    [
        ("< 486 Busy Here", logging.INFO, "< 486 Busy Here"),
        ("! timer B", logging.INFO, "! timer B"),
        ("Task was destroyed", logging.ERROR, "! Task was destroyed"),
        ("Using selector", logging.DEBUG, "= Using selector"),
    ],
)
def test_every_line_has_a_mark(text: str, level: int, marked: str) -> None:
    assert line(text, level=level).endswith(f" engine {marked}")


def test_journal_gets_the_severity_and_no_time() -> None:
    assert line("! rows are lost", level=logging.ERROR, journal=True) == "<3>engine ! rows are lost"
    assert line("= ready", journal=True) == "<6>engine = ready"


@pytest.mark.parametrize(
    "octets", ["a\nb", "a\r\nb", "a\x1b[2Jb", "a\u2028b", "a\x00b", "a\ud800b", "a\x85b", "a\u202eb"]
)
def test_text_from_the_network_stays_on_its_line(octets: str) -> None:
    told = one_line(octets)
    assert told.isprintable()
    assert told.startswith("a\\")
    assert told.endswith("b")


def test_line_has_a_greatest_length() -> None:
    assert len(one_line("x" * 100_000)) == LONGEST + 1


@pytest.mark.parametrize(
    "text",
    [
        "cannot connect to postgresql://gorizont:hunter2@db/name",
        'Digest username="101", nonce="n", response="hunter2", uri="sip:x"',
        "password=hunter2 given",
        "> INVITE sip:101:hunter2@pbx.example.com",
        "sip-password: hunter2",
        "Authorization: Basic hunter2",
    ],
)
def test_secrets_are_blanked(text: str) -> None:
    assert "hunter2" not in one_line(text)
    assert "***" in one_line(text)


@pytest.mark.parametrize(
    "text", ["< INVITE sip:102@pbx.example.com from 10.0.0.7:5060", "= 101 registered udp://[::1]:5060"]
)
def test_what_is_no_secret_is_left_as_it_is(text: str) -> None:
    assert one_line(text) == text


def test_exception_is_told_in_one_line_with_its_cause_and_place() -> None:
    try:
        try:
            int("x")
        except ValueError as error:
            raise RuntimeError("no number\nat all") from error
    except RuntimeError as error:
        told = line("! failed", level=logging.ERROR, error=error)
    assert "\n" not in told
    assert r"! failed: RuntimeError: no number\nat all (test_log.py:" in told
    assert "caused by ValueError: invalid literal" in told


def test_exception_without_a_trace_is_told_too() -> None:
    assert in_one_line(ValueError("bad")) == "ValueError: bad"


def test_uncaught_exceptions_are_lines_of_the_log() -> None:
    program = """
import threading
from pbx.log import set_up_logging
set_up_logging("engine", "info")
thread = threading.Thread(target=lambda: 1 / 0, name="writer")
thread.start()
thread.join()
raise ValueError("two\\nlines")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    in_thread, at_end = done.stderr.splitlines()
    assert " engine ! thread writer ends: ZeroDivisionError: " in in_thread
    assert r" engine ! the process ends: ValueError: two\nlines" in at_end
