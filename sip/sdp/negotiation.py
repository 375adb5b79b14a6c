"""One offer and its answer: directions, hold, and whether the two fit (RFC 3264)."""

from dataclasses import replace
from enum import StrEnum

from sip.sdp.codecs import STATIC_PAYLOAD_TYPES, TELEPHONE_EVENT, Codec
from sip.sdp.description import MediaDescription, SessionDescription
from sip.sdp.lines import Attribute, Connection, Field, Origin


class Direction(StrEnum):
    """Which way media flows, as its describer sees it (RFC 8866 §6.7)."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @classmethod
    def of(cls, *, sends: bool, receives: bool) -> "Direction":
        if sends:
            return cls.SENDRECV if receives else cls.SENDONLY
        return cls.RECVONLY if receives else cls.INACTIVE

    @property
    def sends(self) -> bool:
        return self in (Direction.SENDRECV, Direction.SENDONLY)

    @property
    def receives(self) -> bool:
        return self in (Direction.SENDRECV, Direction.RECVONLY)

    @property
    def reversed(self) -> "Direction":
        """The same flow as the other side sees it."""
        return Direction.of(sends=self.receives, receives=self.sends)


def direction(description: SessionDescription, media: MediaDescription) -> Direction:
    """The direction of one stream: its own attribute, else the session's, else sendrecv; a rejected one has none.

    RFC 3264 §8.4: a c= of 0.0.0.0 (or ::) is the old way to hold, nothing is received there. With ICE it only
    says that the addresses are still to come (RFC 8840).
    """
    if media.rejected:
        return Direction.INACTIVE
    said = _said(media) or _said(description) or Direction.SENDRECV
    connection = description.connection_of(media)
    if connection is None or not connection.is_unspecified or description.value_for(media, "ice-ufrag") is not None:
        return said
    return Direction.of(sends=said.sends, receives=False)


def session_direction(description: SessionDescription) -> Direction:
    """The direction of the call: that of its first audio stream in use, without audio of its first in use."""
    used = [media for media in description.media if not media.rejected]
    for media in used:
        if media.kind == "audio":
            return direction(description, media)
    return direction(description, used[0]) if used else Direction.INACTIVE


def is_hold(description: SessionDescription) -> bool:
    """Whether its sender has put the other party on hold: it does not listen any more (RFC 3264 §8.4).

    That is sendonly (with music, perhaps), inactive, or the old c=0.0.0.0. The held party's answer says recvonly or
    inactive; recvonly alone is a party that listens and does not speak, and no hold. Nor is it one that all streams
    are rejected: they are gone.
    """
    return not session_direction(description).receives and not all(media.rejected for media in description.media)


def with_direction(description: SessionDescription, wanted: Direction) -> SessionDescription:
    """The same description with that direction for every stream in use, whatever it said before.

    The addresses stay; a description that holds by c=0.0.0.0 can't be made to receive.
    """
    attribute = Attribute(wanted.value)
    media = tuple(one if one.rejected else one.replacing(_DIRECTIONS, attribute) for one in description.media)
    return replace(description.replacing(_DIRECTIONS), media=media)


def answer_direction(offered: Direction, wanted: Direction = Direction.SENDRECV) -> Direction:
    """What to answer to `offered` when we would like `wanted` (RFC 3264 §6.1): never more than was offered."""
    return Direction.of(
        sends=offered.receives and wanted.sends,
        receives=offered.sends and wanted.receives,
    )


def answer_fits(offer: SessionDescription, answer: SessionDescription) -> tuple[str, ...]:
    """What is wrong with an answer, in words; empty when it fits its offer (RFC 3264 §6).

    Fitting means the same streams in the same order, each of the same kind and protocol, none taken up that was
    not offered. Formats and directions are not compared: phones add codecs, and answer sendrecv to sendonly.
    """
    wrong: list[str] = []
    if len(answer.media) != len(offer.media):
        wrong.append(f"{len(answer.media)} streams answer {len(offer.media)}")
    for place, (offered, answered) in enumerate(zip(offer.media, answer.media, strict=False), 1):
        if answered.kind != offered.kind:
            wrong.append(f"stream {place}: {answered.kind} answers {offered.kind}")
        elif answered.rejected:
            continue
        elif offered.rejected:
            wrong.append(f"stream {place}: {answered.kind} is answered, but was not offered")
        elif answered.protocol.upper() != offered.protocol.upper():
            wrong.append(f"stream {place}: {answered.protocol} answers {offered.protocol}")
    return tuple(wrong)


def rejected(media: MediaDescription) -> MediaDescription:
    """The stream turned down: port 0, and nothing under the m= line (RFC 3264 §6)."""
    # The grammar wants a format; Edge rejects without one, and other phones can't read that.
    return replace(media, port=0, ports=1, formats=media.formats or ("0",), lines=())


def make_answer_rejecting(offer: SessionDescription, address: str) -> SessionDescription:
    """An answer that turns down every stream: a dialog without media. `address` is ours, IPv4 or IPv6."""
    return replace(_empty(address), media=tuple(rejected(one) for one in offer.media))


def inactive_offer(address: str) -> SessionDescription:
    """An offer from nobody: one audio stream of G.711 and DTMF that flows nowhere yet.

    For the party of a call whose far side is being replaced (RFC 3725 §4.3); port 9 (discard) is a place to which
    nothing is sent. To quiet a stream that exists, use `with_direction` on its last description.
    """
    codecs = [Codec(number, *STATIC_PAYLOAD_TYPES[number]) for number in (8, 0)]
    codecs.append(Codec(101, TELEPHONE_EVENT, 8000, parameters="0-15"))
    lines = [attribute for codec in codecs for attribute in codec.attributes()]
    audio = MediaDescription(
        lines=(*lines, Attribute(Direction.INACTIVE.value)),
        kind="audio",
        port=9,
        protocol="RTP/AVP",
        formats=tuple(str(codec.payload_type) for codec in codecs),
    )
    return replace(_empty(address), media=(audio,))


_DIRECTIONS = frozenset(one.value for one in Direction)


def _said(section: SessionDescription | MediaDescription) -> Direction | None:
    for attribute in section.attributes:
        if attribute.name in _DIRECTIONS:
            return Direction(attribute.name)
    return None


def _empty(address: str) -> SessionDescription:
    kind = "IP6" if ":" in address else "IP4"
    lines = (
        Field("v", "0"),
        Origin("-", "0", "0", address, kind),
        Field("s", "-"),
        Connection(address, kind),
        Field("t", "0 0"),
    )
    return SessionDescription(lines, ())
