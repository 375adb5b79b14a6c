"""Connections over TCP and TLS, on real sockets and a clock that the test turns."""

import asyncio
import os
import ssl

import pytest

from sip.errors import FlowClosed, TransportError
from sip.transport.connections import Limits
from sip.transport.sockets import listening_socket
from sip.transport.tcp import Connection
from tests.unit.sip.transport.conftest import Run, Tls
from tests.unit.sip.transport.peers import LOOPBACKS, Recorder, connected, exhaust, listening, message

NOBODY_EXEMPT: frozenset[str] = frozenset()
LARGE = b"x" * 100_000


class TestAccepted:
    @pytest.mark.parametrize("host", LOOPBACKS)
    def test_messages_arrive_and_answers_go_back(
        self, run: Run, transport: str, tls: Tls, client_tls: ssl.SSLContext | None, host: str
    ) -> None:
        async def scenario() -> None:
            recorder = Recorder(answer=lambda data: b"answer to " + data)
            async with (
                listening(transport, host, tls=tls.server, recorder=recorder) as server,
                connected(server.address, client_tls) as peer,
            ):
                one, two = message(b"one"), message(b"two")
                peer.send(one + two)
                expected = b"answer to " + one + b"answer to " + two
                assert await peer.receive(len(expected)) == expected
                data, flow = await recorder.message()
                assert data == one
                assert (flow.transport, flow.reliable, flow.closed) == (transport, True, False)
                assert (flow.local, flow.remote) == (server.address, peer.address)
                assert (await recorder.message())[1] is flow
                flow.send(b"x" * 300_000)
                assert await peer.receive(300_000) == b"x" * 300_000

        run(scenario())

    def test_message_in_any_two_pieces_arrives_whole(
        self, run: Run, transport: str, tls: Tls, client_tls: ssl.SSLContext | None
    ) -> None:
        async def scenario() -> None:
            recorder = Recorder(answer=lambda _: b"!")
            octets = message(b"body")
            async with (
                listening(transport, tls=tls.server, recorder=recorder) as server,
                connected(server.address, client_tls) as peer,
            ):
                for at in range(1, len(octets)):
                    peer.send(octets[:at])
                    await server.until(lambda: server.accepted[0]._framer.partial)
                    peer.send(octets[at:])
                    assert await peer.receive(1) == b"!"
                assert recorder.received_all == [octets] * (len(octets) - 1)

        run(scenario())

    def test_ping_is_answered_by_the_transport(
        self, run: Run, transport: str, tls: Tls, client_tls: ssl.SSLContext | None
    ) -> None:
        async def scenario() -> None:
            async with (
                listening(transport, tls=tls.server) as server,
                connected(server.address, client_tls) as peer,
            ):
                peer.send(b"\r\n\r\n")
                assert await peer.receive(2) == b"\r\n"
                assert server.recorder.received_all == []

        run(scenario())

    @pytest.mark.parametrize(
        "octets", [b"INVITE sip:1 SIP/2.0\r\n\r\n", b"\xff" * 70_000, os.urandom(500) + b"\r\n\r\n"]
    )
    def test_unframed_stream_is_answered_and_closed(
        self, run: Run, transport: str, tls: Tls, client_tls: ssl.SSLContext | None, octets: bytes
    ) -> None:
        async def scenario() -> None:
            async with (
                listening(transport, tls=tls.server) as server,
                connected(server.address, client_tls) as peer,
            ):
                peer.send(message() + octets)
                assert (await server.recorder.message())[0] == message()
                head, flow, error = await server.recorder.unframed()
                assert octets.startswith(head)
                assert error.status in (400, 513)
                assert (await peer.rest()).startswith(f"SIP/2.0 {error.status} ".encode())
                assert await server.recorder.lost() is flow
                assert server.table.counters.broken == 1

        run(scenario())

    def test_receiver_may_close_in_the_middle_of_what_came(
        self, run: Run, transport: str, tls: Tls, client_tls: ssl.SSLContext | None
    ) -> None:
        class Closing(Recorder):
            def received(self, data: bytes, flow: object) -> None:
                super().received(data, flow)  # type: ignore[arg-type]
                assert isinstance(flow, Connection)
                flow.close()

        async def scenario() -> None:
            recorder = Closing(answer=lambda _: b"only")
            async with (
                listening(transport, tls=tls.server, recorder=recorder) as server,
                connected(server.address, client_tls) as peer,
            ):
                peer.send(message() * 3)
                assert await peer.rest() == b"only"
                assert recorder.received_all == [message()]

        run(scenario())

    def test_flow_is_lost_once_when_the_peer_goes(
        self, run: Run, transport: str, tls: Tls, client_tls: ssl.SSLContext | None
    ) -> None:
        async def scenario() -> None:
            async with listening(transport, tls=tls.server) as server:
                async with connected(server.address, client_tls) as peer:
                    peer.send(message())
                    _, flow = await server.recorder.message()
                assert await server.recorder.lost() is flow
                assert flow.closed
                with pytest.raises(FlowClosed):
                    flow.send(b"too late")
                flow.close()
                await server.until(lambda: not len(server.table))
                assert server.recorder.lost_all == [flow]

        run(scenario())

    def test_receiver_hears_nothing_of_connections_that_said_nothing(
        self, run: Run, transport: str, tls: Tls, client_tls: ssl.SSLContext | None
    ) -> None:
        async def scenario() -> None:
            async with listening(transport, tls=tls.server) as server:
                async with connected(server.address, client_tls) as peer:
                    peer.send(b"half a mess")
                    await server.until(lambda: bool(server.accepted) and server.accepted[0]._framer.partial)
                await server.until(lambda: not len(server.table))
                assert server.recorder.lost_all == []

        run(scenario())

    def test_closing_lets_the_peer_have_what_was_sent(
        self, run: Run, transport: str, tls: Tls, client_tls: ssl.SSLContext | None
    ) -> None:
        async def scenario() -> None:
            async with (
                listening(transport, tls=tls.server) as server,
                connected(server.address, client_tls) as peer,
            ):
                peer.send(message())
                _, flow = await server.recorder.message()
                flow.send(LARGE * 8)
                flow.close()
                assert flow.closed
                with pytest.raises(FlowClosed):
                    flow.send(b"more")
                assert await peer.rest() == LARGE * 8
                assert await server.recorder.lost() is flow

        run(scenario())

    def test_peer_that_reads_too_slowly_is_given_up(
        self, run: Run, transport: str, tls: Tls, client_tls: ssl.SSLContext | None
    ) -> None:
        async def scenario() -> None:
            async with (
                listening(transport, tls=tls.server) as server,
                connected(server.address, client_tls) as peer,
            ):
                peer.send(message())
                _, flow = await server.recorder.message()
                with pytest.raises(TransportError, match="reads too slowly"):
                    exhaust(flow)
                assert flow.closed
                assert await server.recorder.lost() is flow
                assert server.table.counters.too_slow == 1

        run(scenario())

    def test_closed_connection_to_a_peer_that_reads_nothing_is_cut_off(
        self, run: Run, transport: str, tls: Tls, client_tls: ssl.SSLContext | None
    ) -> None:
        async def scenario() -> None:
            limits = Limits(unsent=100_000_000, farewell=5.0)
            async with (
                listening(transport, tls=tls.server, limits=limits) as server,
                connected(server.address, client_tls) as peer,
            ):
                peer.send(message())
                _, flow = await server.recorder.message()
                flow.send(LARGE * 200)
                flow.close()
                server.pass_time(4.9)
                assert server.recorder.lost_all == []
                server.pass_time(0.2)
                assert await server.recorder.lost() is flow

        run(scenario())


class TestDeadlines:
    LIMITS = Limits(handshake=10.0, message=30.0)

    def test_half_open_connection_is_closed(
        self, run: Run, transport: str, tls: Tls, client_tls: ssl.SSLContext | None
    ) -> None:
        """Over TLS it has not even shaken hands, so less time is given."""

        async def scenario() -> None:
            async with (
                listening(transport, tls=tls.server, limits=self.LIMITS) as server,
                connected(server.address) as peer,
            ):
                await server.until(lambda: len(server.table) == 1)
                server.pass_time(9.9 if transport == "TLS" else 29.9)
                assert server.table.counters.expired == 0
                server.pass_time(0.2)
                assert await peer.rest() == b""
                assert server.table.counters.expired == 1

        run(scenario())

    @pytest.mark.parametrize("octets", [message()[:-1], message(b"x" * 100)[:-1]], ids=["head", "body"])
    def test_connection_whose_first_message_never_ends_is_closed(
        self, run: Run, transport: str, tls: Tls, client_tls: ssl.SSLContext | None, octets: bytes
    ) -> None:
        async def scenario() -> None:
            async with (
                listening(transport, tls=tls.server, limits=self.LIMITS) as server,
                connected(server.address, client_tls) as peer,
            ):
                peer.send(octets[:-1])
                await server.until(lambda: bool(server.accepted) and server.accepted[0]._framer.partial)
                server.pass_time(20.0)
                peer.send(octets[-1:])
                server.pass_time(9.0)
                assert server.table.counters.expired == 0
                server.pass_time(2.0)
                await peer.rest()
                assert server.table.counters.expired == 1

        run(scenario())

    def test_connection_that_only_pings_is_closed(
        self, run: Run, transport: str, tls: Tls, client_tls: ssl.SSLContext | None
    ) -> None:
        async def scenario() -> None:
            async with (
                listening(transport, tls=tls.server, limits=self.LIMITS) as server,
                connected(server.address, client_tls) as peer,
            ):
                for _ in range(2):
                    peer.send(b"\r\n\r\n")
                    assert await peer.receive(2) == b"\r\n"
                    server.pass_time(14.9)
                assert server.table.counters.expired == 0
                server.pass_time(0.3)
                await peer.rest()
                assert server.table.counters.expired == 1

        run(scenario())

    def test_message_that_is_begun_later_must_end_too(
        self, run: Run, transport: str, tls: Tls, client_tls: ssl.SSLContext | None
    ) -> None:
        async def scenario() -> None:
            async with (
                listening(transport, tls=tls.server, limits=self.LIMITS) as server,
                connected(server.address, client_tls) as peer,
            ):
                peer.send(message())
                _, flow = await server.recorder.message()
                server.pass_time(1000.0)
                peer.send(message()[:10])
                await server.until(lambda: server.accepted[0]._framer.partial)
                server.pass_time(29.0)
                assert not flow.closed
                server.pass_time(2.0)
                assert await server.recorder.lost() is flow

        run(scenario())

    def test_phone_that_has_spoken_may_be_silent_for_days(
        self, run: Run, transport: str, tls: Tls, client_tls: ssl.SSLContext | None
    ) -> None:
        async def scenario() -> None:
            async with (
                listening(transport, tls=tls.server, limits=self.LIMITS) as server,
                connected(server.address, client_tls) as peer,
            ):
                peer.send(message())
                _, flow = await server.recorder.message()
                server.pass_time(500_000.0)
                flow.send(b"still there?")
                assert await peer.receive(12) == b"still there?"

        run(scenario())


class TestCrowds:
    def test_flood_of_half_open_connections_leaves_a_phone_alone(
        self, run: Run, transport: str, tls: Tls, client_tls: ssl.SSLContext | None
    ) -> None:
        async def scenario() -> None:
            limits = Limits(connections=20)
            async with (
                listening(transport, tls=tls.server, limits=limits) as server,
                connected(server.address, client_tls) as phone,
            ):
                phone.send(message())
                _, flow = await server.recorder.message()
                flood = [(await asyncio.open_connection(*server.address))[1] for _ in range(200)]
                await server.until(lambda: server.table.counters.accepted == 201)
                assert len(server.table) == 20
                assert server.table.counters.shed == 181
                flow.send(b"unharmed")
                assert await phone.receive(8) == b"unharmed"
                for writer in flood:
                    writer.close()

        run(scenario())

    def test_one_address_gets_its_share(
        self, run: Run, transport: str, tls: Tls, client_tls: ssl.SSLContext | None
    ) -> None:
        async def scenario() -> None:
            limits = Limits(per_host=2, unlimited_hosts=NOBODY_EXEMPT)
            async with (
                listening(transport, tls=tls.server, limits=limits) as server,
                connected(server.address, client_tls) as one,
            ):
                one.send(message())
                await server.recorder.message()
                async with connected(server.address, client_tls) as two, connected(server.address, client_tls) as three:
                    assert await two.rest() == b""
                    for peer in (one, three):
                        peer.send(message())
                        await server.recorder.message()

        run(scenario())


@pytest.mark.parametrize(
    "octets",
    [message(), bytes(range(256)), b"\x16\x03\x01\xff\xff" * 100],
    ids=["plain SIP", "garbage", "endless hello"],
)
def test_garbage_instead_of_tls_ends_the_connection(run: Run, tls: Tls, octets: bytes) -> None:
    async def scenario() -> None:
        async with listening("TLS", tls=tls.server) as server, connected(server.address) as peer:
            peer.send(octets)
            await peer.rest()
            await server.until(lambda: not len(server.table))
            assert server.recorder.received_all == []
            assert server.table.counters.broken == 1

    run(scenario())


def test_garbage_after_the_handshake_ends_the_connection(run: Run, tls: Tls) -> None:
    async def scenario() -> None:
        async with listening("TLS", tls=tls.server) as server, connected(server.address, tls.client) as peer:
            peer.send(message())
            _, flow = await server.recorder.message()
            assert isinstance(flow, Connection)
            flow.data_received(b"\x17\x03\x03\x00\x20" + os.urandom(32))
            assert await server.recorder.lost() is flow
            assert server.table.counters.broken == 1
            await peer.rest()

    run(scenario())


def test_address_in_use_is_an_error() -> None:
    with listening_socket("127.0.0.1", 0) as first, pytest.raises(OSError, match="in use"):
        listening_socket(*first.getsockname())
