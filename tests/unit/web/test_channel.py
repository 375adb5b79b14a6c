"""A browser's connection below Socket.IO: what is written at once, what waits, and who is let go."""

import ssl
from typing import Any

import engineio
import gevent
import pytest
from engineio import packet
from engineio.socket import Socket

from web.live import channel as channels
from web.live.channel import GOODBYE, Channel, Heart, framed


class Wire:
    """A socket that takes so many octets at once, and all of them of whoever waits."""

    def __init__(self, takes: int = 1 << 20) -> None:
        self.takes = takes
        self.octets = b""
        self.ended = False

    def send(self, octets: bytes, flags: int, timeout: float) -> int:
        assert timeout == 0.0
        if not self.takes:
            raise BlockingIOError
        taken = octets[: self.takes]
        self.octets += taken
        return len(taken)

    def sendall(self, octets: bytes) -> None:
        gevent.sleep(0)
        self.octets += octets

    def shutdown(self, how: int) -> None:
        self.ended = True


class TlsWire(Wire):
    """The same with TLS, which takes a record or nothing."""

    @property
    def _sslobj(self) -> Any:
        return self

    def write(self, octets: bytes) -> None:
        if not self.takes:
            raise ssl.SSLWantWriteError
        self.octets += octets


@pytest.fixture
def left() -> list[str]:
    """Why connections have ended."""
    return []


def connected(wire: Wire, left: list[str]) -> Channel:
    server = engineio.Server(async_mode="gevent", monitor_clients=False)
    server.on("disconnect", lambda sid, reason: left.append(reason))
    channel = Channel.take(Socket(server, "sid"))
    channel._link, channel._wire = object(), wire
    return channel


def said(text: str) -> packet.Packet:
    return packet.Packet(packet.MESSAGE, text)


@pytest.mark.parametrize("size", [1, 124, 125, 65_534, 65_535])
def test_frame_says_its_length_in_the_shortest_way(size: int) -> None:
    octets, length = framed(said("x" * size)), size + 1  # Engine.IO's own digit stands before it
    begin = 2 if length < 126 else 4 if length < 1 << 16 else 10
    assert octets[0] == 0x81
    assert octets[1] == (length if length < 126 else 126 if length < 1 << 16 else 127)
    assert begin == 2 or int.from_bytes(octets[2:begin], "big") == length
    assert octets[begin:] == b"4" + b"x" * size


def test_event_for_many_is_put_into_its_frame_once() -> None:
    event = said("Привет")
    assert framed(event) is framed(event)
    assert framed(event)[2:].decode() == "4Привет"


@pytest.mark.parametrize("kind", [Wire, TlsWire])
def test_what_is_sent_is_written_before_send_returns(kind: type[Wire], left: list[str]) -> None:
    wire = kind()
    connected(wire, left).send(said("one"))
    assert wire.octets == framed(said("one"))


@pytest.mark.parametrize(("kind", "takes"), [(Wire, 0), (Wire, 3), (TlsWire, 0)])
def test_browser_that_reads_slowly_has_all_in_order_and_nobody_waits_for_it(
    kind: type[Wire], takes: int, left: list[str]
) -> None:
    wire = kind(takes)
    channel = connected(wire, left)
    for text in ("one", "two", "x" * 40_000):
        channel.send(said(text))
    assert len(wire.octets) == takes
    wire.takes = 1 << 20
    channel.send(said("four"))
    gevent.wait(timeout=1)
    assert wire.octets == b"".join(framed(said(text)) for text in ("one", "two", "x" * 40_000, "four"))
    assert not wire.ended


def test_browser_that_reads_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch, left: list[str]) -> None:
    monkeypatch.setattr(channels, "MOST_HELD", 1000)
    wire = Wire(0)
    channel = connected(wire, left)
    channel.send(said("x" * 900))
    assert not wire.ended
    channel.send(said("x" * 900))
    assert wire.ended


def test_browser_is_told_that_it_is_let_go_and_then_the_connection_ends(left: list[str]) -> None:
    wire = Wire()
    channel = connected(wire, left)
    channel.close()
    channel.close()
    assert (wire.octets, wire.ended) == (framed(packet.Packet(packet.CLOSE)) + GOODBYE, True)
    assert left == [channel.server.reason.SERVER_DISCONNECT]
    channel.send(said("too late"))
    assert wire.octets.endswith(GOODBYE)


def test_browser_that_answers_is_asked_again_and_one_that_vanished_is_let_go(left: list[str]) -> None:
    wire = Wire()
    channel = connected(wire, left)
    ping = framed(packet.Packet(packet.PING))
    channel.beat()
    channel.receive(packet.Packet(packet.PONG))
    channel.beat()
    assert (wire.octets, left) == (ping + ping, [])
    channel.beat()
    assert left == [channel.server.reason.PING_TIMEOUT]
    assert wire.ended


def test_heart_beats_until_a_connection_is_closed(left: list[str]) -> None:
    wire = Wire()
    heart = Heart(0.005)
    heart.follow(connected(wire, left))
    gevent.wait(timeout=5)  # returns when the heart has nobody left
    assert left == ["ping timeout"]
    assert wire.octets.startswith(framed(packet.Packet(packet.PING)))
