"""A session description, read and written (RFC 8866, which replaces RFC 4566).

A description keeps its lines in their order, also those that we don't know, so what was well formed is written
back byte for byte. Reading is liberal, because phones are not: see `parse`.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Self

from sip.grammar import is_token
from sip.sdp.errors import SdpError
from sip.sdp.lines import NET_TYPE, Attribute, Connection, Field, Line, Origin, parse_line, words

MAX_OCTETS = 65_536  # one UDP datagram; RFC 3261 §18.1.1 wants any INVITE of that size to be understood
MAX_LINES = 2_048  # a browser with audio and video sends about 160
MAX_MEDIA = 64  # pjsip takes 16

# RFC 8866 §9: the order of the lines. t=, r= and z= repeat as a group, so they share a place.
_SESSION_ORDER = {letter: place for place, letters in enumerate("v o s i u e p c b trz k a".split()) for letter in letters}
_MEDIA_ORDER = {letter: place for place, letter in enumerate("icbka")}


@dataclass(frozen=True, slots=True)
class Section:
    """What the session level and each media level have in common: their lines."""

    lines: tuple[Line, ...]

    @property
    def connection(self) -> Connection | None:
        """The first c= of this level, or None."""
        return next((line for line in self.lines if isinstance(line, Connection)), None)

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        return tuple(line for line in self.lines if isinstance(line, Attribute))

    def values(self, name: str) -> Iterator[str]:
        """The values of all attributes called `name`; one that is a mere flag gives ""."""
        for line in self.lines:
            if isinstance(line, Attribute) and line.name == name:
                yield line.value or ""

    def value(self, name: str) -> str | None:
        """The value of the first attribute called `name`, or None where there is none."""
        return next(self.values(name), None)

    def has(self, name: str) -> bool:
        return self.value(name) is not None

    def bandwidth(self, kind: str) -> int | None:
        """The b= of that kind: "AS" in kbit/s (RFC 8866 §5.8), "TIAS" in bit/s (RFC 3890 §6.2); None without one."""
        for line in self.lines:
            if isinstance(line, Field) and line.letter == "b":
                name, _, amount = line.value.partition(":")
                if name == kind and amount.isascii() and amount.isdigit() and len(amount) < 16:
                    return int(amount)
        return None

    def replacing(self, names: Collection[str], *attributes: Attribute) -> Self:
        """The same with `attributes` in place of those called `names`: where the first of them stood, else last."""
        kept: list[Line] = []
        place: int | None = None
        for line in self.lines:
            if isinstance(line, Attribute) and line.name in names:
                place = len(kept) if place is None else place
            else:
                kept.append(line)
        place = len(kept) if place is None else place
        return replace(self, lines=(*kept[:place], *attributes, *kept[place:]))


@dataclass(frozen=True, slots=True)
class MediaDescription(Section):
    """m= and the lines under it (RFC 8866 §5.14).

    `port` 0 means that the stream is rejected or gone (RFC 3264 §8.2); `ports` is the number of ports where there
    is more than one.
    """

    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    ports: int = 1

    @property
    def rejected(self) -> bool:
        return self.port == 0

    def text(self) -> str:
        """The m= line."""
        ports = f"{self.port}/{self.ports}" if self.ports > 1 else str(self.port)
        return " ".join([f"m={self.kind} {ports} {self.protocol}", *self.formats])


@dataclass(frozen=True, slots=True)
class SessionDescription(Section):
    """A whole description: the lines of the session level and the media in their order."""

    media: tuple[MediaDescription, ...]

    @property
    def origin(self) -> Origin:
        """The o= line, which `parse` makes sure of. Raises SdpError for a description built without one."""
        for line in self.lines:
            if isinstance(line, Origin):
                return line
        raise SdpError("o= is missing")

    def connection_of(self, media: MediaDescription) -> Connection | None:
        """Where a stream goes: its own c=, else that of the session (RFC 8866 §5.7)."""
        return media.connection or self.connection

    def value_for(self, media: MediaDescription, name: str) -> str | None:
        """An attribute of a stream, or else of the session, which is the default for all streams."""
        value = media.value(name)
        return self.value(name) if value is None else value

    def with_origin(self, origin: Origin) -> Self:
        return replace(self, lines=tuple(origin if isinstance(line, Origin) else line for line in self.lines))

    def to_bytes(self) -> bytes:
        """As it goes over the wire, lines ended by CRLF. Raises ValueError for a value that holds a line end."""
        texts = [line.text() for line in self.lines]
        for media in self.media:
            texts.append(media.text())
            texts.extend([line.text() for line in media.lines])
        texts.append("")
        written = "\r\n".join(texts)
        if written.count("\n") != len(texts) - 1 or written.count("\r") != len(texts) - 1 or "\0" in written:
            raise ValueError("a value in the description holds a line end or a NUL")
        return written.encode("latin-1")


def parse(body: bytes | str, *, strict: bool = False) -> SessionDescription:
    """Reads a description; a str is taken as latin-1 text.

    As phones are, so the reader is: lines may end in LF alone, the last one not at all, blanks may trail, lines may
    come in any order, t= and s= may be missing, letters that the standard does not know are kept, and what is no
    `x=` line is left out. With `strict` each of these is an error, as is any line that would not be written back
    as it came; our own descriptions pass that.

    Raises SdpError: 413 for more than 64 KiB, 2048 lines or 64 media, 400 for everything else.
    """
    lines = _split(body, strict=strict)
    session: list[Line] = []
    media: list[MediaDescription] = []
    section = session
    under: list[list[Line]] = []
    for number, text in enumerate(lines, 1):
        if text[1:2] != "=":
            if strict and text:
                raise SdpError("a letter and = are wanted", number, text)
            continue
        if text[0] == "m":
            if len(media) == MAX_MEDIA:
                raise SdpError("too many media", number, status=413)
            media.append(_parse_media(text, number, strict=strict))
            section = []
            under.append(section)
        else:
            section.append(parse_line(text, number))
        if strict:
            _check(text, (media[-1] if text[0] == "m" else section[-1]).text(), number, bool(media))
    _check_session(session, lines, strict=strict)
    described = tuple(replace(one, lines=tuple(rest)) for one, rest in zip(media, under, strict=True))
    return SessionDescription(tuple(session), described)


def relabel_origin(body: bytes, session_id: int, version: int, address: str | None = None) -> bytes:
    """`body` with an o= line of ours and everything else as it was, without reading the rest.

    For bodies that `sip.sdp.quick.quick_check` has let through. The user becomes "-"; `address` (IPv4 or IPv6)
    replaces the one that stands there. Raises SdpError where there is no o= line, or none of six words.
    """
    start = body.find(b"\no=") + 1
    if not start:
        raise SdpError("o= is missing")
    end = body.find(b"\n", start)
    line = body[start:] if end < 0 else body[start:end]
    origin = _words_of_origin(line)
    where = b" ".join(origin[3:6]) if address is None else _where(address)
    ours = b"o=- %d %d %b" % (session_id, version, where)
    return body[:start] + ours + (b"\r" if line.endswith(b"\r") else b"") + (b"" if end < 0 else body[end:])
