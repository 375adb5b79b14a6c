"""Connections that we open, over TCP and TLS, on real sockets and a clock that the test turns."""

import ssl

import pytest

from sip.errors import FlowClosed, TransportError
from sip.transport.base import Address
from sip.transport.connections import Limits
from sip.transport.sockets import listening_socket
from sip.transport.tcp import Connection
from tests.unit.sip.transport.conftest import Run, Tls
from tests.unit.sip.transport.peers import Listening, Recorder, listening, message


class TestOpened:
    """The same class on the side that connects."""

    def test_message_sent_before_the_connection_stands_arrives(
        self, run: Run, transport: str, tls: Tls, client_tls: ssl.SSLContext | None
    ) -> None:
        async def scenario() -> None:
            recorder = Recorder(answer=lambda _: message(b"reply"))
            async with listening(transport, tls=tls.server, recorder=recorder) as server:
                ours = Recorder()
                async with listening("TCP", recorder=ours) as client:
                    flow = opened(client, transport, server.address, client_tls)
                    assert (flow.transport, flow.remote, flow.local) == (transport, server.address, ("192.0.2.1", 5060))
                    flow.send(message(b"one"))
                    flow.send(message(b"two"))
                    assert await recorder.messages(2) == [message(b"one"), message(b"two")]
                    assert await ours.message() == (message(b"reply"), flow)
                    client.pass_time(1000.0)
                    assert not flow.closed
                    flow.close()
                    assert await ours.lost() is flow

        run(scenario())

    def test_pong_is_no_message_and_not_answered(
        self, run: Run, transport: str, tls: Tls, client_tls: ssl.SSLContext | None
    ) -> None:
        async def scenario() -> None:
            recorder = Recorder(answer=lambda _: b"\r\n\r\n" + message(b"reply"))
            async with (
                listening(transport, tls=tls.server, recorder=recorder) as server,
                listening("TCP") as client,
            ):
                flow = opened(client, transport, server.address, client_tls)
                flow.send(message())
                assert (await client.recorder.message())[0] == message(b"reply")
                flow.send(message(b"again"))
                assert await recorder.messages(2) == [message(), message(b"again")]

        run(scenario())

    def test_refused_connection_is_a_lost_flow(
        self, run: Run, transport: str, client_tls: ssl.SSLContext | None
    ) -> None:
        async def scenario() -> None:
            with listening_socket("127.0.0.1", 0) as gone:
                address = gone.getsockname()
            async with listening("TCP") as client:
                flow = opened(client, transport, address, client_tls)
                flow.send(message())
                assert await client.recorder.lost() is flow
                assert flow.closed
                assert len(client.table) == 0
                with pytest.raises(FlowClosed):
                    flow.send(message())

        run(scenario())

    def test_connection_that_takes_too_long_is_a_lost_flow(
        self, run: Run, transport: str, client_tls: ssl.SSLContext | None
    ) -> None:
        async def scenario() -> None:
            async with listening("TCP", limits=Limits(connect=8.0)) as client:
                flow = opened(client, transport, ("127.0.0.1", 9), client_tls)
                client.pass_time(7.9)
                assert not flow.closed
                client.pass_time(0.2)
                assert await client.recorder.lost() is flow
                assert client.recorder.lost_all == [flow]

        run(scenario())

    def test_server_that_never_shakes_hands_is_a_lost_flow(self, run: Run, tls: Tls) -> None:
        async def scenario() -> None:
            async with listening("TCP") as server, listening("TCP", limits=Limits(connect=8.0)) as client:
                flow = opened(client, "TLS", server.address, tls.client)
                await server.until(lambda: bool(server.accepted) and server.accepted[0]._framer.partial)
                client.pass_time(8.1)
                assert await client.recorder.lost() is flow

        run(scenario())

    @pytest.mark.parametrize(
        ("trusting", "name"), [(False, None), (True, "pbx.example.com")], ids=["unknown authority", "other name"]
    )
    def test_server_that_is_not_who_it_should_be_is_told_nothing(
        self, run: Run, tls: Tls, trusting: bool, name: str | None
    ) -> None:
        async def scenario() -> None:
            async with listening("TLS", tls=tls.server) as server, listening("TCP") as client:
                flow = opened(client, "TLS", server.address, tls.client if trusting else tls.stranger, name)
                flow.send(message())
                assert await client.recorder.lost() is flow
                await server.until(lambda: bool(server.accepted) and server.accepted[0].closed)
                assert server.recorder.received_all == []
                assert client.table.counters.broken == 1

        run(scenario())

    def test_what_waits_for_the_connection_is_bounded(
        self, run: Run, transport: str, client_tls: ssl.SSLContext | None
    ) -> None:
        async def scenario() -> None:
            async with listening("TCP", limits=Limits(unsent=1000)) as client:
                flow = opened(client, transport, ("127.0.0.1", 9), client_tls)
                flow.send(b"x" * 1000)
                with pytest.raises(TransportError):
                    flow.send(b"x")
                assert flow.closed
                assert await client.recorder.lost() is flow

        run(scenario())

    def test_closing_before_the_connection_stands_is_a_lost_flow(
        self, run: Run, transport: str, tls: Tls, client_tls: ssl.SSLContext | None
    ) -> None:
        async def scenario() -> None:
            async with listening(transport, tls=tls.server) as server, listening("TCP") as client:
                flow = opened(client, transport, server.address, client_tls)
                flow.close()
                flow.close()
                assert await client.recorder.lost() is flow
                assert client.recorder.lost_all == [flow]

        run(scenario())


def opened(
    client: Listening, transport: str, peer: Address, context: ssl.SSLContext | None, name: str | None = None
) -> Connection:
    connection = Connection(client.table, transport, context, peer=peer, advertised=("192.0.2.1", 5060), name=name)
    connection.connect()
    return connection
