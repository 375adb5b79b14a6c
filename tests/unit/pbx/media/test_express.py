"""The short way of a packet: the same as the general one to whoever listens, and not for what isn't ordinary."""

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from pbx.media.relay.express import short_way
from pbx.media.relay.formats import DROP
from pbx.media.relay.packet import BUFFER, HEADER
from pbx.media.relay.ports import bound
from pbx.media.relay.srtp import Protection
from pbx.media.relay.stream import Stream
from pbx.media.relay.suites import SUITES, MasterKey
from tests.unit.pbx.media.test_reports import A, joined

KEY = MasterKey.new(SUITES[0])


@dataclass
class Wire:
    """A transport that writes packets as they are, and keeps them."""

    packets: list[bytes] = field(default_factory=list)

    def write(self, packet: memoryview) -> None:
        self.packets.append(bytes(packet))

    def send(self, start: int, end: int) -> None:
        self.packets.append(bytes(BUFFER[start:end]))

    def send_rtcp(self, packet: bytes) -> None:
        raise AssertionError("no report is due")


class Way:
    """A party `a` that speaks to `b` through a socket. `general` and `refused` count what didn't go the short way."""

    def __init__(self, inbound: Protection | None = None, outbound: Protection | None = None) -> None:
        self.a, self.b, _, _ = joined()
        self.b.transport = self.wire = Wire()
        self.b.write, self.b.outbound = self.wire.write, outbound
        self.general: list[int] = []
        self.refused = 0
        self.socket, self.party = bound("127.0.0.1", 0), socket.socket(type=socket.SOCK_DGRAM)
        self.party.connect(self.socket.getsockname())
        self.read = short_way(self.socket.fileno(), self.a, inbound, self._take, self._refuse)

    def speak(self, packet: bytes) -> None:
        self.party.send(packet)
        self.read()

    def _take(self, length: int) -> None:
        self.general.append(length)
        self.a.receive(length)

    def _refuse(self) -> None:
        self.refused += 1


def packet(sequence: int, first: int = 0x80, second: int = 96, ssrc: int = A) -> bytes:
    return HEADER.pack(first, second, sequence, 160 * sequence, ssrc) + b"speech"


def counted(stream: Stream) -> tuple[int, ...]:
    reception = stream.reception
    return reception.packets, reception.octets, reception.lost, reception.highest


@pytest.fixture
def make_way() -> Iterator[Callable[..., Way]]:
    """Makes ways, which are closed at the end."""
    made: list[Way] = []

    def make(**protections: Protection) -> Way:
        made.append(Way(**protections))
        return made[-1]

    yield make
    for one in made:
        one.socket.close()
        one.party.close()


@pytest.fixture
def way(make_way: Callable[..., Way]) -> Way:
    return make_way()


def test_packets_arrive_and_are_counted_as_by_the_general_way(way: Way) -> None:
    a, b, _, to_b = joined()
    a.source = way.a.source
    for sequence in (7, 8, 9, 12, 11, 13, 14):
        way.speak(packet(sequence))
        BUFFER[:18] = packet(sequence)
        a.receive(18)
    ours = int.to_bytes(way.b.ssrc, 4, "big")
    assert [one.replace(ours, b"SSRC") for one in way.wire.packets] == [
        one.replace(int.to_bytes(b.ssrc, 4, "big"), b"SSRC") for one in to_b.packets
    ]
    assert counted(way.a) == counted(a)
    assert (way.b.sent, way.b.sent_octets) == (b.sent, b.sent_octets)
    assert len(way.general) == 3  # the first one, and those that are not the next


def test_numbers_go_on_after_65535(way: Way) -> None:
    for sequence in (65_534, 65_535, 0, 1):
        way.speak(packet(sequence))
    assert [int.from_bytes(one[2:4], "big") for one in way.wire.packets] == [65_534, 65_535, 0, 1]
    assert way.a.reception.extended == 65_537


def test_another_party_goes_on_in_the_same_row(way: Way) -> None:
    c = Stream("video", 0)
    c.map = [96] * 128
    c.connect(way.b)
    BUFFER[:18] = packet(500, ssrc=0xC)
    c.receive(18)
    c.connect(None)
    for sequence in (7, 8, 9):
        way.speak(packet(sequence))
    assert [int.from_bytes(one[2:4], "big") for one in way.wire.packets] == [500, 501, 502, 503]


def test_payload_type_becomes_that_of_the_listener(way: Way) -> None:
    way.speak(packet(1))
    way.a.map = [120] * 128
    way.speak(packet(2, second=0x80 | 96))
    assert way.wire.packets[-1][1] == 0x80 | 120
    assert len(way.general) == 1


@pytest.mark.parametrize(
    "odd",
    [
        packet(2, second=200),
        packet(2, first=0x90),
        packet(2, first=0x40),
        packet(2, ssrc=0xA2),
        packet(2)[:11],
        packet(2) + bytes(1900),
    ],
    ids=["RTCP", "extension", "version 1", "another source", "short", "too long"],
)
def test_what_is_not_ordinary_takes_the_general_way(way: Way, odd: bytes) -> None:
    way.speak(packet(1))
    way.general.clear()
    way.speak(odd)
    assert len(way.general) == 1


def test_what_was_not_agreed_takes_the_general_way(way: Way) -> None:
    way.speak(packet(1))
    way.a.map = [DROP] * 128
    way.speak(packet(2))
    assert len(way.general) == 2
    assert len(way.wire.packets) == 1


def test_forged_and_repeated_packets_are_refused_and_change_nothing(make_way: Callable[..., Way]) -> None:
    phone = Protection(KEY, inbound=False)
    way = make_way(inbound=Protection(KEY, inbound=True))
    way.a.source, way.a.reception.base, way.a.reception.highest = A, 6, 6
    way.b.feed = way.a

    def protected(sequence: int) -> bytes:
        BUFFER[:18] = packet(sequence)
        return bytes(BUFFER[: phone.protect(0, 18)])

    way.speak(packet(7) + bytes(10))
    assert (way.refused, counted(way.a)) == (1, (0, 0, 1, 6))
    way.speak(protected(7))
    assert [one[12:] for one in way.wire.packets] == [b"speech"]
    again = protected(8)
    way.speak(again)
    way.a.reception.highest = 7
    way.speak(again)
    assert (way.refused, len(way.wire.packets)) == (2, 2)


def test_packet_is_encrypted_for_a_party_that_wants_it(make_way: Callable[..., Way]) -> None:
    way = make_way(outbound=Protection(KEY, inbound=False))
    way.a.source, way.a.reception.base, way.a.reception.highest = A, 6, 6
    way.b.feed = way.a
    way.speak(packet(7))
    (encrypted,) = way.wire.packets
    BUFFER[: len(encrypted)] = encrypted
    length = Protection(KEY, inbound=True).unprotect(len(encrypted))
    assert bytes(BUFFER[12:length]) == b"speech"
    assert way.b.sent_octets == 18


def test_nothing_to_read_is_nothing(way: Way) -> None:
    way.read()
    assert way.wire.packets == []
