"""RTP of hostile parties: `python -m tests.fuzz.fuzz_rtp [-runs=N] [-max_total_time=SECONDS] [DIR]`.

Whatever comes goes on as a packet of ours, or not at all: never longer than it came, never under another's SSRC, with
no header extension that was not agreed. The inputs that reached something new are kept in DIR, or in a folder
`gorizont-fuzz-rtp` among the temporary files.
"""

from pbx.media.relay.formats import CONVERT, DROP
from pbx.media.relay.packet import BUFFER, HEADER, HEADER_LENGTH, LONGEST, extension, load, payload
from pbx.media.relay.stream import Stream
from pbx.media.relay.transcoder import Transcoder
from sip.sdp.codecs import Codec
from tests.fuzz.running import fuzz

OPUS, PCMA, KEYS = Codec(111, "opus", 48_000, 2), Codec(8, "PCMA", 8000), Codec(101, "telephone-event", 8000)


class Sink:
    """A transport that looks at what it is given."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def send(self, start: int, end: int) -> None:
        self.sent.append(bytes(BUFFER[start:end]))

    def send_rtcp(self, packet: bytes) -> None:
        raise AssertionError("no RTCP was asked for")


def check_rtp(data: bytes) -> None:
    """Raises AssertionError, or whatever should not be raised."""
    if not HEADER_LENGTH <= len(data) <= LONGEST or data[0] >> 6 != 2:
        return  # what a transport lets nobody have
    for keeps in (frozenset[int](), frozenset({1, 3}), None):
        source, target, sink = Stream("video", 0), Stream("video", 0), Sink()
        target.transport, target.keeps = sink, keeps
        source.connect(target)
        source.map = [DROP, *range(1, 127), DROP]
        for _ in range(2):
            source.receive(load(data))
        for packet in sink.sent:
            assert len(packet) <= len(data)
            assert packet[8:12] == target.ssrc.to_bytes(4, "big")
            if keeps is not None:
                length = load(packet)
                assert not any(extension(length, number) for number in range(16, 256) if number not in keeps)
                assert keeps or not packet[0] & 0x10
    _convert(data)


def _convert(data: bytes) -> None:
    source, target, sink = Stream("audio", 0), Stream("audio", 0), Sink()
    source.exchange.ours = source.exchange.theirs = (OPUS, KEYS)
    target.exchange.ours = target.exchange.theirs = (PCMA, KEYS)
    target.transport = sink
    source.connect(target)
    source.map = [CONVERT] * 128
    source.convert = Transcoder(source, target).convert
    source.receive(load(data))
    payload(load(data))


_HEAD = HEADER.pack(0x90, 111, 1, 960, 7)
SEEDS = {
    "plain": HEADER.pack(0x80, 96, 1, 90, 7) + b"picture",
    "extended": _HEAD + b"\xbe\xde\x00\x02\x10A\x22BBB\x00\x00speech",
    "two bytes": _HEAD + b"\x10\x00\x00\x01\x01\x01A\x00speech",
    "event": HEADER.pack(0x80, 101, 1, 960, 7) + b"\x05\x0a\x00\xa0",
}


if __name__ == "__main__":
    fuzz("rtp")
