"""The way of a packet through a stream: renumbered as one row, whoever feeds it."""

from pbx.media.relay.formats import CONVERT, DROP
from pbx.media.relay.packet import HEADER, load
from pbx.media.relay.stream import Stream
from sip.sdp.codecs import Codec
from tests.unit.pbx.media.test_reports import A, B, Wire, joined, speak


def sent(wire: Wire) -> list[tuple[int, int, int, int]]:
    """Payload type with marker, sequence, timestamp and SSRC of each packet."""
    return [HEADER.unpack_from(packet)[1:] for packet in wire.packets]


def test_packets_keep_their_numbers_and_get_our_ssrc_and_their_payload_type() -> None:
    a, b, _, to_b = joined()
    a.map = [DROP] * 128
    a.map[96] = 120
    a.receive(load(HEADER.pack(0x80, 0x80 | 96, 7, 70, A) + b"x"))
    assert sent(to_b) == [(0x80 | 120, 7, 70, b.ssrc)]
    assert to_b.packets[0][12:] == b"x"


def test_what_was_not_agreed_is_not_sent_on() -> None:
    a, _, _, to_b = joined()
    a.map = [DROP] * 128
    speak(a, A, range(3))
    assert to_b.packets == []
    assert a.reception.packets == 0


def test_what_comes_while_on_hold_is_counted_and_kept() -> None:
    a, _, _, to_b = joined()
    a.map = [DROP] * 128
    a.exchange.ours = (Codec(96, "VP8", 90_000),)
    speak(a, A, range(3))
    assert to_b.packets == []
    assert a.reception.packets == 3
    assert a.reception.lost == 0


def test_another_source_goes_on_where_the_first_one_ended() -> None:
    a, b, _, to_b = joined()
    speak(a, A, range(10, 13))
    speak(a, 0xA2, range(5000, 5003), timestamp=77)
    numbers = [sequence for _, sequence, _, _ in sent(to_b)]
    assert numbers == [10, 11, 12, 13, 14, 15]
    assert {ssrc for *_, ssrc in sent(to_b)} == {b.ssrc}
    times = [timestamp for _, _, timestamp, _ in sent(to_b)]
    assert 1000 < times[3] < 1000 + 90_000


def test_source_that_counts_anew_goes_on_where_it_ended() -> None:
    """A gateway that begins again after hold and keeps its SSRC: what we send has to be one row, or SRTP drops it."""
    a, _, _, to_b = joined()
    speak(a, A, range(30_000, 30_003))
    speak(a, A, range(5000, 5003), timestamp=77)
    assert [sequence for _, sequence, _, _ in sent(to_b)] == list(range(30_000, 30_006))
    assert sent(to_b)[3][2] > 1000
    assert a.reception.lost == 0


def test_late_packet_keeps_its_place() -> None:
    a, _, _, to_b = joined()
    speak(a, A, [10, 11, 13, 12, 14])
    assert [sequence for _, sequence, _, _ in sent(to_b)] == [10, 11, 13, 12, 14]


def test_time_goes_on_by_the_clock_that_both_sides_agreed_to() -> None:
    """A browser names Opus first, but talks G.711 with a phone that has nothing else: a second is 8000 steps."""
    a, _, _, _ = joined("audio")
    opus, pcmu = Codec(111, "opus", 48_000, 2), Codec(0, "PCMU", 8000)
    a.exchange.theirs = (opus, pcmu)
    assert a.clock == 8000, "nothing is agreed: as what comes"
    a.exchange.ours = (pcmu,)
    assert a.clock == 8000
    a.exchange.ours = (opus, pcmu)
    assert a.clock == 48_000


def test_another_party_goes_on_where_the_first_one_ended() -> None:
    a, b, _, to_b = joined()
    c = Stream("video", 0)
    c.map = [96] * 128
    speak(a, A, range(10, 13))
    a.connect(None)
    c.connect(b)
    speak(c, 0xC, range(900, 903))
    assert [sequence for _, sequence, _, _ in sent(to_b)] == [10, 11, 12, 13, 14, 15]


def test_loss_of_the_source_is_loss_for_the_listener() -> None:
    a, _, _, to_b = joined()
    speak(a, A, [10, 12])
    assert [sequence for _, sequence, _, _ in sent(to_b)] == [10, 12]
    assert a.reception.lost == 1


def test_player_goes_first_and_the_party_comes_back() -> None:
    a, b, _, to_b = joined()
    speak(a, A, [10])

    class Music:
        def position(self) -> tuple[int, int, float]:
            return 20, 2000, 0.0

    b.player = Music()
    sequence, _ = b.continue_as(b.player)
    assert sequence == 11
    speak(a, A, [11, 12])
    assert len(to_b.packets) == 1
    b.player = None
    speak(a, A, [13])
    assert sent(to_b)[-1][1] == 21


def test_header_extension_is_taken_out_where_it_was_not_agreed() -> None:
    a, b, _, to_b = joined()
    extended = HEADER.pack(0x90, 96, 1, 1, A) + b"\xbe\xde\x00\x01\x10A\x00\x00" + b"x"
    a.receive(load(extended))
    assert to_b.packets[-1][12:] == b"x"
    assert to_b.packets[-1][0] == 0x80
    b.keeps = frozenset({1})
    a.receive(load(HEADER.pack(0x90, 96, 2, 1, A) + extended[12:]))
    assert to_b.packets[-1][12:] == extended[12:]


def test_packet_with_a_broken_extension_is_dropped() -> None:
    a, _, _, to_b = joined()
    a.receive(load(HEADER.pack(0x90, 96, 1, 1, A) + b"\xbe\xde\xff\xff\x10A\x00\x00"))
    assert to_b.packets == []


def test_converter_gets_what_can_not_go_as_it_is() -> None:
    a, _, _, to_b = joined()
    got: list[tuple[int, int, int]] = []
    a.map = [CONVERT] * 128
    a.convert = lambda *packet: got.append(packet)
    a.receive(load(HEADER.pack(0x80, 0, 5, 50, B) + b"xyz"))
    assert got == [(15, 5, 50)]
    assert to_b.packets == []
