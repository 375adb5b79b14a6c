"""A description read as the standard writes it (RFC 8866 §9): what we make ourselves must pass here."""

import re
from itertools import zip_longest

from sip.sdp.description import Section, SessionDescription, parse, split
from sip.sdp.errors import SdpError
from sip.sdp.lines import Attribute, Field

# t=, r= and z= repeat as a group, so they share a place.
_SESSION_ORDER = {letter: place for place, group in enumerate("v o s i u e p c b trz k a".split()) for letter in group}
_MEDIA_ORDER = {letter: place for place, letter in enumerate("icbka")}

_TOKEN = re.compile(r"[!#-'*+\-.0-9A-Z^-~]+")  # SDP's own token, which is not SIP's


def parse_strict(body: bytes) -> SessionDescription:
    """Reads a description and accepts no liberty.

    Lines that are no `x=`, unknown letters (§5: such a description must be rejected), an order that is not the
    standard's, missing s=, t= or c=, streams without formats, line ends other than CRLF and whatever would not be
    written back as it came are errors. Raises SdpError.
    """
    description = parse(body)
    came = split(body)
    written = description.to_bytes()
    for number, (was, would_be) in enumerate(zip_longest(came, split(written)), 1):
        if was != would_be:
            raise SdpError("not as the standard writes it", number, was or "")
    if body != written:
        raise SdpError("lines end in CRLF")
    _check_order(description, _SESSION_ORDER, 1)
    for letter in "st":
        if not any(isinstance(line, Field) and line.letter == letter for line in description.lines):
            raise SdpError(f"{letter}= is missing")
    number = len(description.lines) + 1
    for media in description.media:
        if not media.formats:
            raise SdpError("m= has no formats", number, media.text())
        if description.connection_of(media) is None:
            raise SdpError("c= is missing for this stream", number, media.text())
        _check_order(media, _MEDIA_ORDER, number + 1)
        number += 1 + len(media.lines)
    return description


def _check_order(section: Section, order: dict[str, int], first: int) -> None:
    """Checks the lines of one level, the first of which is line `first` of the description."""
    reached = 0
    for number, line in enumerate(section.lines, first):
        text = line.text()
        place = order.get(text[0])
        if place is None:
            raise SdpError("no such letter at this level", number, text)
        if place < reached:
            raise SdpError("out of order", number, text)
        if isinstance(line, Attribute) and not _TOKEN.fullmatch(line.name):
            raise SdpError("the attribute's name is no token", number, text)
        reached = place
