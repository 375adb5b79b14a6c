"""The event loop of a media process: packets are served where it waits, and everything else gets its turn."""

import asyncio
import logging
import socket
from collections.abc import Iterator

import pytest

from pbx.media.relay.readiness import RelayLoop


@pytest.fixture
def wires() -> Iterator[list[tuple[socket.socket, socket.socket]]]:
    """Two pairs of sockets: what is sent into the second of a pair comes out of the first."""
    pairs = [socket.socketpair(type=socket.SOCK_DGRAM) for _ in range(2)]
    yield pairs
    for pair in pairs:
        for one in pair:
            one.close()


Wires = list[tuple[socket.socket, socket.socket]]


def test_what_a_packet_gives_the_loop_to_do_is_done_at_once(loop: RelayLoop, wires: Wires) -> None:
    (ours, theirs), _ = wires
    done = loop.create_future()

    def packet() -> None:
        loop.call_soon(done.set_result, ours.recv(10))

    loop.readiness.watch(ours.fileno(), packet)
    theirs.send(b"x")
    assert loop.run_until_complete(asyncio.wait_for(done, 20)) == b"x"


def test_timer_comes_while_packets_come_without_end(loop: RelayLoop, wires: Wires) -> None:
    (ours, _), _ = wires
    _, (other, far) = wires
    far.send(b"x")  # nobody reads it, so the socket stays ready
    served = []
    loop.readiness.watch(other.fileno(), lambda: served.append(ours))
    loop.run_until_complete(asyncio.wait_for(asyncio.sleep(0.01), 20))
    assert len(served) > 2


def test_other_threads_get_their_turn(loop: RelayLoop) -> None:
    async def ask() -> int:
        return await loop.run_in_executor(None, lambda: 7)

    assert loop.run_until_complete(asyncio.wait_for(ask(), 20)) == 7


def test_socket_that_another_one_has_closed_is_not_served(loop: RelayLoop, wires: Wires) -> None:
    served: list[int] = []

    def serve(this: int, other: int) -> None:
        served.append(this)
        loop.readiness.forget(other)

    (one, to_one), (two, to_two) = wires
    loop.readiness.watch(one.fileno(), lambda: serve(one.fileno(), two.fileno()))
    loop.readiness.watch(two.fileno(), lambda: serve(two.fileno(), one.fileno()))
    to_one.send(b"x")
    to_two.send(b"x")
    loop.readiness.serve(0)
    assert len(served) == 1
    loop.readiness.serve(0)
    assert served == [served[0]] * 2


def test_descriptor_can_be_watched_again(loop: RelayLoop, wires: Wires) -> None:
    (ours, theirs), _ = wires
    served: list[str] = []
    loop.readiness.watch(ours.fileno(), lambda: served.append("before"))
    loop.readiness.forget(ours.fileno())
    loop.readiness.forget(ours.fileno())
    loop.readiness.watch(ours.fileno(), lambda: served.append("after"))
    theirs.send(b"x")
    loop.readiness.serve(0)
    assert served == ["after"]


def test_failure_with_one_packet_is_not_the_end(
    loop: RelayLoop, wires: Wires, caplog: pytest.LogCaptureFixture
) -> None:
    (ours, theirs), _ = wires
    got: list[bytes] = []

    def packet() -> None:
        got.append(ours.recv(10))
        if got == [b"bad"]:
            raise ValueError("this can't be")

    loop.readiness.watch(ours.fileno(), packet)
    theirs.send(b"bad")
    theirs.send(b"good")
    with caplog.at_level(logging.ERROR):
        loop.readiness.serve(0)
        loop.readiness.serve(0)
    assert got == [b"bad", b"good"]
    assert "a packet can't be dealt with" in caplog.text
