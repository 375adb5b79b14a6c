"""SIP over WebSocket, on real sockets and a clock that the test turns."""

import ssl

import pytest

from sip.errors import FlowClosed, TransportError
from sip.transport.connections import Limits
from sip.transport.frames import Close, Opcode, Ping, Pong, encode_frame
from sip.transport.websocket import WebSocketConnection
from tests.unit.sip.transport.conftest import Run, Tls
from tests.unit.sip.transport.peers import Recorder, connected, exhaust, listening, message, web_socket

HANDSHAKE = (
    b"GET /sip HTTP/1.1\r\nHost: pbx.example.org\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: sip\r\nOrigin: https://pbx.example.org\r\n\r\n"
)


@pytest.fixture(params=["WS", "WSS"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def client_tls(transport: str, tls: Tls) -> ssl.SSLContext | None:
    return tls.client if transport == "WSS" else None


def test_messages_arrive_and_answers_go_back(
    run: Run, transport: str, tls: Tls, client_tls: ssl.SSLContext | None
) -> None:
    async def scenario() -> None:
        recorder = Recorder(answer=lambda data: b"answer to " + data)
        async with (
            listening(transport, tls=tls.server, recorder=recorder) as server,
            web_socket(server.address, client_tls) as peer,
        ):
            for opcode, octets in ((Opcode.TEXT, "имя".encode()), (Opcode.BINARY, b"\xff\0")):
                peer.send_frame(opcode, message(octets))
                assert await peer.event() == b"answer to " + message(octets)
                data, flow = await recorder.message()
                assert data == message(octets)
            assert isinstance(flow, WebSocketConnection)
            assert (flow.transport, flow.reliable, flow.closed) == (transport, True, False)
            assert (flow.local, flow.remote) == (server.address, peer.address)
            flow.send(message(b"x" * 200_000))
            assert await peer.event() == message(b"x" * 200_000)

    run(scenario())


def test_flow_tells_what_was_asked_for(run: Run, transport: str, tls: Tls, client_tls: ssl.SSLContext | None) -> None:
    async def scenario() -> None:
        async with (
            listening(transport, tls=tls.server) as server,
            connected(server.address, client_tls) as peer,
        ):
            peer.send(HANDSHAKE + encode_frame(Opcode.TEXT, message(), b"mask"))
            assert (await peer.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
            data, flow = await server.recorder.message()
            assert data == message()
            assert isinstance(flow, WebSocketConnection)
            assert flow.handshake is not None
            assert (flow.handshake.path, flow.handshake.origin) == ("/sip", "https://pbx.example.org")

    run(scenario())


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (HANDSHAKE.replace(b"Protocol: sip", b"Protocol: chat"), b"400"),
        (message(), b"400"),
        (b"\r\n\r\n", b"400"),
        (b"x" * 9000, b"431"),
        (HANDSHAKE.replace(b"Version: 13", b"Version: 7"), b"426"),
    ],
)
def test_other_requests_are_refused_and_the_connection_closed(
    run: Run, transport: str, tls: Tls, client_tls: ssl.SSLContext | None, octets: bytes, status: bytes
) -> None:
    async def scenario() -> None:
        async with (
            listening(transport, tls=tls.server) as server,
            connected(server.address, client_tls) as peer,
        ):
            peer.send(octets)
            assert (await peer.rest()).startswith(b"HTTP/1.1 " + status)
            await server.until(lambda: not len(server.table))
            assert server.recorder.lost_all == []
            assert server.table.counters.broken == 1

    run(scenario())


def test_ping_is_answered_with_its_payload(
    run: Run, transport: str, tls: Tls, client_tls: ssl.SSLContext | None
) -> None:
    async def scenario() -> None:
        async with (
            listening(transport, tls=tls.server) as server,
            web_socket(server.address, client_tls) as peer,
        ):
            peer.send_frame(Opcode.PING, b"payload")
            assert await peer.event() == Pong(b"payload")

    run(scenario())


def test_empty_lines_are_keep_alives_of_clients_without_ping_frames(run: Run) -> None:
    async def scenario() -> None:
        async with listening("WS") as server, web_socket(server.address) as peer:
            peer.send_frame(Opcode.TEXT, b"\r\n")
            peer.send_frame(Opcode.TEXT, b"\r\n\r\n")
            assert await peer.event() == b"\r\n"
            peer.send_frame(Opcode.TEXT, message())
            await server.recorder.message()
            assert server.recorder.received_all == [message()]

    run(scenario())


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (encode_frame(Opcode.TEXT, b"no mask"), 1002),
        (encode_frame(Opcode.TEXT, b"\xff", b"mask"), 1007),
        (bytes.fromhex("82ff0000000040000000"), 1009),
        (b"\xff" * 100, 1002),
        (message(), 1002),
    ],
)
def test_broken_frames_are_answered_with_their_code_and_the_connection_closed(
    run: Run, transport: str, tls: Tls, client_tls: ssl.SSLContext | None, octets: bytes, code: int
) -> None:
    async def scenario() -> None:
        async with (
            listening(transport, tls=tls.server) as server,
            web_socket(server.address, client_tls) as peer,
        ):
            peer.send_frame(Opcode.TEXT, message())
            _, flow = await server.recorder.message()
            peer.send(octets)
            event = await peer.event()
            assert isinstance(event, Close)
            assert event.code == code
            assert await server.recorder.lost() is flow
            assert server.table.counters.broken == 1

    run(scenario())


def test_farewell_is_returned(run: Run, transport: str, tls: Tls, client_tls: ssl.SSLContext | None) -> None:
    async def scenario() -> None:
        async with (
            listening(transport, tls=tls.server) as server,
            web_socket(server.address, client_tls) as peer,
        ):
            peer.send_frame(Opcode.TEXT, message())
            _, flow = await server.recorder.message()
            peer.send_frame(Opcode.CLOSE, b"\x03\xe8bye")
            assert await peer.event() == Close(1000, "bye")
            with pytest.raises(EOFError):
                await peer.event()
            assert await server.recorder.lost() is flow
            assert server.table.counters.broken == 0

    run(scenario())


def test_closed_flow_says_farewell(run: Run, transport: str, tls: Tls, client_tls: ssl.SSLContext | None) -> None:
    async def scenario() -> None:
        async with (
            listening(transport, tls=tls.server) as server,
            web_socket(server.address, client_tls) as peer,
        ):
            peer.send_frame(Opcode.TEXT, message())
            _, flow = await server.recorder.message()
            flow.send(message(b"last"))
            flow.close()
            with pytest.raises(FlowClosed):
                flow.send(message())
            assert await peer.event() == message(b"last")
            assert await peer.event() == Close(1001, "")
            assert await server.recorder.lost() is flow

    run(scenario())


def test_peer_that_reads_too_slowly_is_given_up(run: Run) -> None:
    async def scenario() -> None:
        async with listening("WS") as server, web_socket(server.address) as peer:
            peer.send_frame(Opcode.TEXT, message())
            _, flow = await server.recorder.message()
            with pytest.raises(TransportError, match="reads too slowly"):
                exhaust(flow)
            assert await server.recorder.lost() is flow

    run(scenario())


class TestDeadlines:
    LIMITS = Limits(handshake=10.0, message=30.0, ping=25.0)

    @pytest.mark.parametrize("octets", [b"G", HANDSHAKE[:-1]])
    def test_handshake_must_end(self, run: Run, octets: bytes) -> None:
        async def scenario() -> None:
            async with listening("WS", limits=self.LIMITS) as server, connected(server.address) as peer:
                peer.send(octets)
                await server.until(lambda: len(server.table) == 1)
                server.pass_time(9.9)
                assert server.table.counters.expired == 0
                server.pass_time(0.2)
                await peer.rest()
                assert server.table.counters.expired == 1

        run(scenario())

    @pytest.mark.parametrize(
        "octets", [encode_frame(Opcode.PING, b"", b"mask"), b"\x81", b"\x01\x81mask\x21"], ids=["ping", "frame", "part"]
    )
    def test_message_must_come_and_end(self, run: Run, octets: bytes) -> None:
        async def scenario() -> None:
            async with listening("WS", limits=self.LIMITS) as server, web_socket(server.address) as peer:
                peer.send(octets)
                server.pass_time(24.0)
                server.pass_time(5.9)
                assert server.table.counters.expired == 0
                server.pass_time(0.2)
                await peer.rest()
                assert server.table.counters.expired == 1

        run(scenario())

    def test_silent_peer_is_pinged_and_kept_while_it_answers(self, run: Run) -> None:
        async def scenario() -> None:
            async with listening("WS", limits=self.LIMITS) as server, web_socket(server.address) as peer:
                peer.send_frame(Opcode.TEXT, message())
                _, flow = await server.recorder.message()
                for _ in range(3):
                    server.pass_time(24.9)
                    server.pass_time(0.2)
                    assert await peer.event() == Ping(b"")
                    peer.send_frame(Opcode.PONG, b"")
                    await server.until(lambda: not server.accepted[0]._pinged)  # type: ignore[attr-defined]
                assert not flow.closed

        run(scenario())

    def test_peer_that_leaves_a_ping_unanswered_is_given_up(self, run: Run) -> None:
        async def scenario() -> None:
            async with listening("WS", limits=self.LIMITS) as server, web_socket(server.address) as peer:
                peer.send_frame(Opcode.TEXT, message())
                _, flow = await server.recorder.message()
                server.pass_time(25.1)
                assert await peer.event() == Ping(b"")
                server.pass_time(24.8)
                assert not flow.closed
                server.pass_time(0.2)
                assert await server.recorder.lost() is flow
                assert server.table.counters.expired == 1

        run(scenario())
