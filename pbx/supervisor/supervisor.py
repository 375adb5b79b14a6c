"""The loop that keeps the processes alive: it sleeps until a signal, a word from a process or a deadline.

A stop has three phases, each of which begins when the one before has not ended everything in its time, or
with a further signal: SIGTERM, on which processes let calls in progress end; SIGINT, on which they stop at
once; SIGKILL.
"""

import contextlib
import logging
import math
import os
import selectors
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pbx.supervisor.child import notify_systemd, report_stopping
from pbx.supervisor.process import Process, ProcessDefinition, ended_how

DRAIN_MARGIN = 5.0  # seconds that a process has after the time for draining, to close up
STOP_SECONDS = 5.0  # seconds that a process has to stop at once
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to do every so many seconds. It runs in the supervisor, so it has to be short."""

    every: float
    action: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of the stop: what the processes are sent, and the seconds until the next phase."""

    number: signal.Signals
    seconds: float
    words: str


class Supervisor:
    """Runs the processes of a table until it is told to stop.

    Args:
        definitions: the table, in the order of starting.
        drain_seconds: how long calls in progress may go on at a stop.
        on_ready: called once, when all processes are ready for the first time.
        chores: what else is to be done now and then.
    """

    def __init__(
        self,
        definitions: Sequence[ProcessDefinition],
        *,
        drain_seconds: float,
        on_ready: Callable[[], None],
        chores: Sequence[Chore] = (),
    ) -> None:
        self._definitions = definitions
        self._on_ready = on_ready
        self._told_ready = False
        self._phases = [
            Phase(signal.SIGTERM, drain_seconds + DRAIN_MARGIN, _draining(drain_seconds)),
            Phase(signal.SIGINT, STOP_SECONDS, "stopping at once"),
            Phase(signal.SIGKILL, math.inf, "killing what does not stop"),
        ]
        self._stopping = False
        self._next_phase_at = math.inf
        self._status = 0
        self._chores = [(time.monotonic() + chore.every, chore) for chore in chores]
        self._selector = selectors.DefaultSelector()
        self._processes: list[Process] = []

    def run(self) -> int:
        """Starts everything and returns when all of it has ended, with the exit status for this program.

        The status is 1 if a process could not be started at all. Called in the main thread, once.
        """
        lifeline, held = os.pipe()
        self._processes = [Process(definition, lifeline) for definition in self._definitions]
        try:
            with self._catching_signals():
                for process in self._processes:
                    self._start(process)
                while not self._stopping or any(process.is_running for process in self._processes):
                    self._wait()
                    self._do_what_is_due(time.monotonic())
        finally:
            for process in self._processes:
                process.send(signal.SIGKILL)  # something went wrong here: leave nobody behind
            os.close(lifeline)
            os.close(held)
            self._selector.close()
        return self._status

    # ---- waiting

    @contextlib.contextmanager
    def _catching_signals(self) -> Iterator[None]:
        """Signals arrive as octets in a pipe, among the other things that are waited for."""
        incoming, outgoing = os.pipe()
        os.set_blocking(incoming, False)
        os.set_blocking(outgoing, False)
        old_wakeup = signal.set_wakeup_fd(outgoing, warn_on_full_buffer=False)
        # What is ignored stays ignored: that is how `nohup` keeps a program from SIGHUP.
        caught = [number for number in STOP_SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
        old = {number: signal.signal(number, _wake) for number in (*caught, signal.SIGCHLD)}
        self._selector.register(incoming, selectors.EVENT_READ, self._take_signals)
        try:
            yield
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(old_wakeup)
            os.close(incoming)
            os.close(outgoing)

    def _wait(self) -> None:
        deadlines = [process.due for process in self._processes if process.due is not None]
        deadlines += [at for at, _ in self._chores]
        earliest = min([self._next_phase_at, *deadlines])
        timeout = max(earliest - time.monotonic(), 0) if earliest < math.inf else None
        for key, _ in self._selector.select(timeout):
            key.data(key.fd)

    def _take_signals(self, descriptor: int) -> None:
        try:
            numbers = os.read(descriptor, 256)
        except BlockingIOError:
            return
        for number in numbers:
            if number in STOP_SIGNALS:
                self._next_phase()
        self._reap()  # even without a SIGCHLD: several deaths can make one signal

    def _do_what_is_due(self, now: float) -> None:
        if now >= self._next_phase_at:
            self._next_phase()
        for process in self._processes:
            if process.due is not None and now >= process.due:
                if process.restart_at is not None:
                    self._start(process)
                else:
                    logger.error("! %s is not ready after %g s", process.name, process.definition.start_seconds)
                    process.stuck_at = None
                    process.send(signal.SIGKILL)
        for place, (at, chore) in enumerate(self._chores):
            if now >= at:
                self._chores[place] = (now + chore.every, chore)
                try:
                    chore.action()
                except Exception:
                    logger.exception("! a chore failed")

    # ---- lives of the processes

    def _start(self, process: Process) -> None:
        try:
            process.start(time.monotonic())
        except OSError as error:
            logger.error("! %s cannot be started: %s", process.name, error)
            return
        if process.ready_fd is not None:
            self._selector.register(process.ready_fd, selectors.EVENT_READ, lambda _: self._hear(process))

    def _hear(self, process: Process) -> None:
        if process.ready_fd is None:  # heard already, on its death
            return
        self._selector.unregister(process.ready_fd)
        if not process.hear(time.monotonic()):
            return
        logger.info("= %s is ready", process.name)
        if not self._told_ready and all(one.is_ready for one in self._processes):
            self._told_ready = True
            notify_systemd("READY=1")
            self._on_ready()

    def _reap(self) -> None:
        for process in self._processes:
            if not process.has_ended:
                continue
            self._hear(process)  # it may have become ready just before
            now = time.monotonic()
            status = process.bury(now, restart=not self._stopping)
            if self._stopping:
                logger.info("= %s %s", process.name, ended_how(status))
                self._stop_followers(process)
            elif status > 0 and not process.was_ever_ready:
                # It has said why in its own words, and would say the same again.
                logger.error("! %s %s before it was ready", process.name, ended_how(status))
                self._status = 1
                self._next_phase()
            else:
                assert process.restart_at is not None
                logger.error("! %s %s: again in %.1f s", process.name, ended_how(status), process.restart_at - now)

    def _next_phase(self) -> None:
        """Begins the stop, or its next part."""
        if not self._stopping:
            self._stopping = True
            report_stopping(sum(phase.seconds for phase in self._phases if phase.seconds < math.inf))
            for process in self._processes:
                process.restart_at = None
        if not self._phases:
            return
        phase = self._phases.pop(0)
        self._next_phase_at = time.monotonic() + phase.seconds
        if any(process.is_running for process in self._processes):
            logger.info("= %s", phase.words)
        running = {process.name for process in self._processes if process.is_running}
        for process in reversed(self._processes):
            if phase.number is not signal.SIGTERM or process.definition.after not in running:
                process.send(phase.number)

    def _stop_followers(self, ended: Process) -> None:
        """Now that this process has ended, those who have waited for it may."""
        for process in self._processes:
            if process.definition.after == ended.name:
                process.send(signal.SIGTERM)


def _draining(seconds: float) -> str:
    return f"stopping: calls in progress may end within {seconds:g} s; a second Ctrl-C stops at once"


def _wake(number: int, frame: object) -> None:
    """The signal itself arrives in the pipe; Python only needs a handler to be there."""
