"""The supervisor with small programs in the place of ours: started, restarted, drained, never left behind.

Each supervisor is a program of its own, since signals are for whole programs. The test is told what happens
by the supervisor's log and by a pipe that all programs inherit; its end comes when the last of them is gone.
"""

import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from pbx.supervisor.child import hold_lifeline
from pbx.supervisor.instance import AlreadyRunning, only_instance
from pbx.supervisor.process import Backoff, ended_how

PATIENCE = 20.0

# Runs a table given as name=program pairs.
SUPERVISOR = """
import sys
from pbx.log import set_up_logging
from pbx.supervisor.process import ProcessDefinition
from pbx.supervisor.supervisor import Chore, Supervisor

set_up_logging("serve", "info")
definitions = [
    ProcessDefinition(name, (sys.executable, "-c", program), start_seconds=float(sys.argv[1]),
                      after="engine" if name == "media" else "")
    for name, _, program in (argument.partition("=") for argument in sys.argv[3:])
]
supervisor = Supervisor(
    definitions,
    drain_seconds=float(sys.argv[2]),
    on_ready=lambda: print("all ready", flush=True),
    chores=[Chore(0.2, lambda: 1 / 0)],
)
sys.exit(supervisor.run())
"""

READY = """
import os, signal, sys
from pbx.supervisor.child import die_with_supervisor, report_ready
die_with_supervisor()
report_ready()
"""
GOOD = READY + "signal.pause()"
DRAINS = (
    """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: print("draining", flush=True))
signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
"""
    + READY
    + """
while True:
    signal.pause()
"""
)
DEAF = (
    """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_IGN)
"""
    + GOOD
)
STUCK = "import signal; signal.pause()"
REFUSES = "import sys; sys.exit('the port is taken')"
FORKS = DEAF.replace("signal.pause()", "os.write(1, b'child %d\\n' % os.fork()); signal.pause()")


class Running:
    """A supervisor under test, and what it and its processes have said."""

    def __init__(self, child: "subprocess.Popen[bytes]", output: int) -> None:
        self.child = child
        self._output = output
        self.text = ""

    def wait_for(self, pattern: str, *, after: str = "") -> "re.Match[str]":
        """Waits until the output has the pattern. Fails at the output's end, and when it takes too long."""
        deadline = time.monotonic() + PATIENCE
        while True:
            assert time.monotonic() < deadline, f"no {pattern!r}:\n{self.text}"
            place = self.text.find(after) if after else 0
            if place >= 0 and (found := re.compile(pattern).search(self.text, place)):
                return found
            assert self._read(), f"ended without {pattern!r}:\n{self.text}"

    def wait_gone(self) -> int:
        """Waits until the supervisor and everything that it started has ended: nobody holds the pipe."""
        deadline = time.monotonic() + PATIENCE
        while self._read():
            assert time.monotonic() < deadline, f"it goes on:\n{self.text[-2000:]}"
        return self.child.wait(PATIENCE)

    def _read(self) -> bool:
        assert select.select([self._output], [], [], PATIENCE)[0], f"nothing more came:\n{self.text}"
        octets = os.read(self._output, 1 << 16)
        self.text += octets.decode()
        return bool(octets)

    def pid(self, name: str, *, after: str = "") -> int:
        return int(self.wait_for(rf"= {name} started as process (\d+)", after=after)[1])


@contextmanager
def supervising(*table: str, start_seconds: float = 60, drain_seconds: float = 60) -> Iterator[Running]:
    output, theirs = os.pipe()
    child = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(start_seconds), str(drain_seconds), *table],
        stdout=theirs,
        stderr=theirs,
        cwd=Path(__file__).parents[3],
        start_new_session=True,
    )
    os.close(theirs)
    running = Running(child, output)
    try:
        yield running
    finally:
        child.kill()
        running.wait_gone()
        os.close(output)


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_is_ready_when_every_process_is() -> None:
    with supervising(f"engine={GOOD}", f"web={GOOD}") as running:
        running.wait_for("all ready")
        assert running.text.count("is ready") == 2
        assert running.text.count("all ready") == 1


def test_signal_stops_everything_and_leaves_nothing() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        with supervising(f"engine={GOOD}", f"web={GOOD}") as running:
            running.wait_for("all ready")
            running.child.send_signal(number)
            assert running.wait_gone() == 0
            assert "stopping: calls in progress may end within 60 s" in running.text
            assert "= engine was killed by SIGTERM" in running.text


def test_process_that_dies_is_restarted_by_itself_alone() -> None:
    with supervising(f"engine={GOOD}", f"web={GOOD}") as running:
        running.wait_for("all ready")
        os.kill(running.pid("engine"), signal.SIGKILL)
        running.wait_for("engine was killed by SIGKILL: again in 0.1 s")
        second = running.pid("engine", after="again in 0.1 s")
        running.wait_for("= engine is ready", after="again in 0.1 s")
        os.kill(second, signal.SIGKILL)
        running.wait_for("engine was killed by SIGKILL: again in 0.2 s")
        running.wait_for("= engine is ready", after="again in 0.2 s")
        assert running.text.count("= web started") == 1
        assert running.text.count("all ready") == 1


def test_second_signal_ends_the_draining() -> None:
    with supervising(f"engine={DRAINS}") as running:
        running.wait_for("all ready")
        running.child.send_signal(signal.SIGTERM)
        running.wait_for("(?m)^draining", after="stopping: calls")
        running.child.send_signal(signal.SIGINT)
        assert running.wait_gone() == 0
        assert "= engine ended with status 0" in running.text


def test_process_that_others_need_stays_until_they_have_ended() -> None:
    with supervising(f"engine={DRAINS}", f"media={GOOD}") as running:
        running.wait_for("all ready")
        running.child.send_signal(signal.SIGTERM)
        running.wait_for("(?m)^draining", after="stopping: calls")
        assert "= media" not in running.text.partition("stopping: calls")[2]
        os.kill(running.pid("engine"), signal.SIGINT)
        running.wait_for("= media was killed by SIGTERM", after="= engine ended with status 0")
        assert running.wait_gone() == 0


def test_third_signal_kills_what_does_not_listen() -> None:
    with supervising(f"engine={DEAF}") as running:
        running.wait_for("all ready")
        for words in ("stopping: calls", "stopping at once", "killing what"):
            running.child.send_signal(signal.SIGTERM)
            running.wait_for(words)
        assert running.wait_gone() == 0
        assert "= engine was killed by SIGKILL" in running.text


def test_time_for_draining_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = SUPERVISOR.replace(
        "set_up_logging(", "import pbx.supervisor.supervisor as s; s.DRAIN_MARGIN = 0.01\nset_up_logging("
    )
    monkeypatch.setattr(sys.modules[__name__], "SUPERVISOR", quick)
    with supervising(f"engine={DRAINS}", drain_seconds=0.01) as running:
        running.wait_for("all ready")
        running.child.send_signal(signal.SIGTERM)
        assert running.wait_gone() == 0
        assert "= stopping at once" in running.text


def test_kill_of_the_supervisor_takes_its_processes_along() -> None:
    with supervising(f"engine={DEAF}", f"web={GOOD}") as running:
        running.wait_for("all ready")
        running.child.kill()
        assert running.wait_gone() == -signal.SIGKILL, "nobody holds the pipe any more"


def test_killed_process_takes_what_it_started_along() -> None:
    with supervising(f"engine={FORKS}") as running:
        running.wait_for(r"child \d+\n")
        for words in ("stopping: calls", "stopping at once", "killing what"):
            running.child.send_signal(signal.SIGTERM)
            running.wait_for(words)
        assert running.wait_gone() == 0


def test_terminal_interrupt_reaches_only_the_supervisor() -> None:
    with supervising(f"engine={DRAINS}") as running:
        running.wait_for("all ready")
        assert os.getpgid(running.pid("engine")) == running.pid("engine")
        os.killpg(running.child.pid, signal.SIGINT)  # what Ctrl-C does
        running.wait_for("(?m)^draining", after="stopping: calls")
        running.child.send_signal(signal.SIGINT)
        assert running.wait_gone() == 0


def test_process_that_cannot_start_at_all_ends_the_server_with_an_error() -> None:
    with supervising(f"web={GOOD}", f"engine={REFUSES}") as running:
        assert running.wait_gone() == 1
        assert "the port is taken" in running.text
        assert "! engine ended with status 1 before it was ready" in running.text
        assert "again in" not in running.text


def test_process_that_fails_later_is_tried_again() -> None:
    with supervising(f"engine={READY}sys.exit(3)") as running:
        running.wait_for("engine ended with status 3: again in 0.2 s")
        running.child.send_signal(signal.SIGTERM)
        assert running.wait_gone() == 0


def test_missing_program_is_tried_again_and_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sys.modules[__name__], "SUPERVISOR", SUPERVISOR.replace("(sys.executable,", "('/nowhere/python',")
    )
    with supervising(f"engine={GOOD}") as running:
        running.wait_for("! engine cannot be started: .*nowhere.*\n[^$]*! engine cannot be started")
        running.child.send_signal(signal.SIGTERM)
        assert running.wait_gone() == 0


def test_process_that_is_never_ready_is_killed_and_started_again() -> None:
    with supervising(f"engine={STUCK}", start_seconds=0.1) as running:
        running.wait_for(r"! engine is not ready after 0\.1 s")
        running.wait_for(r"! engine was killed by SIGKILL: again in 0\.1 s")
        running.wait_for("= engine started", after="again in 0.1 s")


def test_chore_that_fails_is_logged_and_done_again() -> None:
    with supervising(f"engine={GOOD}") as running:
        running.wait_for("! a chore failed: ZeroDivisionError[^$]*! a chore failed: ZeroDivisionError")
        assert running.child.poll() is None


def test_idle_supervisor_uses_no_time() -> None:
    with supervising(f"engine={GOOD}") as running:
        running.wait_for("all ready")
        running.wait_for("a chore failed")
        before = _switches(running.child.pid)
        running.wait_for("a chore failed", after=running.text)
        assert _switches(running.child.pid) - before <= 5, "it woke up for one chore"


def _switches(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", status, re.MULTILINE)[1])  # type: ignore[index]


def test_only_the_supervisor_talks_to_systemd(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tells = f"import os; print('address:', os.environ.get('NOTIFY_SOCKET'), flush=True){GOOD}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(PATIENCE)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        with supervising(f"engine={GOOD}", f"web={tells}", drain_seconds=7200) as running:
            assert systemd.recv(100) == b"READY=1"
            running.wait_for("address: None")
            running.child.send_signal(signal.SIGTERM)
            stopping = dict(line.split("=") for line in systemd.recv(100).decode().splitlines())
            assert running.wait_gone() == 0
    assert stopping["STOPPING"] == "1"
    assert int(stopping["EXTEND_TIMEOUT_USEC"]) > 7200e6, "systemd kills it before the calls have had their time"


@pytest.mark.parametrize(
    ("worked", "pauses"),
    [
        ([0, 0, 0, 0, 0, 0, 0, 0, 0], [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10]),
        ([0, 59.9, 0], [0.1, 0.2, 0.4]),
        ([0, 0, 60, 0], [0.1, 0.2, 0.1, 0.2]),
    ],
)
def test_pauses_double_until_a_process_was_healthy(worked: Sequence[float], pauses: Sequence[float]) -> None:
    backoff = Backoff()
    assert [backoff.after(seconds) for seconds in worked] == pytest.approx(pauses)


@pytest.mark.parametrize(
    ("status", "words"),
    [(0, "ended with status 0"), (-9, "was killed by SIGKILL"), (-60, "was killed by signal 60")],
)
def test_end_is_told_in_words(status: int, words: str) -> None:
    assert ended_how(status) == words


def test_lifeline_ends_a_process_where_the_kernel_does_not() -> None:
    mine, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(theirs)
        hold_lifeline(mine)
        time.sleep(PATIENCE)
        os._exit(1)
    os.close(mine)
    os.close(theirs)
    _, status = os.waitpid(pid, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL


def test_data_folder_has_one_server(tmp_path: Path) -> None:
    lock = tmp_path / "run" / "serve.lock"
    lock.parent.mkdir()
    with only_instance(lock), pytest.raises(AlreadyRunning, match=rf"on {tmp_path} already \(process {os.getpid()}\)"):
        only_instance(lock).__enter__()
    with only_instance(lock):
        pass
