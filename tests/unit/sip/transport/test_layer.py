"""All transports together."""

import asyncio
import resource
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from sip.errors import TransportError
from sip.transport import layer as layer_module
from sip.transport.base import Flow
from sip.transport.connections import Limits
from sip.transport.frames import Opcode
from sip.transport.layer import TransportLayer
from sip.transport.sockets import Listener
from tests.unit.sip.transport.conftest import Run, Tls
from tests.unit.sip.transport.peers import LOOPBACKS, Recorder, connected, listening, message, phone, web_socket


@asynccontextmanager
async def layer(tls: Tls, *listeners: Listener, limits: Limits | None = None) -> AsyncIterator[TransportLayer]:
    made = TransportLayer(Recorder(), server_tls=tls.server, client_tls=tls.client, limits=limits)
    try:
        await made.listen(listeners)
        yield made
    finally:
        await made.close()


def recorder_of(layer: TransportLayer) -> Recorder:
    assert isinstance(layer._receiver, Recorder)
    return layer._receiver


@pytest.mark.parametrize("host", LOOPBACKS)
def test_every_transport_is_listened_on(run: Run, tls: Tls, host: str) -> None:
    async def scenario() -> None:
        wanted = [(transport, host, 0) for transport in ("UDP", "TCP", "TLS", "WS", "WSS")]
        async with layer(tls, *wanted) as ours:
            assert [(transport, where) for transport, where, _ in ours.addresses()] == [row[:2] for row in wanted]
            ports = {transport: port for transport, _, port in ours.addresses()}
            async with (
                phone(host) as udp,
                connected((host, ports["TCP"])) as tcp,
                connected((host, ports["TLS"]), tls.client) as secure,
                web_socket((host, ports["WS"])) as ws,
                web_socket((host, ports["WSS"]), tls.client) as wss,
            ):
                udp.send(message(b"UDP"), (host, ports["UDP"]))
                tcp.send(message(b"TCP"))
                secure.send(message(b"TLS"))
                ws.send_frame(Opcode.TEXT, message(b"WS"))
                wss.send_frame(Opcode.TEXT, message(b"WSS"))
                flows = {}
                for _ in wanted:
                    data, flow = await recorder_of(ours).message()
                    assert data == message(flow.transport.encode())
                    assert flow.local == (host, ports[flow.transport])
                    flows[flow.transport] = flow
                assert set(flows) == set(ports)
                counters = ours.counters()
                assert (counters["datagrams"], counters["connections"], counters["accepted"]) == (1, 4, 4)
                flows["UDP"].send(b"UDP")
                flows["TLS"].send(b"TLS")
                assert (await udp.receive(), await secure.receive(3)) == (b"UDP", b"TLS")

    run(scenario())


def test_closing_ends_every_connection_and_frees_the_ports(run: Run, tls: Tls) -> None:
    async def scenario() -> None:
        async with layer(tls, ("UDP", "127.0.0.1", 0), ("TCP", "127.0.0.1", 0)) as ours:
            taken = ours.addresses()
            async with connected(taken[1][1:]) as peer:
                peer.send(message())
                _, flow = await recorder_of(ours).message()
                await ours.close()
                assert flow.closed
                assert await peer.rest() == b""
            assert ours.addresses() == ()
        async with layer(tls, *taken) as again:
            assert again.addresses() == taken

    run(scenario())


class TestListening:
    @pytest.mark.parametrize("transport", ["UDP", "TCP", "TLS", "WS", "WSS"])
    def test_address_that_is_taken_is_an_error_that_names_it(self, run: Run, tls: Tls, transport: str) -> None:
        async def scenario() -> None:
            async with layer(tls, (transport, "127.0.0.1", 0)) as first:
                ((_, host, port),) = first.addresses()
                async with layer(tls) as second:
                    problem = f"can't listen on {transport} {host} port {port}: Address already in use"
                    with pytest.raises(OSError, match=problem):
                        await second.listen([(transport, host, port)])

        run(scenario())

    @pytest.mark.parametrize(("host", "problem"), [("198.51.100.77", "Cannot assign"), ("no.such.invalid", "no.such")])
    def test_address_that_is_not_ours_is_an_error_that_names_it(
        self, run: Run, tls: Tls, host: str, problem: str
    ) -> None:
        async def scenario() -> None:
            async with layer(tls) as ours:
                with pytest.raises(OSError, match=problem):
                    await ours.listen([("UDP", host, 0)])

        run(scenario())

    def test_name_is_listened_on_at_all_its_addresses(self, run: Run, tls: Tls) -> None:
        async def scenario() -> None:
            async with layer(tls, ("TCP", "localhost", 0)) as ours:
                assert {host for _, host, _ in ours.addresses()} <= set(LOOPBACKS)
                assert ours.addresses()

        run(scenario())

    @pytest.mark.parametrize("transport", ["TLS", "WSS"])
    def test_encryption_without_certificate_is_an_error(self, run: Run, transport: str) -> None:
        async def scenario() -> None:
            ours = TransportLayer(Recorder())
            with pytest.raises(ValueError, match=f"{transport} needs a certificate"):
                await ours.listen([(transport, "127.0.0.1", 0)])
            await ours.close()

        run(scenario())

    def test_connections_are_no_more_than_the_process_may_open(
        self, run: Run, tls: Tls, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def scenario() -> None:
            for files, expected in ((1024, 824), (100, 1), (10**6, 10_000), (resource.RLIM_INFINITY, 10_000)):
                monkeypatch.setattr(resource, "getrlimit", lambda _, files=files: (files, files))
                async with layer(tls) as ours:
                    assert ours._connections.limits.connections == expected

        run(scenario())


class TestOurs:
    @pytest.mark.parametrize(
        ("listening_host", "host", "other_port", "expected"),
        [
            ("127.0.0.1", "127.0.0.1", None, True),
            ("127.0.0.1", "127.0.0.1", True, False),
            ("127.0.0.1", "127.0.0.2", None, False),
            ("127.0.0.1", "localhost", None, False),
            ("0.0.0.0", "127.0.0.1", None, True),
            ("0.0.0.0", "127.0.0.77", None, True),
            ("0.0.0.0", "198.51.100.77", None, False),
            ("0.0.0.0", "::1", None, False),
            ("::", "0:0::1", None, True),
            ("::", "127.0.0.1", None, False),
            ("::1", "0:0::1", None, True),
        ],
    )
    def test_our_addresses_are_known(
        self, run: Run, tls: Tls, listening_host: str, host: str, other_port: bool | None, expected: bool
    ) -> None:
        async def scenario() -> None:
            async with layer(tls, ("UDP", listening_host, 0)) as ours:
                ((_, _, port),) = ours.addresses()
                if other_port is None:
                    assert ours.is_ours(host) is expected
                    assert ours.is_ours(host, port) is expected
                else:
                    assert ours.is_ours(host, port ^ 1) is expected

        run(scenario())

    def test_full_buffer_shows_as_backlog(self, run: Run, tls: Tls) -> None:
        async def scenario() -> None:
            async with layer(tls) as nothing:
                assert nothing.backlog() == 0.0
            async with layer(tls, ("UDP", "127.0.0.1", 0), ("UDP", "127.0.0.1", 0)) as ours:
                assert ours.backlog() == 0.0
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
                    for _ in range(100):
                        plain.sendto(b"x" * 1000, ours.addresses()[1][1:])
                assert 0.0 < ours.backlog() < 1.0
                await recorder_of(ours).messages(100)

        run(scenario())


class TestDatagramFlows:
    def test_flow_leaves_from_the_socket_of_its_family(self, run: Run, tls: Tls) -> None:
        async def scenario() -> None:
            async with layer(tls, ("UDP", "127.0.0.1", 0), ("UDP", "::1", 0)) as ours:
                for _, host, port in ours.addresses():
                    async with phone(host) as peer:
                        flow = ours.flow_to("UDP", *peer.address)
                        assert (flow.local, flow.remote) == ((host, port), peer.address)
                        flow.send(message())
                        assert await peer.receive() == message()

        run(scenario())

    def test_flow_leaves_from_the_address_that_leads_to_the_peer(self, run: Run, tls: Tls) -> None:
        async def scenario() -> None:
            async with layer(tls, ("UDP", "127.0.0.2", 0), ("UDP", "127.0.0.1", 0)) as ours:
                assert ours.flow_to("UDP", "127.0.0.3", 5060).local[0] == "127.0.0.1"

        run(scenario())

    def test_socket_that_the_peer_came_by_is_preferred(self, run: Run, tls: Tls) -> None:
        async def scenario() -> None:
            async with layer(tls, ("UDP", "127.0.0.1", 0), ("UDP", "127.0.0.1", 0)) as ours:
                second = ours.addresses()[1][1:]
                async with phone() as peer:
                    peer.send(message(), second)
                    _, flow = await recorder_of(ours).message()
                    for port in (peer.address[1], 5070):
                        again = ours.flow_to("UDP", "127.0.0.1", port, prefer=flow)
                        assert (again.local, again.remote) == (second, ("127.0.0.1", port))
                    assert ours.flow_to("UDP", *peer.address, prefer=flow) == flow

        run(scenario())

    def test_stored_flow_is_found_again(self, run: Run, tls: Tls) -> None:
        async def scenario() -> None:
            async with layer(tls, ("UDP", "127.0.0.1", 0), ("UDP", "0.0.0.0", 0), ("UDP", "::1", 0)) as ours:
                bound, (_, wild_port), six = [(host, port) for _, host, port in ours.addresses()]
                remote = ("127.0.0.1", 5070)
                for local in (bound, ("127.0.0.1", wild_port), ("0.0.0.0", wild_port)):
                    flow = ours.flow_between(local, remote)
                    assert flow is not None
                    assert (flow.local[1], flow.remote) == (local[1], remote)
                assert ours.flow_between(six, ("::1", 5070)) is not None
                for local in (("127.0.0.2", bound[1]), ("127.0.0.1", bound[1] ^ 1), six):
                    assert ours.flow_between(local, remote) is None

        run(scenario())


class TestConnectionFlows:
    @pytest.mark.parametrize("transport", ["TCP", "TLS"])
    @pytest.mark.parametrize("host", LOOPBACKS)
    def test_connection_that_we_opened_is_used_again(self, run: Run, tls: Tls, transport: str, host: str) -> None:
        async def scenario() -> None:
            async with listening(transport, host, tls=tls.server) as far, layer(tls, (transport, host, 0)) as ours:
                flow = ours.flow_to(transport, *far.address)
                assert ours.flow_to(transport, *far.address) is flow
                assert flow.local == ours.addresses()[0][1:], "where the peer reaches us, not the port it came from"
                flow.send(message())
                _, theirs = await far.recorder.message()
                assert ours.flow_to(transport, *far.address) is flow
                assert ours.counters()["opened"] == 1
                theirs.close()
                assert await recorder_of(ours).lost() is flow
                again = ours.flow_to(transport, *far.address)
                assert again is not flow
                again.send(message())
                await far.recorder.message()
                assert ours.counters()["opened"] == 2

        run(scenario())

    def test_without_a_listener_the_default_port_is_advertised(self, run: Run, tls: Tls) -> None:
        async def scenario() -> None:
            async with listening("TLS", tls=tls.server) as far, layer(tls) as ours:
                assert ours.flow_to("TLS", *far.address).local == ("127.0.0.1", 5061)

        run(scenario())

    def test_connections_to_different_names_are_different(self, run: Run, tls: Tls) -> None:
        async def scenario() -> None:
            async with listening("TLS", tls=tls.server) as far, layer(tls) as ours:
                right = ours.flow_to("TLS", *far.address, name="localhost")
                wrong = ours.flow_to("TLS", *far.address, name="example.org")
                assert right is not wrong
                assert await recorder_of(ours).lost() is wrong
                right.send(message())
                await far.recorder.message()

        run(scenario())

    @pytest.mark.parametrize("transport", ["TCP", "TLS", "WS", "WSS"])
    def test_connection_that_the_peer_made_is_preferred_while_it_is_open(
        self, run: Run, tls: Tls, transport: str
    ) -> None:
        async def scenario() -> None:
            async with layer(tls, (transport, "127.0.0.1", 0)) as ours:
                address = ours.addresses()[0][1:]
                flow, remote = await self.made_by_peer(ours, tls, transport, address)
                assert await recorder_of(ours).lost() is flow
                if transport in ("TCP", "TLS"):
                    other = ours.flow_to(transport, *remote, prefer=flow)
                    assert other is not flow
                    assert await recorder_of(ours).lost() is other
                else:
                    with pytest.raises(TransportError, match="only the peer can connect"):
                        ours.flow_to(transport, *remote, prefer=flow)

        run(scenario())

    @staticmethod
    async def made_by_peer(
        ours: TransportLayer, tls: Tls, transport: str, address: tuple[str, int]
    ) -> tuple[Flow, tuple[str, int]]:
        """Has a peer connect, checks that its flow is found while it lasts, and leaves it ended."""
        context = tls.client if transport in ("TLS", "WSS") else None
        if transport in ("WS", "WSS"):
            async with web_socket(address, context) as browser:
                browser.send_frame(Opcode.TEXT, message())
                _, flow = await recorder_of(ours).message()
                assert ours.flow_to(transport, *browser.address, prefer=flow) is flow
                return flow, browser.address
        async with connected(address, context) as peer:
            peer.send(message())
            _, flow = await recorder_of(ours).message()
            assert ours.flow_to(transport, *peer.address, prefer=flow) is flow
            elsewhere = ours.flow_to(transport, peer.address[0], 9, prefer=flow)
            assert elsewhere is not flow
            assert await recorder_of(ours).lost() is elsewhere
            return flow, peer.address

    def test_ended_connections_are_forgotten(self, run: Run, tls: Tls, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(layer_module, "TICK", 0.001)

        async def scenario() -> None:
            async with layer(tls) as ours:
                flow = ours.flow_to("TCP", "127.0.0.1", 9)
                assert await recorder_of(ours).lost() is flow
                while ours._opened:
                    await asyncio.sleep(0)
                assert ours.counters()["connections"] == 0

        run(scenario())

    def test_deadlines_are_kept_by_the_layer_itself(self, run: Run, tls: Tls, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(layer_module, "TICK", 0.001)

        async def scenario() -> None:
            async with layer(tls, ("TCP", "127.0.0.1", 0), limits=Limits(message=0.01)) as ours:
                async with connected(ours.addresses()[0][1:]) as peer:
                    assert await peer.rest() == b""
                assert ours.counters()["expired"] == 1

        run(scenario())


@pytest.mark.parametrize(
    ("transport", "host", "problem"),
    [
        ("UDP", "example.org", "no numeric address"),
        ("TCP", "example.org", "no numeric address"),
        ("UDP", "::1", "no UDP socket for ::1"),
        ("WS", "127.0.0.1", "only the peer can connect"),
        ("SCTP", "127.0.0.1", "only the peer can connect"),
        ("TCP", "255.255.255.255", "no route"),
    ],
)
def test_flow_that_cannot_be_is_an_error(run: Run, tls: Tls, transport: str, host: str, problem: str) -> None:
    async def scenario() -> None:
        async with layer(tls, ("UDP", "127.0.0.1", 0)) as ours:
            with pytest.raises(TransportError, match=problem):
                ours.flow_to(transport, host, 5060)

    run(scenario())


def test_tls_without_authority_is_an_error(run: Run) -> None:
    async def scenario() -> None:
        ours = TransportLayer(Recorder())
        with pytest.raises(TransportError, match="no certificate authority"):
            ours.flow_to("TLS", "127.0.0.1", 5061)
        await ours.close()

    run(scenario())
