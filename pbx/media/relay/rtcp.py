"""RTCP packets, read and written (RFC 3550 §6, RFC 4585, RFC 5104): values only, nothing is sent here.

Reading takes what it understands of a compound packet and stops at the first thing that is malformed. All of it is
hostile input: every length is checked before it is believed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from struct import Struct, error

SENDER_REPORT, RECEIVER_REPORT, DESCRIPTION, GOODBYE = 200, 201, 202, 203
TRANSPORT_FEEDBACK, PAYLOAD_FEEDBACK = 205, 206
OLD_FULL_INTRA = 192  # RFC 2032 §5.2.1, still sent by video phones

NACK, TRANSPORT_WIDE = 1, 15  # formats of transport feedback
PICTURE_LOSS, FULL_INTRA, APPLICATION = 1, 4, 15  # formats of payload feedback

EPOCH = 2_208_988_800  # seconds from 1900, where NTP begins, to 1970
MOST_PACKETS = 16  # in a compound packet; a browser has some five

_HEAD = Struct("!BBH")
_SENDER = Struct("!IQIII")
_BLOCK = Struct("!IIIIII")
_WORD = Struct("!I")
_PAIR = Struct("!HH")


@dataclass(frozen=True, slots=True)
class Block:
    """A report block: how `ssrc` arrives at the reporter. `last` and `delay` tell of the last sender report."""

    ssrc: int
    fraction: int
    lost: int
    highest: int
    jitter: int
    last: int
    delay: int

    def to_bytes(self) -> bytes:
        lost = max(-0x800000, min(self.lost, 0x7FFFFF)) & 0xFFFFFF
        return _BLOCK.pack(self.ssrc, self.fraction << 24 | lost, self.highest, self.jitter, self.last, self.delay)


@dataclass(frozen=True, slots=True)
class Report:
    """A sender's or receiver's report; `ntp` is 0 in that of a mere receiver."""

    ssrc: int
    blocks: tuple[Block, ...] = ()
    ntp: int = 0
    timestamp: int = 0
    packets: int = 0
    octets: int = 0

    def to_bytes(self) -> bytes:
        if self.ntp:
            body = _SENDER.pack(self.ssrc, self.ntp, self.timestamp, self.packets, self.octets)
            return _packet(SENDER_REPORT, len(self.blocks), body + b"".join(one.to_bytes() for one in self.blocks))
        body = _WORD.pack(self.ssrc) + b"".join(one.to_bytes() for one in self.blocks)
        return _packet(RECEIVER_REPORT, len(self.blocks), body)


@dataclass(frozen=True, slots=True)
class Feedback:
    """A message about the stream `media` (RFC 4585 §6.1); `details` are what follows the two SSRCs."""

    kind: int
    form: int
    sender: int
    media: int
    details: bytes = b""

    def to_bytes(self) -> bytes:
        return _packet(self.kind, self.form, _WORD.pack(self.sender) + _WORD.pack(self.media) + self.details)

    @property
    def wants_key_frame(self) -> bool:
        return self.kind == OLD_FULL_INTRA or (
            self.kind == PAYLOAD_FEEDBACK and self.form in (PICTURE_LOSS, FULL_INTRA)
        )

    @property
    def subjects(self) -> tuple[int, ...]:
        """The streams that it is about: FIR and REMB name them in their details."""
        if self.kind == PAYLOAD_FEEDBACK and self.form == FULL_INTRA:
            return tuple(_WORD.unpack_from(self.details, at)[0] for at in range(0, len(self.details) - 7, 8))
        bitrate = estimate(self)
        return bitrate[1] if bitrate is not None else (self.media,)


def read(data: bytes) -> Iterator[Report | Feedback]:
    """The reports and feedback of a compound packet, until something in it is malformed; other kinds are left out."""
    at = 0
    for _ in range(MOST_PACKETS):
        if len(data) - at < 4:
            return
        first, kind, words = _HEAD.unpack_from(data, at)
        end = at + 4 + 4 * words
        if first >> 6 != 2 or end > len(data):
            return
        body = data[at + 4 : end]
        at = end
        try:
            found = _read_one(kind, first & 0x1F, body)
        except error:
            return
        if found is not None:
            yield found


def _read_one(kind: int, count: int, body: bytes) -> Report | Feedback | None:
    if kind == SENDER_REPORT:
        ssrc, ntp, timestamp, packets, octets = _SENDER.unpack_from(body)
        return Report(ssrc, _blocks(body, _SENDER.size, count), ntp, timestamp, packets, octets)
    if kind == RECEIVER_REPORT:
        (ssrc,) = _WORD.unpack_from(body)
        return Report(ssrc, _blocks(body, 4, count))
    if kind in (TRANSPORT_FEEDBACK, PAYLOAD_FEEDBACK):
        return Feedback(kind, count, _WORD.unpack_from(body)[0], _WORD.unpack_from(body, 4)[0], body[8:])
    if kind == OLD_FULL_INTRA:
        return Feedback(kind, 0, 0, _WORD.unpack_from(body)[0])
    return None


def _blocks(body: bytes, at: int, count: int) -> tuple[Block, ...]:
    blocks = []
    for number in range(count):
        ssrc, loss, highest, jitter, last, delay = _BLOCK.unpack_from(body, at + number * _BLOCK.size)
        lost = loss & 0xFFFFFF
        blocks.append(Block(ssrc, loss >> 24, lost - (lost >> 23 << 24), highest, jitter, last, delay))
    return tuple(blocks)


def described_as(ssrc: int, name: str) -> bytes:
    """SDES with the CNAME, which every compound packet has."""
    text = name.encode()[:255]
    chunk = _WORD.pack(ssrc) + bytes((1, len(text))) + text + b"\0"
    return _packet(DESCRIPTION, 1, chunk + bytes(-len(chunk) % 4))


def lost_packets(nack: Feedback) -> Iterator[tuple[int, int]]:
    """What a NACK asks for again: a sequence number, and a bit for each of the 16 that follow it (RFC 4585 §6.2.1)."""
    yield from _PAIR.iter_unpack(nack.details[: len(nack.details) & ~3])


def ask_again(sender: int, media: int, lost: Iterable[tuple[int, int]]) -> Feedback:
    """The NACK for those packets, as `lost_packets` gives them."""
    return Feedback(TRANSPORT_FEEDBACK, NACK, sender, media, b"".join(_PAIR.pack(*pair) for pair in lost))


def ask_for_key_frame(sender: int, media: int, *, loss: bool, intra: bool, count: int) -> list[Feedback]:
    """PLI (`loss`), FIR (`intra`, RFC 5104 §4.3.1, numbered by `count`) or both."""
    asked = []
    if loss:
        asked.append(Feedback(PAYLOAD_FEEDBACK, PICTURE_LOSS, sender, media))
    if intra:
        details = _WORD.pack(media) + bytes((count & 0xFF, 0, 0, 0))
        asked.append(Feedback(PAYLOAD_FEEDBACK, FULL_INTRA, sender, 0, details))
    return asked


def estimate(feedback: Feedback) -> tuple[bytes, tuple[int, ...]] | None:
    """REMB (draft-alvestrand-rmcat-remb): its bit rate as it stands, and the streams that share it; None without."""
    details = feedback.details
    if feedback.kind != PAYLOAD_FEEDBACK or feedback.form != APPLICATION or details[:4] != b"REMB" or len(details) < 8:
        return None
    count = details[4]
    if len(details) < 8 + 4 * count:
        return None
    return details[5:8], tuple(_WORD.unpack_from(details, 8 + 4 * number)[0] for number in range(count))


def estimated(sender: int, rate: bytes, streams: Iterable[int]) -> Feedback:
    """A REMB; `rate` as `estimate` gives it."""
    named = [_WORD.pack(ssrc) for ssrc in streams]
    details = b"REMB" + bytes((len(named),)) + rate + b"".join(named)
    return Feedback(PAYLOAD_FEEDBACK, APPLICATION, sender, 0, details)


def ntp_time(seconds: float) -> int:
    """A time since 1970 as NTP writes it, in units of 2**-32 s since 1900."""
    return int((seconds + EPOCH) * (1 << 32)) & 0xFFFFFFFFFFFFFFFF


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return _HEAD.pack(0x80 | count, kind, len(body) // 4) + body
