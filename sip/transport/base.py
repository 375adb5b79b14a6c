"""What every transport offers: flows to send on, and a receiver to deliver to.

A flow is the network path by which one peer reaches us (RFC 5626 §1): for UDP the pair of addresses, for the
others the connection. Requests and responses go out on flows only.
"""

from typing import Protocol

from sip.errors import FlowClosed, ParseError

RELIABLE = frozenset(("TCP", "TLS", "WS", "WSS"))
SECURE = frozenset(("TLS", "WSS"))
DEFAULT_PORT = {"UDP": 5060, "TCP": 5060, "TLS": 5061, "WS": 80, "WSS": 443}

Address = tuple[str, int]


class Flow(Protocol):
    """One network path to a peer.

    Two flows are the same path when they compare equal. Addresses are (host, port), IPv6 hosts without brackets,
    IPv4-mapped ones as IPv4.
    """

    @property
    def transport(self) -> str:
        """The Via token: UDP, TCP, TLS, WS, WSS."""

    @property
    def local(self) -> Address:
        """Where this peer finds us: what belongs into Via and Contact.

        For a connection that we opened this is our listening port, not the one that the connection came from.
        """

    @property
    def remote(self) -> Address:
        """Where the peer's messages come from."""

    @property
    def reliable(self) -> bool:
        """Whether the transport retransmits for us, so that timers A, E and G stay off."""

    @property
    def closed(self) -> bool:
        """Whether nothing can be sent any more; always False for UDP."""

    def send(self, data: bytes) -> None:
        """Sends one message, at once or when the connection is up.

        Raises FlowClosed when the flow is gone, TransportError when the peer reads too slowly and its buffer
        is full, which also ends the connection. A datagram that the kernel refuses is counted and lost, as if by
        the network.
        """

    def close(self) -> None:
        """Closes a connection when everything is sent; nothing to do for UDP."""


class LostFlow:
    """A connection that ended before our start: who it led to is known, not how to reach them now."""

    __slots__ = ("local", "remote", "transport")

    reliable = True
    closed = True

    def __init__(self, transport: str, local: Address, remote: Address) -> None:
        self.transport = transport
        self.local = local
        self.remote = remote

    def send(self, data: bytes) -> None:  # noqa: ARG002 - the signature of a flow
        """Raises FlowClosed."""
        raise FlowClosed(f"the connection to {self.remote[0]} ended before the start")

    def close(self) -> None:
        """It is closed."""


class Gate(Protocol):
    """Whom a socket asks before it delivers a datagram, when there is too much of everything."""

    def admits(self, host: str, port: int) -> bool:
        """Whether a datagram from there is delivered. Must not raise."""


class Receiver(Protocol):
    """Whom transports deliver to: the endpoint. None of these may raise."""

    def received(self, data: bytes, flow: Flow) -> None:
        """One whole message: a datagram, or a message framed on a stream or WebSocket."""

    def malformed(self, data: bytes, flow: Flow, error: ParseError) -> None:
        """A stream that can't be framed any further: `data` is the head that was readable, perhaps without its end.

        The transport closes the connection after this call returns, with what was sent in it.
        """

    def undelivered(self, data: bytes, flow: Flow) -> None:
        """A datagram that was sent on this flow came to nobody, by an ICMP error: `data` is its beginning."""

    def flow_lost(self, flow: Flow) -> None:
        """A connection ended, or could not be made. Told of connections that have delivered or were asked for."""
