"""What all programs of the tests that speak SIP have in common: a process, a trace of its messages, and its calls."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from tests.support.peers.calls import Call, CallBook, State
from tests.support.peers.trace import MessageAssembler, SipMessage, Way
from tests.support.processes import PeerError, Process

Found = TypeVar("Found")

DEADLINE = 20.0  # seconds: far beyond what a phone on one machine needs, short enough for a failing test


class Watched:
    """Whoever speaks SIP: the messages and calls that it has had, and waiting for more.

    Waiting methods raise PeerError, with the calls, messages and last output, when what they wait for does not come in
    time.

    Args:
        name: what reports and the log file call it.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._changed = threading.Condition()
        self._messages: list[SipMessage] = []
        self._book = CallBook()
        self._claimed: set[str] = set()

    # Calls

    def wait_incoming(self, *, timeout: float = DEADLINE) -> Call:
        """Wait until the phone rings for a call that was not returned before."""

        def rings() -> Call | None:
            for call in self._book.calls:
                if not call.outgoing and call.id not in self._claimed and call.state is State.RINGING:
                    self._claimed.add(call.id)
                    return call
            return None

        return self._wait(rings, "it doesn't ring", timeout)

    def wait_ringing(self, call: Call | None = None, *, timeout: float = DEADLINE) -> Call:
        """Wait until the other side rings, or has answered already."""
        return self._wait_state(call, (State.RINGING, State.ESTABLISHED), timeout)

    def wait_established(self, call: Call | None = None, *, timeout: float = DEADLINE) -> Call:
        """Wait until a call is answered and confirmed by ACK."""
        return self._wait_state(call, (State.ESTABLISHED,), timeout)

    def wait_ended(self, call: Call | None = None, *, timeout: float = DEADLINE) -> Call:
        """Wait for the end of a call; its `status`, `reasons` and `hung_up_by` say how it came.

        Without a call it is the newest, or if that has ended before, the newest all the same.
        """
        return self._wait_state(call or self.calls[-1], (State.ENDED,), timeout)

    # Messages

    @property
    def messages(self) -> list[SipMessage]:
        """All SIP messages so far."""
        with self._changed:
            return list(self._messages)

    @property
    def calls(self) -> list[Call]:
        """All calls so far, the oldest first."""
        with self._changed:
            return list(self._book.calls)

    def wait_message(
        self,
        way: Way,
        method: str,
        *,
        status: int | None = None,
        where: Callable[[SipMessage], bool] | None = None,
        since: int = 0,
        timeout: float = DEADLINE,
    ) -> SipMessage:
        """Wait for a message (from number `since` of `messages` on): a request, or with `status` or `where` any."""

        def fits(message: SipMessage) -> bool:
            return (
                message.way is way
                and message.method == method
                and (message.status == status if where is None else where(message))
            )

        wanted = f"no {way} {method}{'' if status is None else f' {status}'}"
        return self._wait(lambda: next(filter(fits, self._messages[since:]), None), wanted, timeout)

    def report(self) -> str:
        """Return calls and messages, for a failure's text."""
        ladder = "\n".join(map(str, self.messages))
        book = "\n".join(map(str, self.calls))
        return f"--- calls of {self.name}\n{book}\n--- messages of {self.name}\n{ladder}"

    # Inside

    def _newest(self, *, outgoing: bool | None = None) -> Call:
        for call in reversed(self.calls):
            if call.state is not State.ENDED and outgoing in (None, call.outgoing):
                return call
        raise PeerError(f"{self.name} has no call\n{self.report()}")

    def _wait_state(self, call: Call | None, states: tuple[State, ...], timeout: float) -> Call:
        subject = call or self._newest()
        hopeless = State.ENDED not in states

        def reached() -> Call | None:
            if hopeless and subject.state is State.ENDED:
                raise PeerError(f"{self.name}: {subject}\n{self.report()}")
            return subject if subject.state in states else None

        return self._wait(reached, f"not {states[-1]}: {subject}", timeout)

    def _wait(self, find: Callable[[], Found | None], failure: str, timeout: float) -> Found:
        deadline = time.monotonic() + timeout
        with self._changed:
            while (found := find()) is None:
                if not self._changed.wait(deadline - time.monotonic()):
                    break
        if found is None:
            raise PeerError(f"{self.name}: {failure} in {timeout:g} s\n{self.report()}")
        return found

    def _take_message(self, message: SipMessage) -> None:
        with self._changed:
            self._messages.append(message)
            self._book.take(message)
            self._changed.notify_all()


class Peer(Watched, ABC):
    """A program under observation.

    Args:
        name: what reports and the log file call it.
        folder: a folder of its own, made if needed.
    """

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(name)
        self.folder = folder
        self._assembler = MessageAssembler()
        self._process: Process | None = None

    # What an adapter provides

    @abstractmethod
    def _command(self) -> list[str | Path]:
        """Write the configuration and return the command line."""

    @abstractmethod
    def _announced(self, line: bytes) -> Way | None:
        """Tell which way the messages go whose text begins after this line; None if the line announces none."""

    @abstractmethod
    def _other_line(self, line: str) -> None:
        """Take a line of output that belongs to no message."""

    @abstractmethod
    def _started(self) -> None:
        """Wait until the program is ready for use."""

    @abstractmethod
    def _quit(self) -> None:
        """Ask the program to end."""

    # Life

    def start(self) -> Self:
        """Run the program. Raises FileNotFoundError if it isn't installed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._process = Process(self._command(), name=self.name, folder=self.folder, on_line=self._take_line)
        self._process.start()
        self._started()
        return self

    def stop(self) -> None:
        """End the program properly."""
        if self._process is not None:
            if self._process.running:
                self._quit()
            self._process.stop(asked=True)

    def kill(self) -> None:
        """Pull the plug: the peer is gone without a message."""
        self.process.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def process(self) -> Process:
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process

    def report(self) -> str:
        """Return calls, messages and output, for a failure's text."""
        output = self._process.report() if self._process else "never started"
        return f"{super().report()}\n{output}"

    # Inside

    def _take_line(self, line: bytes) -> None:
        if (way := self._announced(line)) is not None:
            self._assembler.expect(way)
        elif self._assembler.busy and (message := self._assembler.feed(line)):
            self._take_message(message)
        elif not self._assembler.busy:
            self._other_line(line.decode(errors="replace").rstrip("\r"))
