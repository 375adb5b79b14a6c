"""A session description, read and written (RFC 8866, which replaces RFC 4566).

A description keeps its lines in their order, also those that we don't know, so what was well formed is written
back byte for byte. Reading is liberal, because phones are not: see `parse`.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Final, Self

from sip.sdp.errors import SdpError
from sip.sdp.lines import NET_TYPE, Attribute, Connection, Field, Line, Origin, parse_line, words

MAX_OCTETS: Final = 65_536  # one UDP datagram; RFC 3261 §18.1.1: a message may have that size
MAX_LINES: Final = 2_048  # a browser with audio and video sends about 160
MAX_MEDIA: Final = 64  # pjsip takes 16


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

    `ports` is the number of ports where there is more than one.
    """

    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    ports: int = 1

    @property
    def rejected(self) -> bool:
        """Whether the stream is turned down or gone (RFC 3264 §8.2).

        That is port 0, except on an offered stream that will use another one's port (RFC 9143 §6).
        """
        return self.port == 0 and not self.has("bundle-only")

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


def parse(body: bytes | str) -> SessionDescription:
    """Reads a description; a str is taken as latin-1 text.

    As phones are, so the reader is: lines may end in LF alone, the last one not at all, blanks may trail, lines may
    come in any order, t= and s= may be missing, letters that the standard does not know are kept, and what is no
    `x=` line is left out. `sip.sdp.strict` has the other way.

    Raises SdpError: 413 for more than 64 KiB, 2048 lines or 64 media, 400 for everything else.
    """
    session: list[Line] = []
    media: list[MediaDescription] = []
    section, sections = session, [session]
    origins = 0
    for number, text in enumerate(split(body), 1):
        if text[1:2] != "=":
            continue
        if not session and text.rstrip(" \t") != "v=0":
            raise SdpError("a description begins with v=0", number, text)
        if text[0] == "m":
            if len(media) == MAX_MEDIA:
                raise SdpError("too many media", number, status=413)
            media.append(_parse_media(text, number))
            section = []
            sections.append(section)
            continue
        if text[0] == "o":
            origins += 1
            if origins > 1 or section is not session:
                raise SdpError("o= wants to be once, before the first m=", number, text)
        section.append(parse_line(text, number))
    if not session:
        raise SdpError("a description begins with v=0")
    if not origins:
        raise SdpError("o= is missing")
    described = [replace(one, lines=tuple(lines)) for one, lines in zip(media, sections[1:], strict=True)]
    return SessionDescription(tuple(session), tuple(described))


def split(body: bytes | str) -> list[str]:
    """The lines of a description, without their ends. Raises SdpError for too much, and for octets no line holds."""
    if len(body) > MAX_OCTETS:
        raise SdpError(f"longer than {MAX_OCTETS} octets", status=413)
    if isinstance(body, bytes):
        text = body.decode("latin-1")
    elif body.isascii() or max(body) < "\u0100":
        text = body
    else:
        raise SdpError("a character that is no octet")
    text = text.removesuffix("\n").replace("\r\n", "\n").removesuffix("\r")
    lines = text.split("\n")
    if len(lines) > MAX_LINES:
        raise SdpError(f"more than {MAX_LINES} lines", status=413)
    if "\0" in text or "\r" in text:
        for number, line in enumerate(lines, 1):
            # RFC 8866 §9, byte-string: these never stand inside a line, and whoever reads on would read otherwise.
            if "\0" in line or "\r" in line:
                raise SdpError("a NUL or a CR inside a line", number, line)
    return lines


def _parse_media(text: str, number: int) -> MediaDescription:
    fields = words(text[2:])
    if len(fields) < 3:
        raise SdpError("m= wants medium, port, protocol and formats", number, text)
    kind, where, protocol, *formats = fields
    port, slash, ports = where.partition("/")
    if not _is_number(port, 0, 65_535) or (slash and not _is_number(ports, 1, 32_768)):
        raise SdpError("m= has no usable port", number, text)
    # Edge answers a stream that it rejects without formats; only one that is wanted must have them.
    if not formats and int(port):
        raise SdpError("m= has no formats", number, text)
    return MediaDescription((), kind, int(port), protocol, tuple(formats), int(ports) if slash else 1)


def _is_number(text: str, least: int, most: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 6 and least <= int(text) <= most


def relabel_origin(body: bytes, session_id: int, version: int, address: str | None = None) -> bytes:
    """`body` with an o= line of ours and everything else as it was, without reading the rest.

    For bodies that `sip.sdp.quick.quick_check` has let through. The user becomes "-"; `address` (IPv4 or IPv6)
    replaces the one that stands there. Raises SdpError where there is no complete o= line.
    """
    before, where, after = cut_at_origin(body)
    if address is not None:
        where = origin_address(address)
    return b"%bo=- %d %d %b%b" % (before, session_id, version, where, after)


def cut_at_origin(body: bytes) -> tuple[bytes, bytes, bytes]:
    """What is before the o= line, its last three words, and what is after it. Raises SdpError without one."""
    start = body.find(b"\no=") + 1
    if not start:
        raise SdpError("o= is missing")
    end = body.find(b"\n", start)
    line = body[start:] if end < 0 else body[start:end]
    fields = line.split()
    if len(fields) < 5:
        raise SdpError("o= is incomplete", text=line.decode("latin-1"))
    stop = start + len(line) - line.endswith(b"\r")
    return body[:start], b" ".join(fields[-3:]), body[stop:]


def origin_address(address: str) -> bytes:
    """The last three words of an o= line with this IPv4 or IPv6 address."""
    return b"%b %b %b" % (NET_TYPE.encode(), b"IP6" if ":" in address else b"IP4", address.encode())
