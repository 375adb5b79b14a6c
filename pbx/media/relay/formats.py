"""Payload types: which codecs the two sides of a stream have in common, and what each calls them.

A payload type names a codec within one stream of one party. What a party may send carries the numbers of our
description to it; what it gets carries the numbers of its own. So each number that comes is looked up in a table and
replaced by the far side's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from pbx.media.plane import MediaProfile
from sip.sdp.codecs import STATIC_PAYLOAD_TYPES, TELEPHONE_EVENT, Codec
from sip.sdp.negotiation import Direction

DROP, CONVERT = -1, -2

# What can be decoded and encoded here; with these names in lower case.
CONVERTIBLE = frozenset({"opus", "g722", "pcmu", "pcma"})

# What a browser and a telephone can have in common (RFC 7874, RFC 7742).
SHARED_WITH_BROWSERS = {
    "audio": frozenset({"opus", "g722", "pcmu", "pcma", TELEPHONE_EVENT, "cn"}),
    "video": frozenset({"h264", "vp8"}),
}
# They go with one stream of packets only, and ours is another one: retransmission under an SSRC of its own,
# redundancy that names payload types inside.
_BOUND_TO_THEIR_STREAM = frozenset({"rtx", "red", "ulpfec", "flexfec-03"})

KEYS_RATE = 8000  # Hz, of telephone-event as every phone has it

# Offered beside what a party has, if it has no G.711: every telephone has that.
FALLBACK = tuple(Codec(number, *STATIC_PAYLOAD_TYPES[number]) for number in (8, 0))

_DYNAMIC = (*range(96, 128), *range(35, 64))  # RFC 3551 §3, RFC 5761 §4: not 64 to 95, which look like RTCP


@dataclass(slots=True)
class Exchange:
    """What was agreed with one party about one stream.

    `ours` is how we have described it, which is what the party may send; `theirs` how the party has, which is what
    it may be sent. `numbers` remembers which payload type stands for which codec towards this party: it never comes
    to mean another (RFC 3264 §8.3.2). `feedback` are the kinds of a=rtcp-fb that the party takes. `current` is the
    codec that it most probably speaks.
    """

    ours: tuple[Codec, ...] = ()
    theirs: tuple[Codec, ...] = ()
    feedback: frozenset[str] = frozenset()
    current: Codec | None = None
    direction: Direction = Direction.SENDRECV
    numbers: dict[str, int] = field(default_factory=dict)

    def expects(self, payload_type: int) -> bool:
        """Whether the party may use that payload type, wherever it goes from here."""
        return any(codec.payload_type == payload_type for codec in (*self.ours, *self.theirs))

    def playable(self) -> Codec | None:
        """What can be encoded for the party: what it speaks, else what it has agreed to."""
        agreed = [codec for codec in self.theirs if counterpart(codec, self.ours) is not None]
        return convertible([*([self.current] if self.current else []), *agreed])

    def numbered(self, codecs: Iterable[Codec]) -> tuple[Codec, ...]:
        """The codecs with the payload types that they have towards this party."""
        numbered: list[Codec] = []
        used = set(self.numbers.values())
        for codec in codecs:
            name = identity(codec)
            number = self.numbers.get(name)
            if number is None:
                number = codec.payload_type
                if number in used:
                    number = next((one for one in _DYNAMIC if one not in used), -1)
                    if number < 0:
                        continue
                self.numbers[name] = number
                used.add(number)
            numbered.append(replace(codec, payload_type=number))
        return tuple(numbered)

    def learn(self, codecs: Iterable[Codec]) -> None:
        """Remembers the payload types that the party itself has chosen."""
        used = set(self.numbers.values())
        for codec in codecs:
            if codec.payload_type not in used:
                self.numbers.setdefault(identity(codec), codec.payload_type)
                used.add(codec.payload_type)


def identity(codec: Codec) -> str:
    """What makes a codec another one: for H.264 and VP9 also what can't be changed within a stream."""
    name = f"{codec.name.lower()}/{codec.rate}/{codec.channels}"
    match codec.name.lower():
        case "h264":
            profile = (codec.parameter("profile-level-id") or "42e01f").lower()[:4]
            return f"{name} {codec.parameter('packetization-mode') or '0'} {profile}"
        case "vp9" | "av1":
            return f"{name} {codec.parameter('profile-id') or codec.parameter('profile') or '0'}"
    return name


def counterpart(codec: Codec, others: Sequence[Codec]) -> Codec | None:
    """The one of `others` that is the same encoding: with the same parameters, the same number, or any at all."""
    same = [other for other in others if other.same_as(codec)]
    for wanted in (
        lambda other: identity(other) == identity(codec),
        lambda other: other.payload_type == codec.payload_type,
        lambda other: other.parameter("packetization-mode") == codec.parameter("packetization-mode"),
    ):
        found = next(filter(wanted, same), None)
        if found is not None:
            return found
    return same[0] if same else None


def offerable(kind: str, codecs: Iterable[Codec], source: MediaProfile, target: MediaProfile) -> tuple[Codec, ...]:
    """Of the codecs of one party those that can be offered to the other, and G.711 where speech has none."""
    kept = [codec for codec in codecs if codec.name.lower() not in _BOUND_TO_THEIR_STREAM]
    if (source is MediaProfile.WEBRTC) is not (target is MediaProfile.WEBRTC):
        shared = SHARED_WITH_BROWSERS.get(kind, frozenset())
        kept = [codec for codec in kept if codec.name.lower() in shared]
    rates = {codec.rate for codec in kept if not codec.is_companion}
    # Phones send keys at 8000 Hz beside speech at any other rate.
    rates.add(KEYS_RATE)
    kept = [codec for codec in kept if not codec.is_companion or codec.rate in rates]
    if kind == "audio" and convertible(kept) is not None:
        names = {codec.name.lower() for codec in kept}
        if not names & {"pcma", "pcmu"}:
            kept += FALLBACK
            if not any(codec.is_telephone_event and codec.rate == KEYS_RATE for codec in kept):
                events = next((codec for codec in kept if codec.is_telephone_event), None)
                if events is not None:
                    free = next(number for number in _DYNAMIC if all(c.payload_type != number for c in kept))
                    kept.append(replace(events, payload_type=free, rate=KEYS_RATE))
    return tuple(kept)


def convertible(codecs: Iterable[Codec]) -> Codec | None:
    """The first codec that can be decoded and encoded here."""
    return next((codec for codec in codecs if codec.name.lower() in CONVERTIBLE), None)


def answerable(kind: str, offered: Sequence[Codec], answered: Sequence[Codec]) -> tuple[Codec, ...]:
    """What to answer to `offered` when the other party has answered `answered`; nothing where they don't meet.

    In the answerer's order and with its parameters, under the offerer's numbers. Without a common codec it is one
    of the offerer's that can be converted.
    """
    common: list[Codec] = []
    for codec in answered:
        found = counterpart(codec, offered)
        if found is not None and all(one.payload_type != found.payload_type for one in common):
            common.append(replace(found, parameters=codec.parameters or found.parameters))
    if any(not codec.is_companion for codec in common):
        return tuple(common)
    chosen = convertible(offered) if kind == "audio" and convertible(answered) is not None else None
    if chosen is None:
        return ()
    events = any(codec.is_telephone_event for codec in answered)
    keys = [codec for codec in offered if events and codec.is_telephone_event]
    fitting = [codec for codec in keys if codec.rate == chosen.rate]
    return (chosen, *(fitting or keys[:1]))


def spoken(source: Exchange, target: Exchange) -> Codec | None:
    """What the first party sends to the second, most probably: its first codec that goes through as it is."""
    own = [codec for codec in source.theirs if not codec.is_companion]
    return next((codec for codec in own if counterpart(codec, target.theirs)), None) or convertible(own)


def routes(source: Exchange, target: Exchange, *, kind: str) -> list[int]:
    """By payload type, what becomes of a packet from one party on its way to the other."""
    table = [DROP] * 128
    if not (source.direction.sends and target.direction.receives):
        return table
    for codec in (*source.theirs, *source.ours):  # ours counts where both use a number: it is what we asked for
        same = counterpart(codec, target.theirs)
        if same is not None:
            table[codec.payload_type] = same.payload_type
        elif kind == "audio" and _is_converted(codec, target.theirs):
            table[codec.payload_type] = CONVERT
    return table


def _is_converted(codec: Codec, others: Sequence[Codec]) -> bool:
    if codec.is_telephone_event:
        return any(other.is_telephone_event for other in others)
    return codec.name.lower() in CONVERTIBLE and convertible(others) is not None
