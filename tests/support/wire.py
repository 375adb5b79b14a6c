"""A network in memory that loses, delays, doubles and reorders datagrams as a test says, on a fake clock.

Stations stand at addresses and are joined by flows. Datagrams suffer what the wire's patterns say; connections
deliver everything in order until they are cut. Nothing is random and nothing sleeps.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sip.endpoint import Endpoint
from sip.errors import FlowClosed
from sip.message import Request, Response, respond
from sip.timers import Timers
from sip.transaction.server import ServerTransaction
from sip.transport.base import Address, Flow, Receiver
from tests.support.clock import FakeClock


class FakeFlow:
    """One end of a path between two stations; equal by what it joins, a connection by itself."""

    def __init__(self, wire: "Wire", transport: str, local: Address, remote: Address) -> None:
        self.wire = wire
        self.transport = transport
        self.local = local
        self.remote = remote
        self.reliable = transport != "UDP"
        self.closed = False
        self.other: FakeFlow = self  # of a connection: its other end

    def send(self, data: bytes) -> None:
        """Raises FlowClosed."""
        if self.closed:
            raise FlowClosed(f"the connection to {self.remote[0]} is gone")
        self.wire.carry(data, self)

    def close(self) -> None:
        if self.reliable:
            self.wire.cut(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FakeFlow):
            return NotImplemented
        if self.reliable or other.reliable:
            return self is other
        return (self.local, self.remote) == (other.local, other.remote)

    def __hash__(self) -> int:
        return hash((self.transport, self.local, self.remote))

    def __repr__(self) -> str:
        return f"<FakeFlow {self.transport} {self.local} {self.remote}>"


@dataclass(frozen=True, slots=True)
class Packet:
    """One message that somebody sent. `lost` when nobody got it."""

    time: float
    source: Address
    destination: Address
    transport: str
    data: bytes
    lost: bool

    @property
    def what(self) -> str:
        """The method of a request or the status of a response."""
        first, second = self.data.split(b" ", 2)[:2]
        return (second if first == b"SIP/2.0" else first).decode()


class Inbox:
    """A receiver that only keeps what comes."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.lost: list[Flow] = []

    def received(self, data: bytes, flow: Flow) -> None:
        self.messages.append(data)

    def malformed(self, data: bytes, flow: Flow, error: Exception) -> None:
        raise AssertionError("the wire frames nothing")

    def undelivered(self, data: bytes, flow: Flow) -> None:
        raise AssertionError("the wire tells nobody")

    def flow_lost(self, flow: Flow) -> None:
        self.lost.append(flow)


class Station:
    """Somebody at an address: a receiver, and the network as seen from there (`sip.endpoint.Network`).

    `refuses` names the transports that cannot be connected to.
    """

    def __init__(self, wire: "Wire", receiver: Receiver, address: Address) -> None:
        self.wire = wire
        self.receiver = receiver
        self.address = address
        self.refuses: set[str] = set()

    def flow_to(self, transport: str, host: str, port: int, *, prefer: Flow | None = None) -> FakeFlow:
        """A flow to that address; a connection is opened anew each time."""
        flow = FakeFlow(self.wire, transport, self.address, (host, port))
        if transport != "UDP":
            self.wire.connect(flow)
        return flow


class Wire:
    """Joins stations. The patterns are read one value a datagram, in the order of sending, and are over once.

    `loss`: 1 loses it. `duplicate`: 1 delivers it twice. `reorder`: 1 delivers it after its successor. Every message
    takes `delay` seconds, of which none pass before `FakeClock.advance`. `log` has all that was sent.
    """

    def __init__(
        self,
        clock: FakeClock,
        *,
        loss: Sequence[int] = (),
        delay: float = 1 / 32,
        duplicate: Sequence[int] = (),
        reorder: Sequence[int] = (),
    ) -> None:
        self.clock = clock
        self.delay = delay
        self.log: list[Packet] = []
        self._loss = list(loss)
        self._duplicate = list(duplicate)
        self._reorder = list(reorder)
        self._datagrams = 0
        self._held: list[tuple[bytes, FakeFlow]] = []
        self._stations: dict[Address, Station] = {}

    def attach(self, receiver: Receiver, host: str, port: int = 5060) -> Station:
        """Puts a receiver at an address."""
        address = (host, port)
        station = self._stations[address] = Station(self, receiver, address)
        return station

    def carry(self, data: bytes, flow: FakeFlow) -> None:
        """Takes a message that was sent on a flow."""
        if flow.reliable:
            self._note(data, flow, lost=flow.other is flow)  # where nobody takes the connection, it is never sent
            self._later(lambda: self._deliver(data, flow))
            return
        position = self._datagrams
        self._datagrams += 1
        lost = _at(self._loss, position)
        self._note(data, flow, lost)
        held, self._held = self._held, []
        if lost:
            pass
        elif _at(self._reorder, position):
            self._held.append((data, flow))
        else:
            for _ in range(2 if _at(self._duplicate, position) else 1):
                self._later(lambda: self._deliver(data, flow))
        for earlier, its_flow in held:
            self._later(lambda earlier=earlier, its_flow=its_flow: self._deliver(earlier, its_flow))  # type: ignore[misc]

    def connect(self, flow: FakeFlow) -> None:
        """Opens a connection. Where nobody takes it, its opener is told that it is lost."""
        station = self._stations.get(flow.remote)
        if station is None or flow.transport in station.refuses:
            self._later(lambda: self.cut(flow))
            return
        flow.other = FakeFlow(self, flow.transport, flow.remote, flow.local)
        flow.other.other = flow

    def cut(self, flow: FakeFlow) -> None:
        """Ends a connection: both sides are told, and what is under way is lost."""
        for end in {id(flow): flow, id(flow.other): flow.other}.values():
            if not end.closed:
                end.closed = True
                station = self._stations.get(end.local)
                if station is not None:
                    station.receiver.flow_lost(end)

    def transcript(self, since: int = 0) -> list[str]:
        """What was sent, in short: `INVITE`, `180`, and `(200)` for what was lost."""
        return [f"({packet.what})" if packet.lost else packet.what for packet in self.log[since:]]

    def times(self, what: str) -> list[float]:
        """When each message of this kind was sent, counted from the first one."""
        times = [packet.time for packet in self.log if packet.what == what]
        return [time - times[0] for time in times]

    def _later(self, callback: Callable[[], None]) -> None:
        self.clock.call_at(self.clock.time() + self.delay, callback)

    def _note(self, data: bytes, flow: FakeFlow, lost: bool) -> None:
        self.log.append(Packet(self.clock.time(), flow.local, flow.remote, flow.transport, data, lost))

    def _deliver(self, data: bytes, flow: FakeFlow) -> None:
        if flow.reliable:
            if not flow.other.closed and flow.other is not flow:
                self._stations[flow.remote].receiver.received(data, flow.other)
            return
        station = self._stations.get(flow.remote)
        if station is not None:
            station.receiver.received(data, FakeFlow(self, "UDP", flow.remote, flow.local))


def _at(pattern: list[int], position: int) -> bool:
    return position < len(pattern) and bool(pattern[position])


@dataclass
class User:
    """A transaction user that keeps what it is told; `on_request` says what it does."""

    on_request: Callable[[Request, Flow], None] | None = None
    requests: list[Request] = field(default_factory=list)
    acks: list[Request] = field(default_factory=list)

    def request(self, request: Request, flow: Flow) -> None:
        self.requests.append(request)
        if self.on_request is not None:
            self.on_request(request, flow)

    def flow_lost(self, flow: Flow) -> None:
        """Nobody needs to know."""

    def ack(self, ack: Request, flow: Flow) -> None:
        self.acks.append(ack)


class Party:
    """An endpoint with its user at an address of a wire."""

    def __init__(
        self, wire: Wire, host: str, port: int = 5060, *, timers: Timers | None = None, most: int = 1000
    ) -> None:
        self.endpoint = Endpoint(wire.clock, timers=timers, most_transactions=most)
        self.user = User()
        self.endpoint.user = self.user
        self.station = wire.attach(self.endpoint, host, port)
        self.endpoint.network = self.station
        self.responses: list[Response] = []
        self.served: list[ServerTransaction] = []

    def flow_to(self, other: "Party", transport: str = "UDP") -> FakeFlow:
        return self.station.flow_to(transport, *other.station.address)

    def answers(self, *statuses: int) -> None:
        """From now on every request is served, and answered with these statuses at once."""

        def on_request(request: Request, flow: Flow) -> None:
            transaction = self.endpoint.serve(request, flow)
            self.served.append(transaction)
            for status in statuses:
                self.endpoint.respond(transaction, respond(request, status, to_tag="theirs"))

        self.user.on_request = on_request

    @property
    def statuses(self) -> list[int]:
        """Of the responses that came to `responses`, in order."""
        return [response.status for response in self.responses]

    def at_rest(self) -> bool:
        """Whether the endpoint remembers nothing and waits for nothing."""
        endpoint = self.endpoint
        return not (endpoint._servers or endpoint._clients or endpoint._by_flow or len(endpoint._queues))
