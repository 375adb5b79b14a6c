"""Payload types and what they stand for: rtpmap, fmtp and the static types of RFC 3551."""

from collections.abc import Iterable
from dataclasses import dataclass

from sip.sdp.description import MediaDescription
from sip.sdp.errors import SdpError
from sip.sdp.lines import Attribute

TELEPHONE_EVENT = "telephone-event"  # RFC 4733
DIALPAD = frozenset(range(16))  # RFC 4733 §3.2: 0-9, *, #, A-D

# RFC 3551 §6, tables 4 and 5: name, clock rate, channels. G.722 has 8000 there by an old mistake, and keeps it.
STATIC_PAYLOAD_TYPES = {
    0: ("PCMU", 8000, 1),
    3: ("GSM", 8000, 1),
    4: ("G723", 8000, 1),
    5: ("DVI4", 8000, 1),
    6: ("DVI4", 16000, 1),
    7: ("LPC", 8000, 1),
    8: ("PCMA", 8000, 1),
    9: ("G722", 8000, 1),
    10: ("L16", 44100, 2),
    11: ("L16", 44100, 1),
    12: ("QCELP", 8000, 1),
    13: ("CN", 8000, 1),
    14: ("MPA", 90000, 1),
    15: ("G728", 8000, 1),
    16: ("DVI4", 11025, 1),
    17: ("DVI4", 22050, 1),
    18: ("G729", 8000, 1),
    25: ("CelB", 90000, 1),
    26: ("JPEG", 90000, 1),
    28: ("nv", 90000, 1),
    31: ("H261", 90000, 1),
    32: ("MPV", 90000, 1),
    33: ("MP2T", 90000, 1),
    34: ("H263", 90000, 1),
}

# They go beside speech and are no reason to set up a stream.
_COMPANIONS = frozenset({TELEPHONE_EVENT, "cn", "red", "rtx", "ulpfec", "flexfec-03"})


@dataclass(frozen=True, slots=True)
class Codec:
    """One payload type of a stream. `rate` is the RTP clock in Hz; `parameters` is the text of its fmtp."""

    payload_type: int
    name: str
    rate: int
    channels: int = 1
    parameters: str = ""

    @property
    def is_telephone_event(self) -> bool:
        return self.name.lower() == TELEPHONE_EVENT

    @property
    def is_companion(self) -> bool:
        """Whether it only accompanies speech or video: DTMF, comfort noise, redundancy, retransmission."""
        return self.name.lower() in _COMPANIONS

    def same_as(self, other: "Codec") -> bool:
        """Whether both are the same encoding, whatever their payload types (RFC 3264 §6.1).

        The parameters are not compared: how they bind differs from codec to codec.
        """
        return (self.name.lower(), self.rate, self.channels) == (other.name.lower(), other.rate, other.channels)

    def parameter(self, name: str) -> str | None:
        """One `name=value` of the fmtp, names in any case; None where it is not there."""
        for part in self.parameters.split(";"):
            key, _, value = part.strip().partition("=")
            if key.lower() == name.lower():
                return value
        return None

    def events(self) -> frozenset[int]:
        """The events that a telephone-event payload takes; the dial pad when nothing says (RFC 4733 §2.4.1).

        Raises SdpError for a list that is none.
        """
        if not self.parameters.strip():
            return DIALPAD
        events: set[int] = set()
        for part in self.parameters.split(","):
            first, dash, last = part.strip(" \t").partition("-")
            low, high = _octet(first), _octet(last if dash else first)
            if low is None or high is None or low > high:
                raise SdpError("telephone-event has a malformed list of events")
            events.update(range(low, high + 1))
        return frozenset(events)

    def attributes(self) -> tuple[Attribute, ...]:
        """a=rtpmap and, with parameters, a=fmtp."""
        channels = f"/{self.channels}" if self.channels > 1 else ""
        rtpmap = Attribute("rtpmap", f"{self.payload_type} {self.name}/{self.rate}{channels}")
        if not self.parameters:
            return (rtpmap,)
        return (rtpmap, Attribute("fmtp", f"{self.payload_type} {self.parameters}"))


def codecs(media: MediaDescription) -> tuple[Codec, ...]:
    """The codecs of an RTP stream in the order of preference; none for a stream that is not RTP.

    A dynamic payload type without a readable rtpmap is left out: nobody can know what it is. The fmtp may stand
    before its rtpmap.
    """
    if "RTP" not in media.protocol.upper():
        return ()
    maps = _by_payload_type(media.values("rtpmap"))
    parameters = _by_payload_type(media.values("fmtp"))
    found: list[Codec] = []
    for text in media.formats:
        payload_type = _octet(text)
        if payload_type is None or payload_type > 127:
            continue
        encoding = _encoding(maps[text]) if text in maps else STATIC_PAYLOAD_TYPES.get(payload_type)
        if encoding is not None:
            found.append(Codec(payload_type, *encoding, parameters.get(text, "")))
    return tuple(found)


def common(offered: Iterable[Codec], known: Iterable[Codec]) -> tuple[Codec, ...]:
    """The offered codecs that are also known, in the offer's order and with its payload types."""
    known = tuple(known)
    return tuple(codec for codec in offered if any(codec.same_as(other) for other in known))


def telephone_events(media: MediaDescription) -> tuple[Codec, ...]:
    """The payload types that carry DTMF (RFC 4733), one for each clock rate."""
    return tuple(codec for codec in codecs(media) if codec.is_telephone_event)


def packet_time(media: MediaDescription) -> float | None:
    """a=ptime in milliseconds (RFC 8866 §6.4); None when it is not there or no sensible number."""
    text = media.value("ptime")
    try:
        milliseconds = float(text) if text is not None else 0.0
    except ValueError:
        return None
    return milliseconds if 0 < milliseconds <= 1000 else None


def _by_payload_type(values: Iterable[str]) -> dict[str, str]:
    """Values such as "101 0-15" by their first word; of two for one payload type the first counts."""
    found: dict[str, str] = {}
    for value in values:
        payload_type, _, rest = value.strip(" \t").partition(" ")
        found.setdefault(payload_type, rest.strip(" \t"))
    return found


def _encoding(text: str) -> tuple[str, int, int] | None:
    """ "opus/48000/2" as name, rate and channels; None when it is nothing of that kind."""
    name, _, rest = text.partition("/")
    rate, _, channels = rest.partition("/")
    if not name or not _is_count(rate) or (channels and not _is_count(channels)):
        # RFC 4475's sdp01 has an rtpmap without a rate; a stream with it may still have other codecs.
        return None
    return name, int(rate), int(channels or 1)


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9 and int(text) > 0


def _octet(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 and int(text) < 256 else None
