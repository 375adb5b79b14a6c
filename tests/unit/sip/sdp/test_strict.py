"""The strict reader: what the standard allows passes, each liberty is named with its line."""

import pytest

from sip.sdp.description import parse
from sip.sdp.errors import SdpError
from sip.sdp.strict import parse_strict
from tests.unit.sip.sdp.samples import DESK_PHONE, WELL_FORMED, sdp

HEAD = ("v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0")

# Each of these the liberal reader takes.
LIBERTIES: list[tuple[str, bytes, int, str]] = [
    ("LF alone", DESK_PHONE.replace(b"\r\n", b"\n"), 0, "CRLF"),
    ("no last line end", DESK_PHONE.removesuffix(b"\r\n"), 0, "CRLF"),
    ("empty line", sdp(*HEAD, "", "m=audio 1 RTP/AVP 0"), 6, "not as the standard"),
    ("no letter", sdp(*HEAD, "m=audio 1 RTP/AVP 0", "mid:1"), 7, "not as the standard"),
    ("two blanks", sdp(HEAD[0], "o=-  1 1 IN IP4 192.0.2.1", *HEAD[2:]), 2, "not as the standard"),
    ("blank after a flag", sdp(*HEAD, "a=sendrecv "), 6, "not as the standard"),
    ("unknown letter", sdp(*HEAD, "m=audio 1 RTP/AVP 0", "f=x"), 7, "no such letter"),
    ("session letter in media", sdp(*HEAD, "m=audio 1 RTP/AVP 0", "t=0 0"), 7, "no such letter"),
    ("c= after t=", sdp(*HEAD[:3], HEAD[4], HEAD[3]), 5, "out of order"),
    ("c= after a=", sdp(*HEAD, "m=audio 1 RTP/AVP 0", "a=x", "c=IN IP4 192.0.2.1"), 8, "out of order"),
    ("no s=", sdp(*HEAD[:2], *HEAD[3:]), 0, "s= is missing"),
    ("no t=", sdp(*HEAD[:4]), 0, "t= is missing"),
    ("no c=", sdp(*HEAD[:3], HEAD[4], "m=audio 1 RTP/AVP 0"), 5, "c= is missing"),
    ("no formats", sdp(*HEAD, "m=audio 0 RTP/AVP"), 6, "no formats"),
    ("attribute with a blank in its name", sdp(*HEAD, "a=rtpmap 0"), 6, "no token"),
    ("attribute without a name", sdp(*HEAD, "a="), 6, "no token"),
]


@pytest.mark.parametrize("body", WELL_FORMED.values(), ids=WELL_FORMED)
def test_what_is_well_formed_passes(body: bytes) -> None:
    assert parse_strict(body) == parse(body)


@pytest.mark.parametrize(("body", "line", "problem"), [row[1:] for row in LIBERTIES], ids=[row[0] for row in LIBERTIES])
def test_a_liberty_is_an_error_that_names_its_line(body: bytes, line: int, problem: str) -> None:
    parse(body)
    with pytest.raises(SdpError, match=problem) as caught:
        parse_strict(body)
    assert caught.value.line == line
