"""Programs that a test runs beside itself: started in a group of their own, followed line by line, stopped surely.

Nothing here sleeps. A reader thread takes the program's output, and whoever waits is woken by the line that it
waits for, by the program's end, or by the deadline.
"""

import atexit
import contextlib
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import threading
import time
import tty
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

TAIL = 60  # lines of output in a failure's report


class PeerError(AssertionError):
    """What a test waited for did not come; the text says what, and how far the program got."""


class Process:
    """A program with its own process group, home folder and terminal.

    The terminal (rather than a pipe) makes C programs write each line when it is complete, and lets those read
    commands which insist on a keyboard. It is in raw mode: no echo, octets pass unchanged.

    Args:
        command: program and arguments.
        name: what reports and the log file call it.
        folder: its HOME, working directory and place of the log `<name>.log`.
        on_line: called by the reader thread with each line, without its line feed.
        environment: added to the few variables that it gets; nothing else of ours is passed on.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        name: str,
        folder: Path,
        on_line: Callable[[bytes], None] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.folder = folder
        # A test run that is killed leaves nothing behind. The signal comes when the thread that called start() ends.
        guard = ["setpriv", "--pdeathsig", "TERM", "--"] if shutil.which("setpriv") else []
        self._command = [*guard, *(str(part) for part in command)]
        self._program = str(command[0])
        self._on_line = on_line
        self._environment = {
            "PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin",
            "HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder / ".config"),
            "XDG_DATA_HOME": str(folder / ".local/share"),
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            **(environment or {}),
        }
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._ended = False
        self._child: subprocess.Popen[bytes] | None = None
        self._terminal = -1
        self._reader: threading.Thread | None = None

    def start(self) -> Self:
        """Start the program. Raises FileNotFoundError if it is not installed."""
        if shutil.which(self._program, path=self._environment["PATH"]) is None:
            raise FileNotFoundError(f"{self._program} is not installed")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._terminal, theirs = pty.openpty()
        tty.setraw(theirs)
        try:
            self._child = subprocess.Popen(
                self._command,
                stdin=theirs,
                stdout=theirs,
                stderr=theirs,
                cwd=self.folder,
                env=self._environment,
                start_new_session=True,
            )
        except OSError:
            os.close(self._terminal)
            raise
        finally:
            os.close(theirs)
        _running.add(self)
        self._reader = threading.Thread(target=self._read, name=f"output of {self.name}", daemon=True)
        self._reader.start()
        return self

    def __enter__(self) -> Self:
        return self if self._child is not None else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        if self._child is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    @property
    def lines(self) -> list[str]:
        """All complete lines so far, undecodable octets replaced."""
        with self._changed:
            return list(self._lines)

    def send(self, line: str) -> None:
        """Type a line at the program's keyboard."""
        os.write(self._terminal, line.encode() + b"\n")

    def wait_for(self, pattern: str, *, timeout: float = 30.0, since: int = 0) -> re.Match[str]:
        """Wait for a line (from number `since` on) in which the pattern is found.

        Raises PeerError at the deadline or when the program ends without having said it.
        """
        wanted, seen = re.compile(pattern), since
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                while seen < len(self._lines):
                    if found := wanted.search(self._lines[seen]):
                        return found
                    seen += 1
                if self._ended:
                    raise PeerError(f"{self.name} ended without /{pattern}/\n{self.report()}")
                if not self._changed.wait(deadline - time.monotonic()):
                    raise PeerError(f"{self.name}: no /{pattern}/ in {timeout:g} s\n{self.report()}")

    def wait_ended(self, *, timeout: float = 30.0) -> int:
        """Wait for the program's end and return its exit status. Raises PeerError at the deadline."""
        if self._child is None:
            raise RuntimeError(f"{self.name} was not started")
        try:
            status = self._child.wait(timeout)
        except subprocess.TimeoutExpired as late:
            raise PeerError(f"{self.name} still runs after {timeout:g} s\n{self.report()}") from late
        self.kill()
        return status

    def terminate(self) -> None:
        """Ask the program to end, by SIGTERM."""
        self._signal(signal.SIGTERM)

    def stop(self, *, asked: bool = False, timeout: float = 5.0) -> None:
        """End the program: by SIGTERM unless it has been asked already, then kill what is left of its group."""
        if not asked:
            self.terminate()
        if self._child is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(timeout)
        self.kill()

    def kill(self) -> None:
        """End the program and all that it started, at once."""
        self._signal(signal.SIGKILL)
        if self._child is not None:
            self._child.wait()
        self._settle()

    def report(self) -> str:
        """Return the last lines of output, for a failure's text."""
        with self._changed:
            tail = self._lines[-TAIL:]
        return f"--- output of {self.name} (all of it in {self.folder / f'{self.name}.log'})\n" + "\n".join(tail)

    def _signal(self, number: signal.Signals) -> None:
        # The group outlives its leader: children of a program which has ended are still reached. Once it is settled the
        # number may be somebody else's.
        if self._child is not None and self._reader is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._child.pid, number)

    def _settle(self) -> None:
        """Take in the rest of the output and let go of the terminal."""
        if self._reader is not None:
            self._reader.join(5)
            self._reader = None
            os.close(self._terminal)
            _running.discard(self)

    def _read(self) -> None:
        rest = b""
        try:
            with (self.folder / f"{self.name}.log").open("ab", buffering=0) as log:
                while octets := self._read_terminal():
                    log.write(octets)
                    *complete, rest = (rest + octets).split(b"\n")
                    self._take(complete)
                self._take([rest] if rest else [])
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _read_terminal(self) -> bytes:
        try:
            return os.read(self._terminal, 65536)
        except OSError:  # EIO: the last process that had the terminal open is gone
            return b""

    def _take(self, lines: Sequence[bytes]) -> None:
        if self._on_line is not None:
            for line in lines:
                self._on_line(line)
        with self._changed:
            self._lines.extend(line.decode(errors="replace").rstrip("\r") for line in lines)
            self._changed.notify_all()


def wait_gone(pid: int, timeout: float = 30.0) -> None:
    """Waits for the end of a process that need not be our child. Raises PeerError if it does not come."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    with os.fdopen(handle) as watched:
        if not select.select([watched], [], [], timeout)[0]:
            raise PeerError(f"process {pid} is still there after {timeout:g} s")


_running: "weakref.WeakSet[Process]" = weakref.WeakSet()


@atexit.register
def _kill_the_rest() -> None:
    """A test run that is broken off leaves no program behind."""
    for process in list(_running):
        process.kill()
