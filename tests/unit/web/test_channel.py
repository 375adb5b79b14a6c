"""A browser's connection below Socket.IO: what is written at once, what waits, what is read, and who is let go."""

import gc
import socket
import ssl
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import engineio
import gevent
import gevent.socket
import pytest
from engineio import packet
from engineio.socket import Socket
from gevent.event import Event

from tests.unit.web.client_frames import client_frame
from web.live import channel as channels
from web.live.channel import Channel, Heart
from web.live.frames import GOODBYE, framed

PATIENCE = 5.0  # seconds


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


class StuckWire(Wire):
    """A socket that takes nothing, until it is shut."""

    def __init__(self) -> None:
        super().__init__(0)
        self.shut = Event()

    def sendall(self, octets: bytes) -> None:
        self.shut.wait()
        raise BrokenPipeError

    def shutdown(self, how: int) -> None:
        self.shut.set()


@pytest.fixture
def left() -> list[str]:
    """Why connections have ended."""
    return []


def connected(wire: Wire, left: list[str]) -> Channel:
    server = engineio.Server(async_mode="gevent", monitor_clients=False)
    server.on("disconnect", lambda sid, reason: left.append(reason))
    channel = Channel.take(Socket(server, "sid"))
    channel._wire = wire
    channel.welcome = True
    return channel


def said(text: str) -> packet.Packet:
    return packet.Packet(packet.MESSAGE, text)


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


def test_browser_that_does_not_take_the_last_words_is_let_go(monkeypatch: pytest.MonkeyPatch, left: list[str]) -> None:
    monkeypatch.setattr(channels, "LAST_WORDS", 0.001)
    wire = StuckWire()
    connected(wire, left).close()
    assert not wire.shut.is_set()
    assert wire.shut.wait(PATIENCE)


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


def test_stranger_who_never_says_who_he_is_has_no_place_for_long(left: list[str]) -> None:
    wire = Wire()
    channel = connected(wire, left)
    channel.welcome = False
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


# ---- reading


class Page:
    """A browser at the other end of a connection that a channel has taken over."""

    def __init__(self, ahead: bytes = b"") -> None:
        ours, self.wire = gevent.socket.socketpair()
        self.wire.settimeout(PATIENCE)
        self.said: list[Any] = []
        self.reasons: list[str] = []
        server = engineio.Server(async_mode="gevent", monitor_clients=False, max_http_buffer_size=1000)
        server.on("message", lambda sid, data: self.said.append(data))
        server.on("disconnect", lambda sid, reason: self.reasons.append(reason))
        self.channel = Channel.take(Socket(server, "sid"))
        server.sockets["sid"] = self.channel
        self.server = server
        handler = SimpleNamespace(give_away=lambda: (ours, ahead))
        assert self.channel._websocket_handler(SimpleNamespace(_sock=SimpleNamespace(handler=handler))) == []

    def says(self, octets: bytes) -> None:
        self.wire.sendall(octets)
        self.settles()

    def settles(self) -> None:
        """Time for the loop to see what came, and for the greenlet that does it."""
        for _ in range(3):
            gevent.sleep(0.001)

    @property
    def has_ended(self) -> bool:
        return self.server.sockets == {} and self.wire.recv(1) == b""


@pytest.fixture
def page() -> Iterator[Page]:
    made = Page()
    yield made
    made.wire.close()
    made.settles()


def text(words: str) -> bytes:
    return client_frame(f"4{words}".encode())


def test_what_a_browser_says_is_heard_in_order_however_it_comes(page: Page) -> None:
    octets = text("one") + text("two") + text("three")
    for piece in (octets[:3], octets[3:9], octets[9:]):
        page.says(piece)
    assert page.said == ["one", "two", "three"]


def test_what_was_read_with_the_request_is_heard_too() -> None:
    page = Page(ahead=text("one") + text("two")[:4])
    page.says(text("two")[4:])
    assert page.said == ["one", "two"]
    page.wire.close()


def test_browser_that_is_silent_has_no_greenlet(page: Page) -> None:
    page.says(text("one"))
    alive = [one for one in gc.get_objects() if isinstance(one, gevent.Greenlet) and not one.dead]
    assert alive == []


def test_ping_of_websocket_is_answered(page: Page) -> None:
    page.says(client_frame(b"hi", 9))
    assert page.wire.recv(100) == b"\x8a\x02hi"


@pytest.mark.parametrize(
    "octets",
    [
        client_frame(b"\x03\xe8", 8),
        client_frame(b"4x", masked=False),
        client_frame(b"4\xff\xfe"),
        client_frame(b"4" + b"x" * 1000),
    ],
    ids=["goodbye", "broken rules", "no text", "too large"],
)
def test_connection_ends_and_leaves_nothing_behind(page: Page, octets: bytes) -> None:
    page.says(octets + text("too late"))
    assert page.said == []
    assert page.reasons == ["transport close"]
    assert page.has_ended


def test_browser_that_is_gone_is_noticed(page: Page) -> None:
    page.wire.shutdown(socket.SHUT_WR)
    page.settles()
    assert page.reasons == ["transport close"]
    assert page.has_ended


def test_connection_that_the_server_ends_leaves_nothing_behind(page: Page) -> None:
    page.channel.close()
    page.settles()
    assert page.wire.recv(100) == framed(packet.Packet(packet.CLOSE)) + GOODBYE
    assert page.reasons == ["server disconnect"]
    assert page.has_ended
