"""RTCP of hostile parties: `python -m tests.fuzz.fuzz_rtcp [-runs=N] [-max_total_time=SECONDS] [DIR]`.

What is read is written so that it reads the same; what reaches the other party is well formed, speaks of its own
streams only, and is not longer than a few times what came. The inputs that reached something new are kept in DIR, or
in a folder `gorizont-fuzz-rtcp` among the temporary files.
"""

from pbx.media.relay import reports, rtcp
from pbx.media.relay.packet import HEADER, load
from pbx.media.relay.rtcp import Block, Feedback, Report
from pbx.media.relay.stream import Stream
from tests.fuzz.running import fuzz

A, B = 0xAAAA, 0xBBBB
ALL_FEEDBACK = frozenset({"nack", "nack pli", "ccm fir", "goog-remb", "transport-cc"})


class Wire:
    """A transport that keeps the RTCP."""

    def __init__(self) -> None:
        self.told: list[bytes] = []

    def send(self, start: int, end: int) -> None:
        """Packets are not looked at."""

    def send_rtcp(self, packet: bytes) -> None:
        self.told.append(packet)


def scene() -> tuple[Stream, Stream, Wire]:
    """Two streams in a talk, and what goes to the party of the first."""
    a, b, wire = Stream("video", 0), Stream("video", 0), Wire()
    a.ssrc, b.ssrc = 1, 2
    for one, other, ssrc in ((a, b, A), (b, a, B)):
        one.transport = wire
        one.exchange.feedback = ALL_FEEDBACK
        one.keeps = None
        one.connect(other)
        one.map = [96] * 128
        one.receive(load(HEADER.pack(0x80, 96, 7, 70, ssrc)))
    return a, b, wire


def check_rtcp(data: bytes) -> None:
    """Raises AssertionError, or whatever should not be raised."""
    for found in rtcp.read(data):
        if isinstance(found, Report) or found.kind != rtcp.OLD_FULL_INTRA:
            (again,) = rtcp.read(found.to_bytes())
            assert again == found or (isinstance(found, Report) and not found.ntp)
    _, b, wire = scene()
    reports.receive(data, [b])
    for packet in wire.told:
        assert len(packet) <= 200 + 12 * len(data)
        for found in rtcp.read(packet):
            assert (found.ssrc if isinstance(found, Report) else found.sender) in (1, 2)
            if isinstance(found, Report):
                assert all(block.ssrc in (A, B) for block in found.blocks)


_BLOCK = Block(2, 3, 4, 70_007, 5, 6, 7)
_PACKETS: dict[str, Report | Feedback] = {
    "sender": Report(B, (_BLOCK,), 1 << 63, 160, 9, 1440),
    "receiver": Report(B, (_BLOCK,)),
    "nack": rtcp.ask_again(B, 2, [(7, 1), (100, 0)]),
    "pli": rtcp.ask_for_key_frame(B, 2, loss=True, intra=False, count=1)[0],
    "fir": rtcp.ask_for_key_frame(B, 2, loss=False, intra=True, count=1)[0],
    "remb": rtcp.estimated(B, b"\x04\x12\x34", [2]),
    "wide": Feedback(rtcp.TRANSPORT_FEEDBACK, rtcp.TRANSPORT_WIDE, B, 2, bytes(8)),
}
SEEDS = {name: packet.to_bytes() for name, packet in _PACKETS.items()}


if __name__ == "__main__":
    fuzz("rtcp")
