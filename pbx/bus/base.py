"""The bus in the abstract: one envelope, the verbs publish and subscribe, and commands with a reply.

A subscriber gets a snapshot first and then events. Each event of a node carries the next sequence
number; the snapshot carries that of the last event which it already contains. Whoever misses a number
asks for the snapshot again. The database is the truth, events are hints.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import NamedTuple, Protocol

from pbx.bus.errors import BadLine
from pbx.bus.lines import Values, decode, encode

VERSION = 1
SNAPSHOT = "snapshot"

# A command's handler takes the command's data and returns the data of the reply, now or later.
# It raises CommandError to refuse; anything else that it raises is a fault of ours and is logged.
Handler = Callable[[Values], Values | Awaitable[Values]]


class Envelope(NamedTuple):
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
        try:
            version, envelope = values["v"], cls(values["node"], values["seq"], values["type"], values["data"])
        except KeyError as error:
            raise BadLine(f"an envelope without {error}") from None
        # Plain checks: there is one for each event, and a pattern takes as long as the JSON.
        right = isinstance(envelope.node, str) and isinstance(envelope.seq, int)
        if version == VERSION and right and isinstance(envelope.type, str) and isinstance(envelope.data, dict):
            return envelope
        raise BadLine(f"not an envelope of version {VERSION}")

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
        """Tell all subscribers in a moment, and in this order. Never blocks. `data` is JSON."""


class Subscriber(Protocol):
    """Where other processes hear it."""

    def subscribe(self) -> AsyncIterator[Envelope]:
        """A snapshot, then events without a gap; a new snapshot wherever some were missed."""
