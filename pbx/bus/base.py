"""The bus in the abstract: one envelope, the verbs publish and subscribe, and commands with a reply.

A subscriber gets a snapshot first and then events. Each event of a node carries the next sequence
number; the snapshot carries that of the last event which it already contains. Whoever misses a number
asks for the snapshot again. The database is the truth, events are hints.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from pbx.bus.errors import BadLine
from pbx.bus.lines import Values, decode, encode

VERSION = 1
SNAPSHOT = "snapshot"

# A command's handler takes the command's data and returns the data of the reply, now or later.
# It raises CommandError to refuse; anything else that it raises is a fault of ours and is logged.
Handler = Callable[[Values], Values | Awaitable[Values]]


@dataclass(frozen=True, slots=True)
class Envelope:
    """What travels on the bus: an event, or the snapshot before the events.

    Args:
        node: name of the engine that sends it.
        seq: counts the events of this node, from 1; a snapshot has the number of its last event.
        type: what happened, as `call.ended`; or `snapshot`.
    """

    node: str
    seq: int
    type: str
    data: Values
    v: int = VERSION

    def encode(self) -> bytes:
        """As one line."""
        return encode({"v": self.v, "node": self.node, "seq": self.seq, "type": self.type, "data": self.data})

    @classmethod
    def read(cls, values: Values) -> "Envelope":
        """From a decoded line. Raises BadLine."""
        match values:
            case {"v": 1, "node": str(node), "seq": int(seq), "type": str(kind), "data": dict(data)}:
                return cls(node, seq, kind, data)
        raise BadLine("not an envelope of version 1")

    @classmethod
    def decode(cls, line: bytes) -> "Envelope":
        """From one line. Raises BadLine."""
        return cls.read(decode(line))


class Publisher(Protocol):
    """Where the engine tells what happened."""

    @property
    def listening(self) -> bool:
        """Whether anybody would hear. Ask before building costly data."""

    def publish(self, kind: str, data: Mapping[str, object]) -> None:
        """Tell all subscribers, later in this turn of the loop. Never blocks. `data` is JSON."""


class Subscriber(Protocol):
    """Where other processes hear it."""

    def subscribe(self) -> AsyncIterator[Envelope]:
        """A snapshot, then events without a gap; a new snapshot wherever some were missed."""
