"""What holds for every session description, however odd."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sip.sdp.description import MediaDescription, SessionDescription, parse
from sip.sdp.errors import SdpError
from sip.sdp.lines import Attribute, Connection, Field, Line, Origin
from sip.sdp.negotiation import Direction, answer_fits, direction, make_answer_rejecting, with_direction
from sip.sdp.strict import parse_strict
from tests.fuzz.fuzz_sdp import check_sdp

OCTETS = st.characters(max_codepoint=0xFF, exclude_characters="\0\r\n")
TEXT = st.text(OCTETS, max_size=12)
WORD = st.text(st.characters(max_codepoint=0xFF, exclude_characters="\0\r\n\t\v\f "), min_size=1, max_size=8)
ADDRESS = st.sampled_from(["192.0.2.1", "0.0.0.0", "::", "2001:db8::1", "host.example.com"])
NAME = st.sampled_from(["sendrecv", "sendonly", "recvonly", "inactive", "mid", "rtpmap", "fmtp", "ice-ufrag", "x"])

attributes = st.builds(Attribute, NAME, st.none() | TEXT.map(lambda text: text.rstrip(" \t")))
connections = st.builds(Connection, ADDRESS, st.sampled_from(["IP4", "IP6"]), scope=st.sampled_from(["", "127/3"]))
origins = st.builds(Origin, WORD, WORD, WORD, WORD, WORD, WORD)
fields = st.builds(Field, st.sampled_from("siuepbtrzkfxy"), TEXT)
lines = st.lists(st.one_of(attributes, connections, fields), max_size=6).map(tuple)


@st.composite
def media_descriptions(draw: st.DrawFn) -> MediaDescription:
    return MediaDescription(
        lines=draw(lines),
        kind=draw(st.sampled_from(["audio", "video", "image", "text"])),
        port=draw(st.sampled_from([0, 9, 4000, 65535])),
        protocol=draw(st.sampled_from(["RTP/AVP", "RTP/SAVP", "UDP/TLS/RTP/SAVPF", "udptl"])),
        formats=tuple(draw(st.lists(WORD, min_size=1, max_size=4))),
        ports=draw(st.sampled_from([1, 1, 1, 2])),
    )


@st.composite
def descriptions(draw: st.DrawFn) -> SessionDescription:
    head: tuple[Line, ...] = (Field("v", "0"), draw(origins))
    return SessionDescription(head + draw(lines), tuple(draw(st.lists(media_descriptions(), max_size=5))))


# Octets that look enough like a description to get past the first check.
HEAD = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n"
PIECES = st.sampled_from(
    [
        b"v=0", b"o=- 1 1 IN IP4 192.0.2.1", b"o=", b"c=IN IP4 0.0.0.0", b"c=IN IP6 ::", b"c=", b"m=audio 1 RTP/AVP 0",
        b"m=audio 0 RTP/AVP", b"m=", b"a=sendonly", b"a=rtpmap:0 x/1", b"a=crypto:1 S inline:", b"a=fmtp:101", b"a=",
        b"a=setup:", b"a=fingerprint:sha-1 00", b"a=rtcp:", b"a=candidate:", b"a=group:", b"=", b" ", b"\t", b"\r",
        b"\n", b"\r\n", b"\0", b"\x0b", b"\xa0", b"\xb2", b"1", b"/", b":",
    ]
)  # fmt: skip
NEARLY = st.lists(PIECES | st.binary(max_size=4), max_size=24).map(b"".join)
BODIES = st.one_of(st.binary(max_size=200), NEARLY, NEARLY.map(lambda body: HEAD + body))


@given(BODIES)
@example(b"")
@example(b"v=0\no=")
@example(HEAD + b"m=audio 1/0 RTP/AVP 0")
@example(HEAD + b"m=audio 1 RTP/AVP 0\na=group:")
@example(HEAD.replace(b" IP4", b"\x0bIP4"))
def test_arbitrary_octets_are_read_alike_or_refused_with_the_documented_error(body: bytes) -> None:
    check_sdp(body)


@given(descriptions())
def test_what_is_written_is_read_as_it_was(description: SessionDescription) -> None:
    assert parse(description.to_bytes()) == description
    assert parse(description.to_bytes().replace(b"\r\n", b"\n")) == description
    check_sdp(description.to_bytes())


@given(descriptions(), st.sampled_from(Direction))
def test_a_direction_that_was_set_is_there(description: SessionDescription, wanted: Direction) -> None:
    changed = with_direction(description, wanted)
    for media in changed.media:
        found = direction(changed, media)
        assert found.sends is (wanted.sends and not media.rejected)
        assert not found.receives or wanted.receives
    assert parse(changed.to_bytes()) == changed


@given(descriptions())
def test_an_answer_that_rejects_everything_fits(description: SessionDescription) -> None:
    answer = make_answer_rejecting(description, "192.0.2.1")
    assert answer_fits(description, answer) == ()
    assert parse_strict(answer.to_bytes()) == answer


@pytest.mark.parametrize("size", [10, 1000])
def test_a_header_bomb_is_bounded(size: int) -> None:
    bomb = HEAD + b"m=audio 1 RTP/AVP 0\r\n" * size * 10
    with pytest.raises(SdpError) as caught:
        parse(bomb)
    assert caught.value.status == 413
