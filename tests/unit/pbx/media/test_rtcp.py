"""RTCP read and written: what is written reads the same, what is malformed ends the reading."""

import struct

import pytest

from pbx.media.relay import rtcp
from pbx.media.relay.rtcp import Block, Feedback, Report

BLOCK = Block(7, 12, -3, 70_000, 55, 0x12345678, 65_536)
PACKETS = [
    Report(1, (BLOCK,), ntp=1 << 63, timestamp=160, packets=9, octets=1440),
    Report(1, ()),
    Report(1, (BLOCK, BLOCK)),
    Feedback(rtcp.PAYLOAD_FEEDBACK, rtcp.PICTURE_LOSS, 1, 2),
    rtcp.ask_again(1, 2, [(10, 0x8001), (300, 0)]),
    rtcp.estimated(1, b"\x04\x12\x34", [5, 6]),
]


@pytest.mark.parametrize("packet", PACKETS, ids=lambda packet: type(packet).__name__)
def test_what_is_written_reads_the_same(packet: Report | Feedback) -> None:
    assert list(rtcp.read(packet.to_bytes())) == [packet]


def test_compound_packet_is_read_in_order_and_the_description_left_out() -> None:
    data = PACKETS[1].to_bytes() + rtcp.described_as(1, "name") + PACKETS[3].to_bytes()
    assert list(rtcp.read(data)) == [PACKETS[1], PACKETS[3]]


@pytest.mark.parametrize("cut", range(1, 52))
def test_packet_that_is_cut_off_is_not_read(cut: int) -> None:
    data = PACKETS[1].to_bytes() + PACKETS[0].to_bytes()
    assert list(rtcp.read(data[: 8 + 52 - cut])) == [PACKETS[1]]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80",
        b"\x80\xc8\x00\x01\x00\x00\x00\x00",  # a sender report without its numbers
        b"\x9f\xc9\x00\x01\x00\x00\x00\x00",  # 31 blocks that are not there
        b"\x00\xc9\x00\x01\x00\x00\x00\x00",  # version 0
        b"\x81\xce\x00\x00",  # feedback about nothing
        b"\x80\xc0\x00\x00",
    ],
)
def test_malformed_packet_is_nothing(data: bytes) -> None:
    assert list(rtcp.read(data)) == []


def test_lost_packets_are_read_as_the_standard_writes_them() -> None:
    asked = Feedback(rtcp.TRANSPORT_FEEDBACK, rtcp.NACK, 1, 2, bytes.fromhex("fffe 4003 0028 0000 ff"))
    assert list(rtcp.lost_packets(asked)) == [(0xFFFE, 0x4003), (0x28, 0)]


def test_both_requests_for_a_key_frame_name_the_stream() -> None:
    loss, intra = rtcp.ask_for_key_frame(1, 2, loss=True, intra=True, count=5)
    assert loss.wants_key_frame
    assert loss.subjects == (2,)
    assert intra.wants_key_frame
    assert intra.subjects == (2,)
    assert intra.details[4] == 5


def test_the_old_request_for_a_full_picture_is_understood() -> None:
    (asked,) = rtcp.read(struct.pack("!BBHI", 0x80, 192, 1, 9))
    assert isinstance(asked, Feedback)
    assert asked.wants_key_frame
    assert asked.subjects == (9,)


def test_estimate_that_names_more_streams_than_it_has_is_none() -> None:
    assert rtcp.estimate(Feedback(rtcp.PAYLOAD_FEEDBACK, rtcp.APPLICATION, 1, 0, b"REMB\x09\0\0\0")) is None


def test_name_is_padded_to_words() -> None:
    for length in range(12):
        assert len(rtcp.described_as(1, "n" * length)) % 4 == 0
