"""Datagrams in and out, on real sockets of both address families."""

import asyncio
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sip.transport.addresses import LocalAddresses
from sip.transport.udp import BURST, UdpFlow, UdpSocket
from tests.unit.sip.transport.conftest import Run
from tests.unit.sip.transport.peers import LOOPBACKS, FakeClock, Recorder, message, phone

STUN_REQUEST = struct.pack("!HHI12s", 1, 0, 0x2112A442, b"keep-alive!!")


@contextmanager
def bound(host: str, recorder: Recorder, port: int = 0) -> Iterator[UdpSocket]:
    datagrams = UdpSocket(host, port, recorder, LocalAddresses(FakeClock()))
    try:
        yield datagrams
    finally:
        datagrams.close()


@pytest.mark.parametrize("host", LOOPBACKS)
def test_message_arrives_with_its_flow_and_the_answer_goes_back_on_it(run: Run, host: str) -> None:
    async def scenario() -> None:
        recorder = Recorder(answer=lambda data: b"answer to " + data)
        async with phone(host) as peer:
            with bound(host, recorder) as server:
                peer.send(message(), server.local)
                assert await peer.receive() == b"answer to " + message()
                data, flow = await recorder.message()
                assert data == message()
                assert (flow.transport, flow.reliable, flow.closed) == ("UDP", False, False)
                assert (flow.local, flow.remote) == (server.local, peer.address)
                flow.close()
                flow.send(b"later")
                assert await peer.receive() == b"later"

    run(scenario())


@pytest.mark.parametrize("host", LOOPBACKS)
def test_flows_are_equal_when_both_ends_are(run: Run, host: str) -> None:
    async def scenario() -> None:
        recorder = Recorder()
        async with phone(host) as one, phone(host) as two:
            with bound(host, recorder) as server, bound(host, recorder) as other:
                for peer in (one, one, two):
                    peer.send(message(), server.local)
                first, again, different = [(await recorder.message())[1] for _ in range(3)]
                one.send(message(), other.local)
                _, elsewhere = await recorder.message()
                made = server.flow_to(*one.address)
                assert first == again == made
                assert len({first, again, made}) == 1
                assert first != different
                assert first != elsewhere

    run(scenario())


@pytest.mark.parametrize("host", LOOPBACKS)
@pytest.mark.parametrize("octets", [b"", b"\r\n", b"\r\n\r\n", b"\0", b"\0\0\0\0", b" ", b"\1\2\3"])
def test_keep_alive_is_neither_delivered_nor_answered(run: Run, host: str, octets: bytes) -> None:
    async def scenario() -> None:
        recorder = Recorder(answer=lambda data: data)
        async with phone(host) as peer:
            with bound(host, recorder) as server:
                peer.send(octets, server.local) if octets else _send_nothing(server.local)
                peer.send(message(), server.local)
                assert await peer.receive() == message()
                assert recorder.received_all == [message()]
                assert (server.keep_alives, server.received) == (1, 1)

    run(scenario())


def _send_nothing(to: tuple[str, int]) -> None:
    """An empty datagram, which asyncio does not send."""
    family = socket.AF_INET6 if ":" in to[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as plain:
        plain.sendto(b"", to)


@pytest.mark.parametrize("host", LOOPBACKS)
def test_stun_request_is_answered_with_the_address_seen(run: Run, host: str) -> None:
    async def scenario() -> None:
        recorder = Recorder()
        async with phone(host) as peer:
            with bound(host, recorder) as server:
                peer.send(STUN_REQUEST, server.local)
                response = await peer.receive()
                assert response[:2] == b"\1\1"
                assert struct.unpack_from("!H", response, 26)[0] ^ 0x2112 == peer.address[1]
                assert recorder.received_all == []

    run(scenario())


@pytest.mark.parametrize("host", LOOPBACKS)
def test_message_after_empty_lines_is_delivered(run: Run, host: str) -> None:
    async def scenario() -> None:
        recorder = Recorder()
        async with phone(host) as peer:
            with bound(host, recorder) as server:
                peer.send(b"\r\n\r\n" + message(), server.local)
                data, flow = await recorder.message()
                assert data == message()
                assert flow == server.flow_to(*peer.address)

    run(scenario())


class OnlyPort:
    """A gate that lets in one port alone."""

    def __init__(self, port: int) -> None:
        self.port = port

    def admits(self, host: str, port: int) -> bool:
        return port == self.port and not host.startswith("fe80")


@pytest.mark.parametrize("host", LOOPBACKS)
def test_gate_keeps_out_what_it_does_not_admit_until_it_is_gone(run: Run, host: str) -> None:
    async def scenario() -> None:
        recorder = Recorder()
        async with phone(host) as one, phone(host) as other:
            with bound(host, recorder) as server:
                server.gate = OnlyPort(one.address[1])
                other.send(message(b"other"), server.local)
                one.send(message(b"one"), server.local)
                assert (await recorder.message())[0] == message(b"one")
                assert (server.received, server.limited) == (1, 1)
                server.gate = None
                other.send(message(b"other"), server.local)
                assert (await recorder.message())[0] == message(b"other")

    run(scenario())


def test_flood_is_taken_in_bounded_bursts(run: Run) -> None:
    async def scenario() -> None:
        recorder = Recorder()
        with bound("127.0.0.1", recorder) as server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
            for number in range(3 * BURST):
                plain.sendto(message(str(number).encode()), server.local)
            for taken in (1, 1 + BURST):
                while not taken <= len(recorder.received_all):
                    await asyncio.sleep(0)
                assert len(recorder.received_all) == taken
                server.look()
            assert await recorder.messages(3 * BURST) == [message(str(number).encode()) for number in range(3 * BURST)]
            assert server.received == 3 * BURST

    run(scenario())


@pytest.mark.parametrize("host", LOOPBACKS)
def test_datagram_that_comes_to_nobody_is_reported_with_its_flow(run: Run, host: str) -> None:
    async def scenario() -> None:
        recorder = Recorder()
        async with phone(host) as gone:
            address = gone.address
        with bound(host, recorder) as server:
            flow = server.flow_to(*address)
            flow.send(message(b"lost"))
            assert await recorder.nobody_got() == (message(b"lost"), flow)
            assert (server.unreachable, server.refused) == (1, 0)

    run(scenario())


@pytest.mark.parametrize("host", LOOPBACKS)
def test_datagrams_that_come_to_nobody_stop_neither_reading_nor_what_is_sent_to_others(run: Run, host: str) -> None:
    async def scenario() -> None:
        recorder = Recorder()
        async with phone(host) as gone:
            address = gone.address
        async with phone(host) as peer:
            with bound(host, recorder) as server:
                for number in range(20):
                    server.flow_to(*address).send(message())
                    server.flow_to(*peer.address).send(message(str(number).encode()))  # the kernel's error comes here
                    assert await peer.receive() == message(str(number).encode())
                    peer.send(message(str(number).encode()), server.local)
                    assert (await recorder.message())[0] == message(str(number).encode())
                for _ in range(20):
                    await recorder.nobody_got()
                assert server.refused == 0
                server.look()

    run(scenario())


@pytest.mark.parametrize(
    ("data", "to"),
    [
        (b"x" * 70_000, ("127.0.0.1", 9)),
        (b"x", ("127.0.0.1", 0)),
        (b"x", ("127.0.0.1", 65_536)),
        (b"x", ("255.255.255.255", 9)),
    ],
)
def test_datagram_that_the_kernel_refuses_is_counted_and_lost(run: Run, data: bytes, to: tuple[str, int]) -> None:
    async def scenario() -> None:
        with bound("127.0.0.1", Recorder()) as server:
            server.flow_to(*to).send(data)
            assert server.refused == 1

    run(scenario())


def test_garbage_reaches_the_receiver_as_it_came(run: Run) -> None:
    async def scenario() -> None:
        recorder = Recorder()
        garbage = [b"\xff" + os.urandom(size) for size in (0, 1, 100, 60_000)]
        with bound("127.0.0.1", recorder) as server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
            for octets in garbage:
                plain.sendto(octets, server.local)
            assert await recorder.messages(len(garbage)) == garbage

    run(scenario())


def test_full_receive_buffer_shows_as_backlog_and_drops(run: Run) -> None:
    async def scenario() -> None:
        recorder = Recorder()
        with bound("127.0.0.1", recorder) as server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
            server._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 20_000)
            assert server.look() == 0.0
            for _ in range(100):
                plain.sendto(b"x" * 1000, server.local)
            assert server.look() > 0.8
            arrived = 100 - server.dropped
            assert 0 < arrived < 100
            await recorder.messages(arrived)
            while server.look() > 0.2:  # the kernel takes read datagrams off the account a few at a time
                await asyncio.sleep(0)

    run(scenario())


@pytest.mark.parametrize(("wildcard", "host"), [("0.0.0.0", "127.0.0.1"), ("::", "::1")])
def test_flow_of_a_wildcard_socket_says_by_which_address_the_peer_finds_us(run: Run, wildcard: str, host: str) -> None:
    async def scenario() -> None:
        recorder = Recorder()
        async with phone(host) as peer:
            with bound(wildcard, recorder) as server:
                peer.send(message(), (host, server.local[1]))
                _, flow = await recorder.message()
                assert flow.local == (host, server.local[1])
                assert server.flow_to(*peer.address).local == (host, server.local[1])

    run(scenario())


def test_ipv6_socket_leaves_ipv4_of_the_same_port_to_others(run: Run) -> None:
    async def scenario() -> None:
        with bound("0.0.0.0", Recorder()) as four, bound("::", Recorder(), four.local[1]) as six:
            assert six.local == ("::", four.local[1])

    run(scenario())


def test_address_in_use_is_an_error(run: Run) -> None:
    async def scenario() -> None:
        with bound("127.0.0.1", Recorder()) as first, pytest.raises(OSError, match="in use"):
            UdpSocket(*first.local, Recorder(), LocalAddresses(FakeClock()))

    run(scenario())


def test_flow_towards_another_peer_keeps_socket_and_family(run: Run) -> None:
    async def scenario() -> None:
        with bound("127.0.0.1", Recorder()) as server:
            flow = server.flow_to("127.0.0.1", 5060)
            other = flow.towards("127.0.0.2", 5070)
            assert isinstance(other, UdpFlow)
            assert (other.local, other.remote) == (server.local, ("127.0.0.2", 5070))
            assert flow.towards("::1", 5060) is None

    run(scenario())
