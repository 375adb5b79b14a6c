import os
import re
import sys
from pathlib import Path

import pytest

from tests.support.processes import PeerError, Process, wait_gone


def python(folder: Path, program: str) -> Process:
    return Process([sys.executable, "-u", "-c", program], name="program", folder=folder)


def test_line_is_waited_for_and_answered(tmp_path: Path) -> None:
    with python(tmp_path, "print('name?'); print('hello', input())") as process:
        process.wait_for(r"^name\?$")
        process.send("Анна")
        assert process.wait_for("hello (.*)")[1] == "Анна"
        assert process.wait_ended() == 0


def test_program_has_a_home_and_an_environment_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    program = "import os; print(os.environ['HOME'], os.getcwd(), 'SECRET' in os.environ)"
    with python(tmp_path, program) as process:
        process.wait_for(re.escape(f"{tmp_path} {tmp_path} False"))


def test_end_of_a_program_ends_the_waiting_with_its_last_words(tmp_path: Path) -> None:
    with python(tmp_path, "raise SystemExit('broken')") as process, pytest.raises(PeerError, match="broken"):
        process.wait_for("ready")


def test_deadline_ends_the_waiting_with_the_last_words(tmp_path: Path) -> None:
    with python(tmp_path, "print('still busy'); input()") as process:
        process.wait_for("busy")
        with pytest.raises(PeerError, match=r"(?s)no /ready/ in 0.1 s.*still busy"):
            process.wait_for("ready", timeout=0.1)


def test_stop_ends_a_program_that_won_t_listen_and_its_children(tmp_path: Path) -> None:
    program = (
        "import signal, subprocess, sys\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])\n"
        "print('child', child.pid)\n"
        "signal.pause()\n"
    )
    process = python(tmp_path, program).start()
    child = int(process.wait_for(r"child (\d+)")[1])
    process.stop(timeout=0.1)
    assert not process.running
    wait_gone(child)
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


def test_program_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no-such-phone is not installed"):
        Process(["no-such-phone"], name="x", folder=tmp_path).start()
