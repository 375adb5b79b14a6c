"""What one party reports, in the numbers of the other: SSRC, sequence, timestamp, kind of request."""

import time
from collections.abc import Iterable

import pytest

from pbx.media.relay import reports, rtcp
from pbx.media.relay.packet import BUFFER, HEADER, load
from pbx.media.relay.rtcp import Block, Feedback, Report
from pbx.media.relay.stream import Stream


class Wire:
    """A transport that keeps what it is given."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []
        self.reports: list[bytes] = []

    def send(self, start: int, end: int) -> None:
        self.packets.append(bytes(BUFFER[start:end]))

    def send_rtcp(self, packet: bytes) -> None:
        self.reports.append(packet)

    def told(self) -> list[Report | Feedback]:
        """What the last compound packet holds, empty reports left out."""
        found = list(rtcp.read(self.reports[-1])) if self.reports else []
        return [one for one in found if not (isinstance(one, Report) and not one.blocks and not one.ntp)]


def joined(kind: str = "video") -> tuple[Stream, Stream, Wire, Wire]:
    """Two streams that feed each other, with what goes to their parties."""
    a, b, to_a, to_b = Stream(kind, 0), Stream(kind, 0), Wire(), Wire()
    a.transport, b.transport = to_a, to_b
    for one, other in ((a, b), (b, a)):
        one.connect(other)
        one.map = [96] * 128
    return a, b, to_a, to_b


def speak(stream: Stream, ssrc: int, sequences: Iterable[int], timestamp: int = 1000) -> None:
    for sequence in sequences:
        stream.receive(load(HEADER.pack(0x80, 96, sequence, timestamp, ssrc) + b"picture"))


A, B = 0xAAAA, 0xBBBB  # the SSRCs of the parties


@pytest.fixture
def talk() -> tuple[Stream, Stream, Wire, Wire]:
    a, b, to_a, to_b = joined()
    speak(a, A, range(10))
    speak(b, B, range(500, 510))
    return a, b, to_a, to_b


def test_sender_report_goes_over_under_our_name(talk: tuple[Stream, Stream, Wire, Wire]) -> None:
    a, b, _, to_b = talk
    reports.receive(Report(A, (), ntp=5 << 32, timestamp=1234, packets=1, octets=1).to_bytes(), [a])
    (told,) = to_b.told()
    assert isinstance(told, Report)
    assert (told.ssrc, told.ntp, told.timestamp, told.packets) == (b.ssrc, 5 << 32, 1234, 10)


def test_block_comes_back_in_the_senders_own_numbers(talk: tuple[Stream, Stream, Wire, Wire]) -> None:
    a, b, to_a, to_b = talk
    a.source, kept = -1, a.source  # the first party begins anew, and its numbers are shifted for the second
    speak(a, 0xA2, range(3000, 3010))
    assert kept == A
    left = int.from_bytes(to_b.packets[-1][2:4], "big")
    assert left != 3009
    block = Block(b.ssrc, 10, 2, left, 5, 77, 0)
    reports.receive(Report(B, (block,)).to_bytes(), [b])
    (told,) = to_a.told()
    assert isinstance(told, Report)
    assert told.blocks[0].ssrc == 0xA2
    assert told.blocks[0].highest & 0xFFFF == 3009
    assert told.blocks[0].last == 77
    assert b.correspondence.remote_lost == 2


def test_round_trip_is_measured_by_the_report_that_went_over(talk: tuple[Stream, Stream, Wire, Wire]) -> None:
    a, b, _, _ = talk
    reports.receive(Report(A, (), ntp=0x1234_5678_9ABC_DEF0).to_bytes(), [a])
    block = Block(b.ssrc, 0, 0, 9, 0, 0x5678_9ABC, 0)
    reports.receive(Report(B, (block,)).to_bytes(), [b])
    assert b.correspondence.round_trip is not None
    assert 0 <= b.correspondence.round_trip < 1
    assert a.correspondence.round_trip is None


@pytest.mark.parametrize(
    ("takes", "expected"),
    [
        ({"nack pli"}, [rtcp.PICTURE_LOSS]),
        ({"ccm fir"}, [rtcp.FULL_INTRA]),
        ({"nack pli", "ccm fir"}, [rtcp.PICTURE_LOSS]),
        (set(), [rtcp.PICTURE_LOSS, rtcp.FULL_INTRA]),
    ],
)
@pytest.mark.parametrize("asked", ["loss", "intra"])
def test_request_for_a_picture_is_made_in_the_form_that_the_sender_takes(
    talk: tuple[Stream, Stream, Wire, Wire], takes: set[str], expected: list[int], asked: str
) -> None:
    a, b, to_a, _ = talk
    a.exchange.feedback = frozenset(takes)
    (request,) = rtcp.ask_for_key_frame(B, b.ssrc, loss=asked == "loss", intra=asked == "intra", count=1)
    reports.receive(request.to_bytes(), [b])
    told = to_a.told()
    assert [one.form for one in told if isinstance(one, Feedback)] == expected
    assert all(isinstance(one, Feedback) and one.subjects == (A,) for one in told)


def test_many_requests_for_a_picture_become_one(talk: tuple[Stream, Stream, Wire, Wire]) -> None:
    """Old phones take eight octets for one, and what we make of it is four times as long."""
    a, b, to_a, _ = talk
    a.exchange.feedback = frozenset({"nack"})
    again = rtcp.ask_again(B, b.ssrc, [(3, 0)]).to_bytes()
    old = bytes((0x80, rtcp.OLD_FULL_INTRA, 0, 1)) + B.to_bytes(4, "big")
    (new,) = rtcp.ask_for_key_frame(B, b.ssrc, loss=True, intra=False, count=1)
    reports.receive(again + 7 * old + 7 * new.to_bytes(), [b])
    assert [(one.kind, one.form) for one in to_a.told() if isinstance(one, Feedback)] == [
        (rtcp.TRANSPORT_FEEDBACK, rtcp.NACK),
        (rtcp.PAYLOAD_FEEDBACK, rtcp.PICTURE_LOSS),
        (rtcp.PAYLOAD_FEEDBACK, rtcp.FULL_INTRA),
    ]


def test_lost_packets_are_asked_for_by_the_senders_numbers(talk: tuple[Stream, Stream, Wire, Wire]) -> None:
    a, b, to_a, to_b = talk
    lost = [(int.from_bytes(to_b.packets[3][2:4], "big"), 0b101)]
    reports.receive(rtcp.ask_again(B, b.ssrc, lost).to_bytes(), [b])
    assert to_a.told() == [], "the sender keeps no packets for that"
    a.exchange.feedback = frozenset({"nack"})
    reports.receive(rtcp.ask_again(B, b.ssrc, lost).to_bytes(), [b])
    (told,) = to_a.told()
    assert isinstance(told, Feedback)
    assert told.media == A
    assert list(rtcp.lost_packets(told)) == [(3, 0b101)]


def test_lost_packets_of_a_source_that_began_anew_are_asked_for_by_its_new_numbers(
    talk: tuple[Stream, Stream, Wire, Wire],
) -> None:
    a, b, to_a, to_b = talk
    a.exchange.feedback = frozenset({"nack"})
    speak(a, 0xA2, range(65_534, 65_536))
    lost = [(int.from_bytes(to_b.packets[-1][2:4], "big"), 0b11)]
    reports.receive(rtcp.ask_again(B, b.ssrc, lost).to_bytes(), [b])
    (told,) = to_a.told()
    assert isinstance(told, Feedback)
    assert (told.media, list(rtcp.lost_packets(told))) == (0xA2, [(65_535, 0b11)])


def test_request_for_thousands_of_packets_costs_no_more_than_it_says(talk: tuple[Stream, Stream, Wire, Wire]) -> None:
    """Somebody who asks for all there are, in each packet, must not hold up the calls of others."""
    a, b, to_a, _ = talk
    a.exchange.feedback = frozenset({"nack"})
    lost = [(17 * number, 0xFFFF) for number in range(460)]
    packet = rtcp.ask_again(B, b.ssrc, lost).to_bytes()
    taken = []
    for _ in range(5):
        began = time.thread_time()
        reports.receive(packet, [b])
        taken.append(time.thread_time() - began)
    assert min(taken) < 0.002  # seconds; number by number it was some milliseconds
    assert len(to_a.told()) == 1


def test_estimate_goes_to_a_sender_that_knows_it(talk: tuple[Stream, Stream, Wire, Wire]) -> None:
    a, b, to_a, _ = talk
    remb = rtcp.estimated(B, b"\x04\x12\x34", [b.ssrc])
    reports.receive(remb.to_bytes(), [b])
    assert to_a.told() == []
    a.exchange.feedback = frozenset({"goog-remb"})
    reports.receive(remb.to_bytes(), [b])
    (told,) = to_a.told()
    assert isinstance(told, Feedback)
    assert rtcp.estimate(told) == (b"\x04\x12\x34", (A,))


def test_report_about_another_stream_is_not_believed(talk: tuple[Stream, Stream, Wire, Wire]) -> None:
    _, b, to_a, _ = talk
    reports.receive(Report(B, (Block(0xDEAD, 9, 9, 9, 9, 9, 9),)).to_bytes(), [b])
    reports.receive(rtcp.ask_again(B, 0xDEAD, [(3, 0)]).to_bytes(), [b])
    assert to_a.told() == []
    assert b.correspondence.remote_lost == 0


def test_party_that_hears_of_nobody_gets_reports_of_our_own(talk: tuple[Stream, Stream, Wire, Wire]) -> None:
    a, b, to_a, _ = talk
    now = 1e9
    reports.report(a, now)
    (told,) = to_a.told()
    assert isinstance(told, Report)
    assert told.ssrc == a.ssrc
    assert told.packets == 10
    assert told.blocks[0].ssrc == A
    reports.report(a, now + 1)
    assert len(to_a.reports) == 1, "not more often than every five seconds"
    assert b.correspondence.reported == 0.0


def test_reports_of_ours_do_not_go_between_those_from_across(talk: tuple[Stream, Stream, Wire, Wire]) -> None:
    """They would tell the time of another clock, and the listener would shift sound against picture."""
    a, b, _, to_b = talk
    reports.receive(Report(A, (), ntp=5 << 32, timestamp=1234).to_bytes(), [a])
    came = b.correspondence.relayed
    for late in (5.1, 7.5, reports.SILENT - 0.1):
        reports.report(b, came + late)
    assert len(to_b.reports) == 1
    reports.report(b, came + reports.SILENT)
    assert len(to_b.reports) == 2, "nothing comes from across any more"


def test_time_of_our_own_report_is_not_told_to_the_party_across(talk: tuple[Stream, Stream, Wire, Wire]) -> None:
    """It would compute its round trip from the clock of somebody else."""
    a, b, to_a, to_b = talk
    reports.report(b, 1e9)
    (ours,) = to_b.told()
    assert isinstance(ours, Report)
    block = Block(b.ssrc, 0, 0, 9, 0, ours.ntp >> 16 & 0xFFFFFFFF, 65_536)
    reports.receive(Report(B, (block,)).to_bytes(), [b])
    (told,) = to_a.told()
    assert isinstance(told, Report)
    assert (told.blocks[0].ssrc, told.blocks[0].last, told.blocks[0].delay) == (A, 0, 0)
    assert a.correspondence.round_trip is None


def test_no_request_about_speech(talk: tuple[Stream, Stream, Wire, Wire]) -> None:
    a, b, to_a, _ = joined("audio")
    speak(a, A, range(10))
    (request,) = rtcp.ask_for_key_frame(B, b.ssrc, loss=True, intra=False, count=1)
    reports.receive(request.to_bytes(), [b])
    assert to_a.told() == []
