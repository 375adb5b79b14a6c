"""What the endpoint needs around it: a clock, a network, and somebody who decides what requests mean."""

from collections.abc import Callable
from typing import Any, Protocol

from sip.message import Request
from sip.transport.base import Flow


class Clock(Protocol):
    """What an asyncio event loop offers, as far as it is needed here."""

    def time(self) -> float: ...

    def call_at(self, when: float, callback: Callable[[], None], /) -> Any: ...


class Network(Protocol):
    """What the transport layer offers, as far as it is needed here."""

    def flow_to(self, transport: str, host: str, port: int, *, prefer: Flow | None = None) -> Flow: ...


class TransactionUser(Protocol):
    """Who decides what requests mean: the telephony on top."""

    def request(self, request: Request, flow: Flow) -> None:
        """A request that is no retransmission. Answered by `Endpoint.serve` and `respond`, or by `reply`."""

    def flow_lost(self, flow: Flow) -> None:
        """A connection ended. Requests of ours that waited on it have failed already."""

    def ack(self, ack: Request, flow: Flow) -> None:
        """The ACK of a 2xx, which is a request outside any transaction (RFC 3261 §13.2.2.4)."""
