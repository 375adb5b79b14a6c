"""One party's description handed to another as our own (RFC 3264 §8).

A back-to-back user agent is one and the same describer in each of its dialogs: the o= line stays and its version
grows by one with every change, and a stream once described keeps its place for good, also when the party behind us
is replaced by another one whose streams are others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from sip.sdp.description import (
    MAX_MEDIA,
    MediaDescription,
    SessionDescription,
    cut_at_origin,
    origin_address,
    parse,
)
from sip.sdp.errors import SdpError
from sip.sdp.lines import Connection, Origin
from sip.sdp.negotiation import rejected

# For each stream that came its place in what we made of it; None for one that was left out.
Places = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer as we send it. `places` is None where every stream kept its place, as in most calls."""

    body: bytes
    places: Places | None = None


class Rewriter:
    """Our describer in one dialog.

    `session_id` is below 2**62, as `version` stays (RFC 3264 §5). `address` is what our o= line shows; without it,
    that is the address in the first description that we pass on, for good: it is part of the session's identity
    (RFC 8866 §5.2). `last` is the last description that we have sent, or b"".
    """

    __slots__ = ("_agreed", "_where", "last", "session_id", "version")

    def __init__(self, session_id: int, address: str | None = None) -> None:
        self.session_id = session_id
        self.version = 0
        self.last = b""
        # The last description whose streams have their places, and the end of our o= line.
        self._agreed = b""
        self._where = b"" if address is None else origin_address(address)

    @classmethod
    def restored(cls, last: bytes) -> Self:
        """The describer as it was when it sent `last`. Raises SdpError when that is none of ours."""
        origin = parse(last).origin
        if not (origin.session_id.isdecimal() and origin.version.isdecimal()):
            raise SdpError("o= is none of ours")
        rewriter = cls(int(origin.session_id))
        rewriter.version = int(origin.version)
        rewriter.last = rewriter._agreed = last
        rewriter._where = cut_at_origin(last)[1]
        return rewriter

    def offer(self, body: bytes) -> Offer:
        """The other party's description as our offer, its streams in the places that they have in this dialog.

        Streams of this dialog that the other party does not have are offered as rejected. Raises SdpError.
        """
        if not self._agreed or kinds(body) == kinds(self._agreed):
            return Offer(self._as_ours(body))
        aligned, places = align(parse(body), parse(self._agreed).media)
        return Offer(self._as_ours(aligned.to_bytes()), places)

    def offer_answered(self) -> None:
        """The peer has answered our last offer: its streams keep their places from now on."""
        self._agreed = self.last

    def answer(self, body: bytes, offer: bytes, places: Places | None = None) -> bytes:
        """The other party's answer as ours to `offer`, which came in this dialog.

        `places` is how `offer` went on to the other party (`Offer.places`). Every stream of it gets an answer in
        its place; one that the other party left out, or answered as something else, is rejected. Raises SdpError.
        """
        if places is None and kinds(body) == kinds(offer):
            answer = self._as_ours(body)
        else:
            answer = self._as_ours(put_back(parse(body), parse(offer), places).to_bytes())
        self._agreed = answer
        return answer

    def _as_ours(self, body: bytes) -> bytes:
        before, where, after = cut_at_origin(body)
        if not self._where:
            self._where = where
        ours = b"%bo=- %d %d %b%b" % (before, self.session_id, self.version, self._where, after)
        if ours != self.last:
            # RFC 3264 §8: up by one when something changed, and not when nothing did.
            self.version += 1
            ours = b"%bo=- %d %d %b%b" % (before, self.session_id, self.version, self._where, after)
            self.last = ours
        return ours


def as_from_us(
    description: SessionDescription, session_id: int, version: int, address: str | None = None
) -> SessionDescription:
    """The description with an o= line of ours; without `address` the one that stands there stays."""
    origin = replace(description.origin, username="-", session_id=str(session_id), version=str(version))
    if address is not None:
        kind = "IP6" if ":" in address else "IP4"
        origin = Origin("-", origin.session_id, origin.version, address, kind)
    return description.with_origin(origin)


def kinds(body: bytes) -> list[bytes]:
    """The kind of each stream of a description, by its m= lines alone."""
    return [media.partition(b" ")[0] for media in body.split(b"\nm=")[1:]]


def align(description: SessionDescription, slots: Sequence[MediaDescription]) -> tuple[SessionDescription, Places]:
    """The description with its streams in the places of `slots`, a dialog's streams so far; and which went where.

    A stream in use takes a place of its own kind, its own number preferred; else its own number, which changes
    that stream's kind (RFC 3264 §8.3.3, voice to fax); else a place whose stream was rejected (§8.1); else a new
    one at the end. A rejected stream takes a place of its kind or none. Places that stay empty are filled with
    what was there, rejected. Raises SdpError (488) when that makes too many.
    """
    suits = [
        (rank, stream, place)
        for stream, media in enumerate(description.media)
        for place, slot in enumerate(slots)
        if (rank := _rank(media, slot, same_place=stream == place)) is not None
    ]
    filled = [_absent(slot, description) for slot in slots]
    places: dict[int, int] = {}
    for _, stream, place in sorted(suits):
        if stream not in places and place not in places.values():
            places[stream] = place
            filled[place] = description.media[stream]
    for stream, media in enumerate(description.media):
        if stream not in places and not media.rejected:
            places[stream] = len(filled)
            filled.append(media)
    if len(filled) > MAX_MEDIA:
        raise SdpError("too many media", status=488)
    moved = tuple(places.get(stream) for stream in range(len(description.media)))
    return replace(description, media=tuple(filled)), moved


def _rank(media: MediaDescription, slot: MediaDescription, *, same_place: bool) -> int | None:
    """How well a stream suits a place, 0 best; None for not at all. Streams in use choose first."""
    if media.kind == slot.kind:
        return (0 if same_place else 1) + (4 if media.rejected else 0)
    if media.rejected:
        return None
    if same_place:
        return 2
    return 3 if slot.rejected else None


def put_back(answer: SessionDescription, offer: SessionDescription, places: Places | None = None) -> SessionDescription:
    """The answer to an aligned offer as the answer to the offer that it was made from (RFC 3264 §6).

    As many streams as `offer` has, in its order; what has no fitting answer is rejected.
    """
    media: list[MediaDescription] = []
    for number, offered in enumerate(offer.media):
        place = number if places is None else places[number]
        answered = answer.media[place] if place is not None and place < len(answer.media) else None
        fits = answered is not None and answered.kind == offered.kind
        media.append(answered if answered is not None and fits else _absent(offered, answer))
    return replace(answer, media=tuple(media))


def _absent(media: MediaDescription, description: SessionDescription) -> MediaDescription:
    """A stream that is not there, as a rejected one; with a c= where the session has none (RFC 8866 §5.7)."""
    lines = () if description.connection else (Connection("0.0.0.0"),)  # noqa: S104 - nowhere
    return replace(rejected(media), lines=lines)
