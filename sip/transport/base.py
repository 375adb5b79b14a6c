"""What every transport offers: flows to send on, and a receiver to deliver to.

A flow is the network path by which one peer reaches us (RFC 5626 §1): for UDP the pair of addresses, for the
others the connection. Requests and responses go out on flows only.
"""

from typing import Protocol

from sip.errors import ParseError

RELIABLE = frozenset(("TCP", "TLS", "WS", "WSS"))
SECURE = frozenset(("TLS", "WSS"))
DEFAULT_PORT = {"UDP": 5060, "TCP": 5060, "TLS": 5061, "WS": 80, "WSS": 443}

Address = tuple[str, int]


class Flow(Protocol):
    """One network path to a peer.

    `transport` is the Via token (UDP, TCP, TLS, WS, WSS); `local` and `remote` are (host, port), IPv6 hosts
    without brackets, IPv4-mapped ones as IPv4. Two flows are the same path when they compare equal.
    """

    transport: str
    local: Address
    remote: Address

    @property
    def reliable(self) -> bool:
        """Whether the transport retransmits for us, so that timers A, E and G stay off."""

    @property
    def closed(self) -> bool:
        """Whether nothing can be sent any more; always False for UDP."""

    def send(self, data: bytes) -> None:
        """Sends one message, at once or when the connection is up.

        Raises FlowClosed when the flow is gone, TransportError when the peer reads too slowly and its buffer
        is full. A datagram that the kernel refuses is counted and lost, as if by the network.
        """

    def close(self) -> None:
        """Closes a connection; nothing to do for UDP."""


class Receiver(Protocol):
    """Whom transports deliver to: the endpoint."""

    def received(self, data: bytes, flow: Flow) -> None:
        """One whole message: a datagram, or a message framed on a stream or WebSocket."""

    def malformed(self, data: bytes, flow: Flow, error: ParseError) -> None:
        """A stream that can't be framed any further: `data` is the head that was readable.

        The transport closes the connection after this call returns, with what was sent in it.
        """

    def flow_lost(self, flow: Flow) -> None:
        """A connection ended, or could not be made."""
