"""One process of the table, through its starts, deaths and restarts."""

import contextlib
import ctypes
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pbx.supervisor.child import LIFELINE_FD, READY, READY_FD
from pbx.supervisor.sockets import SOCKETS, described
from sip.transport.sockets import Listener

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0  # seconds before a restart; doubles
HEALTHY = 60.0  # seconds of work after which a death is a new story
PR_SET_PDEATHSIG = 1  # prctl(2)

logger = logging.getLogger(__name__)
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class ProcessDefinition:
    """A row of the table of processes.

    Args:
        command: program and arguments. It inherits standard output and error, and says that it is ready
            by `pbx.supervisor.child.report_ready`.
        sockets: which it inherits, see `pbx.supervisor.sockets`.
        after: the process that this one has to outlive at a stop, by name.
        start_seconds: how long it may take until then, before it is taken for stuck.
    """

    name: str
    command: tuple[str, ...]
    sockets: Mapping[Listener, int] = field(default_factory=dict)
    after: str = ""
    start_seconds: float = 60.0


class Backoff:
    """How long to wait before the next restart."""

    def __init__(self) -> None:
        self._pause = FIRST_PAUSE

    def after(self, worked: float) -> float:
        """The pause after a process has died that had worked for so many seconds."""
        if worked >= HEALTHY:
            self._pause = FIRST_PAUSE
        pause = self._pause
        self._pause = min(2 * pause, LONGEST_PAUSE)
        return pause


class Process:
    """The process of one definition: running, or waiting for its restart.

    Args:
        lifeline: a pipe's end to inherit, whose other end only the supervisor holds.
    """

    def __init__(self, definition: ProcessDefinition, lifeline: int) -> None:
        self.definition = definition
        self.ready_fd: int | None = None  # readable when the process is ready, or gone
        self.was_ever_ready = False
        self.restart_at: float | None = None
        self.stuck_at: float | None = None
        self._lifeline = lifeline
        self._backoff = Backoff()
        self._ready_since: float | None = None
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        return self.definition.name

    @property
    def is_running(self) -> bool:
        return self._running is not None

    @property
    def is_ready(self) -> bool:
        return self._ready_since is not None

    @property
    def due(self) -> float | None:
        """When something has to be done about it: a restart, or its end because it is stuck."""
        return self.restart_at if self.restart_at is not None else self.stuck_at

    def start(self, now: float) -> None:
        """Starts it. Raises OSError, with a restart planned."""
        self.restart_at = None
        mine, its = os.pipe()
        try:
            self._running = _spawn(self.definition, its, self._lifeline)
        except OSError:
            os.close(mine)
            self.restart_at = now + self._backoff.after(0)
            raise
        finally:
            os.close(its)
        os.set_blocking(mine, False)
        self.ready_fd = mine
        self.stuck_at = now + self.definition.start_seconds
        logger.info("= %s started as process %d", self.name, self._running.pid)

    def hear(self, now: float) -> bool:
        """Reads what the process says about itself, once; whether it says that it is ready."""
        assert self.ready_fd is not None
        try:
            said = os.read(self.ready_fd, len(READY))
        except BlockingIOError:
            said = b""
        self._close_ready_fd()
        if said != READY:
            return False
        self._ready_since = now
        self.was_ever_ready = True
        self.stuck_at = None
        return True

    @property
    def has_ended(self) -> bool:
        return self._running is not None and self._running.poll() is not None

    def bury(self, now: float, *, restart: bool) -> int:
        """The exit status, as `subprocess` gives it, of the process that `has_ended`."""
        assert self._running is not None
        status = self._running.returncode
        worked = now - self._ready_since if self._ready_since is not None else 0.0
        self._running = self._ready_since = self.stuck_at = None
        if restart:
            self.restart_at = now + self._backoff.after(worked)
        return int(status)

    def send(self, number: signal.Signals) -> None:
        """Signals the process; to kill it means everything that it started too."""
        if self._running is None:
            return
        with contextlib.suppress(ProcessLookupError):
            if number is signal.SIGKILL:
                os.killpg(self._running.pid, number)
            else:
                self._running.send_signal(number)

    def _close_ready_fd(self) -> None:
        if self.ready_fd is not None:
            os.close(self.ready_fd)
            self.ready_fd = None


def _spawn(definition: ProcessDefinition, ready_fd: int, lifeline: int) -> "subprocess.Popen[bytes]":
    """Starts a program in a process group of its own, out of reach of the terminal's Ctrl-C."""
    return subprocess.Popen(  # noqa: S603  a command of our own table
        definition.command,
        stdin=subprocess.DEVNULL,
        env=_environment(os.environ, ready_fd, lifeline) | {SOCKETS: described(definition.sockets)},
        pass_fds=(ready_fd, lifeline, *definition.sockets.values()),
        process_group=0,
        preexec_fn=ends_with(os.getpid()),
    )


def ends_with(parent: int) -> Callable[[], None]:
    """What a process calls first that this one forks, so as not to outlive its `parent` (on Linux)."""

    def begin() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:  # it died before we asked
                os._exit(1)

    return begin


def _environment(environ: Mapping[str, str], ready_fd: int, lifeline: int) -> dict[str, str]:
    """Ours, but systemd hears from the supervisor alone."""
    inherited = {name: value for name, value in environ.items() if name != "NOTIFY_SOCKET"}
    return {**inherited, READY_FD: str(ready_fd), LIFELINE_FD: str(lifeline)}


def ended_how(status: int) -> str:
    """An exit status of `subprocess` in words."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"
