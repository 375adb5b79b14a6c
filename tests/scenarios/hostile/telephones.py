"""Scripted phones on the real network, so that what a person sees of an attacked server can be asserted.

The phones are those of `tests/support/phones.py`; here are the sockets and the clock that they stand on in place of the
wire in memory. Everything runs in the thread of the test, whenever it waits.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from sip.errors import FlowClosed
from sip.framing import StreamFramer
from sip.transport.base import Address, Receiver
from tests.scenarios.hostile.attackers import OWN_HOST, PATIENCE, address_of
from tests.support.clock import FakeClock
from tests.support.phones import Phone, Sent
from tests.support.server import Server
from tests.support.talks import Talk

LOOK_AGAIN = 0.005  # s; how late timers of phones may be


class RealFlow:
    """A socket on the way to the server, shared by all that goes there."""

    def __init__(self, transport: str, local: Address, remote: Address, stream: socket.socket) -> None:
        self.transport = transport
        self.reliable = transport != "UDP"
        self.local = local
        self.remote = remote
        self.closed = False
        self.socket = stream
        self.framer = StreamFramer(opened=True)

    def send(self, data: bytes) -> None:
        """Raises FlowClosed."""
        try:
            if self.reliable:
                self.socket.sendall(data)
            else:
                self.socket.sendto(data, self.remote)
        except OSError as error:
            self.closed = True
            raise FlowClosed(str(error)) from None


class Station:
    """A phone's place on the network."""

    def __init__(self, network: Network, receiver: Receiver, address: Address) -> None:
        self._network = network
        self._receiver = receiver
        self._address = address

    def flow_to(self, transport: str, host: str, port: int) -> RealFlow:
        """A new socket; for UDP the one that listens at the phone's address."""
        if transport == "UDP":
            stream = self._network.datagrams.pop(self._address)
        else:
            stream = socket.create_connection((host, port), PATIENCE, source_address=(self._address[0], 0))
        flow = RealFlow(transport, stream.getsockname(), (host, port), stream)
        self._network.watch(flow, self._receiver)
        return flow


class RealClock(FakeClock):
    """Its seconds pass by themselves. So `advance` waits for nothing: a test waits by `Network.until`."""

    def __init__(self) -> None:
        super().__init__(time.monotonic())

    def time(self) -> float:
        return time.monotonic()

    def advance(self, seconds: float) -> None:
        """Runs what is due."""
        super().advance(max(time.monotonic() - self._now, 0.0))


class Network:
    """Stands in for `tests.support.wire.Wire`, as far as phones need one."""

    def __init__(self) -> None:
        self.clock = RealClock()
        self.datagrams: dict[Address, socket.socket] = {}  # bound, and no phone's yet
        self._selector = selectors.DefaultSelector()

    def place(self, host: str) -> Address:
        """An address at which a phone can be put."""
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        datagrams.bind((host, 0))
        address: Address = datagrams.getsockname()
        self.datagrams[address] = datagrams
        return address

    def attach(self, receiver: Receiver, host: str, port: int) -> Station:
        return Station(self, receiver, (host, port))

    def watch(self, flow: RealFlow, receiver: Receiver) -> None:
        self._selector.register(flow.socket, selectors.EVENT_READ, (flow, receiver))

    def until(self, condition: Callable[[], object], what: str, timeout: float = PATIENCE) -> None:
        """Lets phones act until something is so. Raises AssertionError when it is not in time."""
        deadline = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < deadline, f"not in {timeout:g} s: {what}"
            self._pump(LOOK_AGAIN)

    def close(self) -> None:
        for unused in self.datagrams.values():
            unused.close()
        for key in list(self._selector.get_map().values()):
            key.data[0].socket.close()
        self._selector.close()

    def _pump(self, seconds: float) -> None:
        """Reads what has come, having waited for it at most so long."""
        self.clock.advance(0.0)
        for key, _ in self._selector.select(seconds):
            flow, receiver = key.data
            try:
                data = flow.socket.recv(65_536)
            except OSError:  # an ICMP error for a datagram, a connection that was reset
                data = b""
            if not flow.reliable:
                if data:
                    receiver.received(data, flow)
                continue
            if not data:
                flow.closed = True
                self._selector.unregister(flow.socket)
                flow.socket.close()
            for message in flow.framer.receive(data):
                if isinstance(message, bytes):
                    receiver.received(message, flow)


class Telephones:
    """Phones of a server's users, each on a port of its own. `udp` is where they find it instead of by its address."""

    def __init__(self, server: Server, host: str = OWN_HOST, *, udp: str | None = None) -> None:
        self.server = server
        self.host = host
        self._udp = udp
        self.network = Network()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.network.close()

    def phone(self, number: str, transport: str = "UDP", *, password: str | None = None) -> Phone:
        """A phone that has not registered."""
        found = self._udp if transport == "UDP" and self._udp else getattr(self.server, transport.lower())
        phone = Phone(
            self.network,  # type: ignore[arg-type]
            *self.network.place(self.host),
            server=address_of(found),
            domain=self.server.domain,
            name=number,
            transport=transport,
        )
        phone.password = password or self.server.password(number)
        return phone

    def registered(self, number: str, transport: str = "UDP") -> Phone:
        """A phone that has."""
        phone = self.phone(number, transport)
        assert self.status(phone.register()) == 200
        return phone

    def status(self, sent: Sent) -> int:
        """Of the final response that a person's phone makes something of: after the challenge was answered."""

        def done() -> bool:
            latest = sent.latest
            return latest.status not in (0, 401, 407) or (latest.status > 0 and latest.sign is None)

        self.network.until(done, f"a final response to {sent.request!r}")
        return sent.latest.status

    def outcome(self, talk: Talk) -> int:
        """Of a call that was made."""
        self.network.until(lambda: talk.final, "the call's final answer")
        return talk.answered.status

    def connected(self, caller: Phone, callee: Phone) -> tuple[Talk, Talk]:
        """A call between two registered phones, answered and acknowledged: both ends of it."""
        outgoing = caller.call(callee.number)
        self.network.until(lambda: callee.rings, f"the phone of {callee.number} rings")
        incoming = callee.rung()
        incoming.answer()
        self.network.until(lambda: outgoing.live and incoming.acks, "the call is up")
        return outgoing, incoming

    def hang_up(self, talk: Talk, other: Talk) -> None:
        """One end of a call says goodbye, and the other one hears it."""
        assert self.status(talk.bye()) == 200
        self.network.until(lambda: other.ended, "the other end hears the BYE")
