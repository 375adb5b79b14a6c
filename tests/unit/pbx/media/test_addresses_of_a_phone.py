"""A phone's address changes in the course of a call, or is given as something else: who is listened to, and sent to."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from pbx.media.relay import rtcp
from pbx.media.relay.latching import QUIET
from pbx.media.relay.leg import Machinery
from pbx.media.relay.packet import BUFFER, HEADER, load
from pbx.media.relay.remote import read
from pbx.media.relay.rtcp import Report
from pbx.media.relay.rtp_leg import RtpTransport
from pbx.media.relay.srtp import MOST_SOURCES, Protection
from pbx.media.relay.stream import Stream
from pbx.media.relay.suites import SUITES, MasterKey
from sip.sdp.codecs import Codec
from tests.unit.pbx.media.descriptions import G711, phone

HOME = ("192.168.1.20", 4000)  # as a phone behind NAT describes itself
HERE = "127.0.0.1"  # where its signalling comes from


class Way:
    """A socket that stands for what a router makes of the phone's: another port, after a while."""

    def __init__(self, host: str = HERE) -> None:
        self.socket = socket.socket(type=socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.socket.setblocking(False)

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.socket.getsockname()
        return host, port

    def says(self, packet: bytes, port: int) -> None:
        self.socket.sendto(packet, (HERE, port))

    def hears(self) -> bool:
        try:
            return bool(self.socket.recv(2048))
        except BlockingIOError:
            return False


class Scene:
    """One stream on ports of its own; `packets` come from the ways of its party."""

    def __init__(self, machinery: Machinery, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.stream = Stream("audio", 0)
        self.stream.exchange.ours = self.stream.exchange.theirs = (Codec(0, "PCMU", 8000),)
        self.transport = RtpTransport(machinery.readiness, machinery.pool, HERE, self.stream)
        self.stream.transport = self.transport
        self._sequence = 0

    def describes(self, address: tuple[str, int] = HOME, rtcp: tuple[str, int] | None = None) -> None:
        self.transport.negotiated(address, rtcp, HERE, muxed=False)

    def speaks(self, way: Way, count: int = 5) -> int:
        """How many of its packets are taken."""
        before = self.stream.reception.packets
        for _ in range(count):
            self._sequence += 1
            way.says(HEADER.pack(0x80, 0, self._sequence, 160 * self._sequence, 0xA) + bytes(160), self.transport.port)
        self.turn()
        return self.stream.reception.packets - before

    def sends(self) -> None:
        self.transport.send(0, load(HEADER.pack(0x80, 0, 1, 160, self.stream.ssrc) + bytes(160)))

    def passes(self, seconds: float) -> None:
        """That much time, as the ticks of a session have it."""
        now = time.monotonic()
        for second in range(int(seconds) + 1):
            self.transport.tick(now + second)

    def turn(self) -> None:
        self.loop.run_until_complete(asyncio.sleep(0.01))


@pytest.fixture
def scene(machinery: Machinery, loop: asyncio.AbstractEventLoop) -> Iterator[Scene]:
    made = Scene(machinery, loop)
    yield made
    made.transport.close()


@pytest.fixture
def way() -> Iterator[Callable[..., Way]]:
    made: list[Way] = []

    def make(host: str = HERE) -> Way:
        made.append(Way(host))
        return made[-1]

    yield make
    for one in made:
        one.socket.close()


def test_phone_whose_router_has_opened_another_way_after_hold_is_heard_and_hears(
    scene: Scene, way: Callable[..., Way]
) -> None:
    before, after = way(), way()
    scene.describes()
    assert scene.speaks(before) == 5
    scene.passes(60)
    scene.describes()  # it comes back from hold, as it was
    scene.passes(QUIET + 2)
    scene.sends()
    assert before.hears(), "as long as nobody knows better"
    assert scene.speaks(after) == 5
    scene.sends()
    assert after.hears()
    assert not before.hears()
    assert scene.speaks(before) == 0, "and it stays there"


def test_phone_that_goes_on_speaking_from_where_it_was_can_not_be_replaced(
    scene: Scene, way: Callable[..., Way]
) -> None:
    phone, neighbour = way(), way()
    scene.describes()
    scene.speaks(phone)
    scene.passes(1)
    scene.describes()
    for _ in range(3):
        assert scene.speaks(phone) == 5
        assert scene.speaks(neighbour) == 0
        scene.passes(1)
    scene.sends()
    assert phone.hears()


def test_phone_that_holds_by_an_empty_address_is_heard_from_where_it_was(scene: Scene, way: Callable[..., Way]) -> None:
    """RFC 2543 put a call on hold so; the phone may go on sending, music for one."""
    phone, neighbour = way(), way()
    scene.describes(phone.address)
    scene.speaks(phone)
    scene.describes(("0.0.0.0", phone.address[1]))
    assert scene.speaks(phone) == 5
    assert scene.speaks(neighbour) == 0
    scene.describes(phone.address)
    assert scene.speaks(phone) == 5
    scene.sends()
    assert phone.hears()


def test_silence_without_a_new_description_lets_nobody_in(scene: Scene, way: Callable[..., Way]) -> None:
    phone, neighbour = way(), way()
    scene.describes()
    scene.speaks(phone)
    scene.passes(60)
    assert scene.speaks(neighbour) == 0
    assert scene.speaks(phone) == 5


def test_packets_of_a_stranger_that_wait_when_the_phone_is_first_heard_are_not_taken_for_its_own(
    scene: Scene, way: Callable[..., Way]
) -> None:
    """The kernel lets nobody else in from then on, but keeps what it has let in before."""
    phone, stranger = way(), way("127.0.0.2")
    scene.describes(phone.address)
    packet = HEADER.pack(0x80, 0, 1, 160, 0xA) + bytes(160)
    phone.says(packet, scene.transport.port)
    for _ in range(100):
        stranger.says(packet, scene.transport.port)
    scene.turn()
    assert scene.stream.reception.packets == 1
    assert scene.transport.dropped == 100
    assert scene.transport._emptied, "nobody's address is looked at any more"
    assert scene.speaks(phone) == 5


def test_stranger_is_not_taken_for_a_phone_that_is_silent(scene: Scene, way: Callable[..., Way]) -> None:
    phone, stranger = way(), way("127.0.0.2")
    scene.describes()
    scene.speaks(phone)
    scene.passes(60)
    scene.describes()
    scene.passes(QUIET + 2)
    assert scene.speaks(stranger) == 0
    assert scene.speaks(phone) == 5


def test_phone_at_its_named_address_displaces_who_was_first_from_the_same_host(
    scene: Scene, way: Callable[..., Way]
) -> None:
    """Neighbours behind one router share an address; the port is the phone's own."""
    phone, neighbour = way(), way()
    scene.describes(phone.address)
    assert scene.speaks(neighbour) == 5
    assert scene.speaks(phone) == 5
    assert scene.speaks(neighbour) == 0


@pytest.mark.parametrize("stray", [b"", b"\x80", b"\x80" * 40], ids=["empty", "short", "no RTCP"])
def test_stray_packet_does_not_keep_a_phones_reports_out(scene: Scene, way: Callable[..., Way], stray: bytes) -> None:
    media, reports, neighbour = way(), way(), way()
    scene.describes(media.address)
    scene.speaks(media)
    neighbour.says(stray, scene.transport.port + 1)
    scene.turn()
    reports.says(Report(0xA, (), ntp=7 << 32).to_bytes(), scene.transport.port + 1)
    scene.turn()
    assert scene.stream.correspondence.heard[0] == 7 << 16


def test_reports_from_the_named_address_are_taken_whoever_was_first(scene: Scene, way: Callable[..., Way]) -> None:
    media, reports, neighbour = way(), way(), way()
    scene.describes(media.address, reports.address)
    scene.speaks(media)
    neighbour.says(Report(0xB).to_bytes(), scene.transport.port + 1)
    scene.turn()
    reports.says(Report(0xA, (), ntp=7 << 32).to_bytes(), scene.transport.port + 1)
    scene.turn()
    assert scene.stream.correspondence.heard[0] == 7 << 16
    scene.transport.send_rtcp(rtcp.described_as(1, "x"))
    assert reports.hears()
    assert not neighbour.hears()


@pytest.mark.parametrize(
    ("described", "expected"),
    [
        ("a=rtcp:4005", (HERE, 4005)),
        ("a=rtcp:4005 IN IP4 198.51.100.7", ("198.51.100.7", 4005)),
        ("a=rtcp:4005 IN IP4 0.0.0.0", None),
        ("a=rtcp:4005 IN IP4 slow.example.org", None),
    ],
)
def test_reports_go_to_addresses_and_never_to_names(described: str, expected: tuple[str, int] | None) -> None:
    """Who sends to a name has to look it up, and all calls of the process would wait for that."""
    (stream,) = read(phone(*G711, more=(described,))).streams
    assert stream.rtcp == expected


@pytest.mark.parametrize("written", ["2001:DB8:0:0::7", "2001:db8::0007"])
def test_address_is_compared_as_sockets_write_it(written: str) -> None:
    (stream,) = read(phone(*G711).replace(b"IP4 127.0.0.1\r\nt=", b"IP6 " + written.encode() + b"\r\nt=")).streams
    assert stream.address == ("2001:db8::7", 4000)


def test_encrypted_phone_that_speaks_as_ever_new_sources_is_bounded(scene: Scene, way: Callable[..., Way]) -> None:
    media = way()
    key = MasterKey.new(SUITES[0])
    out = Protection(key, inbound=False)
    scene.transport.protect(key, MasterKey.new(SUITES[0]))
    scene.describes(media.address)
    for ssrc in range(2 * MOST_SOURCES):
        end = out.protect(0, load(HEADER.pack(0x80, 0, 7, 70, ssrc) + b"x"))
        media.says(bytes(BUFFER[:end]), scene.transport.port)
    scene.turn()
    assert scene.stream.reception.packets == 2 * MOST_SOURCES
    assert scene.transport._inbound is not None
    assert len(scene.transport._inbound._sources) == MOST_SOURCES
