"""How long the server takes to answer, exactly: the time for which it is the server's turn.

Added up for each operation from its first request to its final answer, so the waiting for a phone's ringing, for the
caller's credentials and for SIPp's clock is no part of it. It is the server's turn from a message that comes in until
the one that it makes the server send. ACK, 100 Trying and 181 (Call Is Being Forwarded) give the turn to nobody, in
either direction, and a message that is sent again changes nothing.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

from tests.benchmarks.packets import Datagram

METHODS = {"register": b"REGISTER", "call": b"INVITE", "forward": b"INVITE", "message": b"MESSAGE"}
"""The request of a scenario that is to be answered."""

TURN_STAYS = (100, 181)
CHALLENGES = (401, 407)

_CALL_ID = re.compile(rb"\r\n(?:Call-ID|i)[ \t]*:[ \t]*([^\r\n]+)", re.IGNORECASE)
_CALLER = re.compile(rb"\r\n(?:From|f)[ \t]*:[^\r\n]*?sips?:([^@;>\r\n]+)@", re.IGNORECASE)
_METHOD = re.compile(rb"\r\nCSeq[ \t]*:[ \t]*\d+[ \t]+([A-Z]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answers:
    """What one run took in the server. Times in ms an operation, None where none was answered."""

    p50: float | None
    p99: float | None
    most: float | None
    answered: int
    ambiguous: int  # left out
    problem: str | None
    """Why the times mean nothing, or None if they do."""

    @classmethod
    def of(cls, turns: "Turns", *, lost: int, problem: str | None) -> Self:
        """Of a run that had this problem, or none, and of whose datagrams so many were lost before they were seen."""
        if problem is None and lost:
            problem = f"{lost} packets were not seen"
        elif problem is None and turns.strays:
            problem = f"{turns.strays} requests belong to no operation"
        elif problem is None and turns.unanswered:
            problem = f"{turns.unanswered} operations were not answered"
        elif problem is None and not turns.times:
            problem = "no operation was seen"
        times = turns.times
        return cls(
            p50=percentile(times, 0.50),
            p99=percentile(times, 0.99),
            most=max(times, default=None),
            answered=len(times),
            ambiguous=turns.ambiguous,
            problem=problem,
        )

    def __str__(self) -> str:
        """Like "0.41 / 1.20 / 3.87", or why there is nothing to tell."""
        if self.problem is not None or self.p50 is None or self.p99 is None or self.most is None:
            return f"failed ({self.problem})"
        left_out = f" ({self.ambiguous} left out)" if self.ambiguous else ""
        return f"{self.p50:.2f} / {self.p99:.2f} / {self.most:.2f}{left_out}"


@dataclass(slots=True)
class Turns:
    """What a capture comes to."""

    times: list[float] = field(default_factory=list)  # ms, one for each operation that was answered
    ambiguous: int = 0  # operations of somebody who had another one at the same time: which leg is whose?
    unanswered: int = 0
    strays: int = 0  # requests that went out for nobody who was waiting


def add_up(datagrams: Iterable[Datagram], port: int, method: bytes) -> Turns:
    """The operations that a request of this method opens at the server on this port.

    Args:
        datagrams: in the order in which they were sent.
    """
    found = Turns()
    legs: dict[bytes, _Operation] = {}  # by Call-ID
    open_of: dict[bytes, list[_Operation]] = {}  # by the caller's number
    for one in datagrams:
        message = _Message.read(one.payload)
        if message is None or message.method != method or message.status in TURN_STAYS:
            continue
        comes_in = one.target == port
        operation = legs.get(message.call_id)
        if operation is None and message.status is None:
            others = open_of.setdefault(message.caller, [])
            if comes_in:
                operation = _Operation(message.caller, ambiguous=bool(others))
                for other in others:
                    other.ambiguous = True
                others.append(operation)
            elif len(others) == 1:
                operation = others[0]
            elif not others:
                found.strays += 1
            if operation is not None:
                legs[message.call_id] = operation
        if operation is None or operation.answered:
            continue
        operation.take(one.at, one.payload, comes_in=comes_in)
        if not comes_in and message.is_final:
            operation.answer(one.at)
            open_of[operation.caller].remove(operation)
            if operation.ambiguous:
                found.ambiguous += 1
            else:
                found.times.append(operation.spent)
    for operation in (one for several in open_of.values() for one in several):
        if operation.ambiguous:
            found.ambiguous += 1
        else:
            found.unanswered += 1
    return found


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value that this share of all are not above (nearest rank); None of no values."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@dataclass(frozen=True, slots=True)
class _Message:
    """As much of SIP as it takes to tell whose message it is."""

    call_id: bytes
    caller: bytes
    method: bytes  # of the request that it is, or answers
    status: int | None

    @classmethod
    def read(cls, payload: bytes) -> Self | None:
        call_id, caller, method = (row.search(payload) for row in (_CALL_ID, _CALLER, _METHOD))
        if call_id is None or caller is None or method is None:
            return None
        status = int(payload[8:11]) if payload.startswith(b"SIP/2.0 ") else None
        return cls(call_id[1].strip(), caller[1], method[1], status)

    @property
    def is_final(self) -> bool:
        return self.status is not None and self.status >= 200 and self.status not in CHALLENGES


@dataclass(slots=True, eq=False)
class _Operation:
    """One that is under way: the server's turn lasts while more has come in than gone out."""

    caller: bytes
    ambiguous: bool
    spent: float = 0.0  # ms
    answered: bool = False
    _owed: int = 0
    _since: float = 0.0
    _seen: set[bytes] = field(default_factory=set)

    def take(self, at: float, payload: bytes, *, comes_in: bool) -> None:
        if payload in self._seen:
            return  # sent again
        self._seen.add(payload)
        if comes_in:
            if not self._owed:
                self._since = at
            self._owed += 1
        elif self._owed:
            self._owed -= 1
            if not self._owed:
                self.spent += at - self._since

    def answer(self, at: float) -> None:
        """The final answer went out, whatever else has come in."""
        if self._owed:
            self.spent += at - self._since
        self.answered = True
        self._seen.clear()
