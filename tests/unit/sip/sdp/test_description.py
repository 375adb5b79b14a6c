"""Reading and writing descriptions: tables that run both ways, and what phones do wrong."""

from collections.abc import Callable

import pytest

from sip.sdp.description import (
    MAX_LINES,
    MAX_MEDIA,
    MAX_OCTETS,
    MediaDescription,
    SessionDescription,
    parse,
    relabel_origin,
)
from sip.sdp.errors import SdpError
from sip.sdp.lines import Attribute, Connection, Field, Line, Origin, parse_line
from tests.unit.sip.sdp.samples import BROWSER, DESK_PHONE, OWN_CONNECTIONS, SDES_PHONE, WELL_FORMED, described, sdp

LINES: list[tuple[str, Line]] = [
    ("v=0", Field("v", "0")),
    ("s= ", Field("s", " ")),
    ("f=unknown", Field("f", "unknown")),
    ("o=- 1 2 IN IP4 192.0.2.1", Origin("-", "1", "2", "192.0.2.1")),
    ("o=anna 18446744073709551616 007 IN IP6 ::1", Origin("anna", "18446744073709551616", "007", "::1", "IP6")),
    ("c=IN IP4 192.0.2.1", Connection("192.0.2.1")),
    ("c=IN IP6 2001:db8::1", Connection("2001:db8::1", "IP6")),
    ("c=IN IP4 224.2.1.1/127/3", Connection("224.2.1.1", scope="127/3")),
    ("c=TN RFC2543 +74950000000", Connection("+74950000000", "RFC2543", "TN")),
    ("a=sendrecv", Attribute("sendrecv")),
    ("a=mid:", Attribute("mid", "")),
    ("a=alt:1 1 : x", Attribute("alt", "1 1 : x")),
    ("a=rtpmap 0 PCMU", Attribute("rtpmap 0 PCMU")),
]

MEDIA: list[tuple[str, MediaDescription]] = [
    ("m=audio 4000 RTP/AVP 0 8", MediaDescription((), "audio", 4000, "RTP/AVP", ("0", "8"))),
    ("m=audio 4000/2 RTP/AVP 0", MediaDescription((), "audio", 4000, "RTP/AVP", ("0",), 2)),
    ("m=application 9 UDP/BFCP *", MediaDescription((), "application", 9, "UDP/BFCP", ("*",))),
    ("m=video 0 UDP/TLS/RTP/SAVPF", MediaDescription((), "video", 0, "UDP/TLS/RTP/SAVPF", ())),
]


@pytest.mark.parametrize(("text", "value"), LINES, ids=[text for text, _ in LINES])
def test_a_line_is_read_and_written_back(text: str, value: Line) -> None:
    assert (parse_line(text, 1), value.text()) == (value, text)


@pytest.mark.parametrize(("text", "value"), MEDIA, ids=[text for text, _ in MEDIA])
def test_a_media_line_is_read_and_written_back(text: str, value: MediaDescription) -> None:
    assert (described(text).media, value.text()) == ((value,), text)


@pytest.mark.parametrize("body", WELL_FORMED.values(), ids=WELL_FORMED)
def test_what_is_well_formed_comes_back_byte_for_byte(body: bytes) -> None:
    assert parse(body).to_bytes() == body
    assert parse(body.decode("latin-1")) == parse(body)


LIBERTIES: dict[str, Callable[[bytes], bytes]] = {
    "LF": lambda body: body.replace(b"\r\n", b"\n"),
    "no last end": lambda body: body.removesuffix(b"\r\n"),
    "CR alone last": lambda body: body.removesuffix(b"\n"),
    "LF, no last end": lambda body: body.replace(b"\r\n", b"\n").removesuffix(b"\n"),
    "empty lines at the end": lambda body: body + b"\r\n\r\n",
    "empty first line": lambda body: b"\r\n" + body,
    "a line without =": lambda body: body.replace(b"t=", b"mid:1\r\nt=", 1),
    "trailing blanks": lambda body: body.replace(b"a=mid:0\r\n", b"a=mid:0 \t\r\n").replace(b"recv\r\n", b"recv \r\n"),
    "wide blanks": lambda body: body.replace(b"=IN ", b"=IN \t").replace(b" IN IP4", b"\tIN  IP4", 1),
}


@pytest.mark.parametrize("body", WELL_FORMED.values(), ids=WELL_FORMED)
@pytest.mark.parametrize("liberty", LIBERTIES.values(), ids=LIBERTIES)
def test_liberties_with_the_form_change_nothing(body: bytes, liberty: Callable[[bytes], bytes]) -> None:
    assert parse(liberty(body)).to_bytes() == body


@pytest.mark.parametrize("missing", ["s=", "t=", "c="])
def test_a_missing_line_that_nobody_needs_is_not_missed(missing: str) -> None:
    body = b"".join(line for line in DESK_PHONE.splitlines(keepends=True) if not line.startswith(missing.encode()))
    assert parse(body).to_bytes() == body


BROKEN: list[tuple[str, bytes, int, str]] = [
    ("empty", b"", 0, "begins with v=0"),
    ("no SDP", b"hello\r\n", 0, "begins with v=0"),
    ("another version", sdp("v=1", "o=- 1 1 IN IP4 192.0.2.1"), 1, "begins with v=0"),
    ("o= before v=", sdp("o=- 1 1 IN IP4 192.0.2.1", "v=0"), 1, "begins with v=0"),
    ("m= before v=", sdp("m=audio 1 RTP/AVP 0", "v=0"), 1, "begins with v=0"),
    ("no o=", sdp("v=0", "s=-"), 0, "o= is missing"),
    ("short o=", sdp("v=0", "o=- 1 1 IN"), 2, "o= wants"),
    ("two o=", sdp("v=0", "o=- 1 1 IN IP4 192.0.2.1", "o=- 1 1 IN IP4 192.0.2.1"), 3, "once"),
    ("o= in media", sdp("v=0", "m=audio 1 RTP/AVP 0", "o=- 1 1 IN IP4 192.0.2.1"), 3, "before the first m="),
    ("c= without address", sdp("v=0", "o=- 1 1 IN IP4 192.0.2.1", "c=IN IP4"), 3, "c= wants"),
    ("c= without scope", sdp("v=0", "o=- 1 1 IN IP4 192.0.2.1", "c=IN IP4 224.2.1.1/"), 3, "incomplete"),
    ("short m=", sdp("v=0", "o=- 1 1 IN IP4 192.0.2.1", "m=audio 1"), 3, "m= wants"),
    ("port in words", sdp("v=0", "o=- 1 1 IN IP4 192.0.2.1", "m=audio one RTP/AVP 0"), 3, "port"),
    ("port negative", sdp("v=0", "o=- 1 1 IN IP4 192.0.2.1", "m=audio -1 RTP/AVP 0"), 3, "port"),
    ("port too high", sdp("v=0", "o=- 1 1 IN IP4 192.0.2.1", "m=audio 65536 RTP/AVP 0"), 3, "port"),
    ("port superscript", sdp("v=0", "o=- 1 1 IN IP4 192.0.2.1", "m=audio 1\xb2 RTP/AVP 0"), 3, "port"),
    ("no number of ports", sdp("v=0", "o=- 1 1 IN IP4 192.0.2.1", "m=audio 1/ RTP/AVP 0"), 3, "port"),
    ("number of ports 0", sdp("v=0", "o=- 1 1 IN IP4 192.0.2.1", "m=audio 1/0 RTP/AVP 0"), 3, "port"),
    ("no formats", sdp("v=0", "o=- 1 1 IN IP4 192.0.2.1", "m=audio 1 RTP/AVP"), 3, "formats"),
    ("NUL", sdp("v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=a\0b"), 3, "NUL"),
    ("CR inside", sdp("v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=a\rm=audio"), 3, "CR"),
]


@pytest.mark.parametrize(("body", "line", "problem"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_what_can_not_be_read_is_a_400_that_names_the_line(body: bytes, line: int, problem: str) -> None:
    with pytest.raises(SdpError) as caught:
        parse(body)
    assert (caught.value.status, caught.value.line) == (400, line)
    assert problem in str(caught.value)
    assert caught.value.reason.startswith("Bad Request - SDP")
    if line:
        assert f"SDP line {line}: " in caught.value.reason
        assert caught.value.text == body.decode("latin-1").split("\r\n")[line - 1]


HEAD = sdp("v=0", "o=- 1 1 IN IP4 192.0.2.1")


@pytest.mark.parametrize(
    ("longest", "more"),
    [
        (HEAD + b"s=" + b"x" * (MAX_OCTETS - len(HEAD) - 4) + b"\r\n", b"x"),
        (HEAD + b"a=x\r\n" * (MAX_LINES - 2), b"a=x\r\n"),
        (HEAD + b"m=audio 1 RTP/AVP 0\r\n" * MAX_MEDIA, b"m=audio 1 RTP/AVP 0\r\n"),
    ],
    ids=["octets", "lines", "media"],
)
def test_a_limit_may_be_reached_and_is_413_beyond(longest: bytes, more: bytes) -> None:
    assert parse(longest).to_bytes() == longest
    with pytest.raises(SdpError) as caught:
        parse(longest + more)
    assert caught.value.status == 413


def test_text_that_is_no_octets_is_refused() -> None:
    with pytest.raises(SdpError, match="no octet"):
        parse("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=Тест\r\n")


@pytest.mark.parametrize("secret", ["a=crypto:x", "A=crypto:x", "a=ice-pwd:x", "k=clear:x"])
def test_keys_and_passwords_stay_out_of_errors_and_representations(secret: str) -> None:
    line = secret + "hunter2"
    assert "hunter2" not in repr(parse_line(line, 1))
    with pytest.raises(SdpError) as caught:
        parse(sdp("v=0", "o=- 1 1 IN IP4 192.0.2.1", line + "\0"))
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in caught.value.reason


def test_an_origin_with_blanks_in_its_user_is_read_from_its_end() -> None:
    for user in ("", "Anna Orlova", "a b c d"):
        origin = parse(sdp("v=0", f"o={user} 5 6 IN IP4 192.0.2.1")).origin
        assert origin == Origin("-", "5", "6", "192.0.2.1")


def test_the_octet_a0_is_no_blank() -> None:
    # The second octet of a Cyrillic capital R; `str.split` would take it for a no-break space.
    assert parse(sdp("v=0", "o=\xd0\xa0 5 6 IN IP4 192.0.2.1")).origin.username == "\xd0\xa0"


def test_what_is_asked_of_a_stream_comes_from_it_or_else_from_the_session() -> None:
    description = parse(BROWSER)
    audio, video = description.media
    assert [audio.value("mid"), video.value("mid"), description.value("mid")] == ["0", "1", None]
    assert description.value_for(audio, "ice-options") == "trickle"
    assert description.value_for(audio, "setup") == "actpass"
    assert (audio.has("rtcp-mux"), video.has("rtcp-mux"), video.has("bundle-only")) == (True, False, True)
    assert list(audio.values("rtpmap"))[:2] == ["111 opus/48000/2", "0 PCMU/8000"]
    assert (video.bandwidth("TIAS"), video.bandwidth("AS"), audio.bandwidth("TIAS")) == (2_000_000, None, None)


def test_a_stream_has_the_first_connection_of_its_own_or_that_of_the_session() -> None:
    description = parse(OWN_CONNECTIONS)
    found = [description.connection_of(media) for media in description.media]
    assert [one and one.address for one in found] == ["224.2.1.1", "host.example.com", "2001:db8::1"]
    desk = parse(DESK_PHONE)
    assert desk.connection_of(desk.media[0]) == Connection("192.0.2.10")


@pytest.mark.parametrize(
    ("connection", "unspecified"),
    [
        (Connection("0.0.0.0"), True),
        (Connection("192.0.2.1"), False),
        (Connection("::", "IP6"), True),
        (Connection("0:0:0:0:0:0:0:0", "IP6"), True),
        (Connection("::0.0.0.0", "ip6"), True),
        (Connection("::1", "IP6"), False),
        (Connection("host.example.com", "IP6"), False),
    ],
)
def test_an_unspecified_address_is_known_in_every_spelling(connection: Connection, unspecified: bool) -> None:
    assert connection.is_unspecified is unspecified


def test_attributes_are_replaced_where_the_first_of_them_stood() -> None:
    media = described("m=audio 1 RTP/AVP 0", "a=ptime:20", "a=sendonly", "i=x", "a=recvonly", "a=mid:0").media[0]
    changed = media.replacing({"sendonly", "recvonly"}, Attribute("inactive"), Attribute("x", "1"))
    assert [line.text() for line in changed.lines] == ["a=ptime:20", "a=inactive", "a=x:1", "i=x", "a=mid:0"]
    assert [line.text() for line in media.replacing({"nothing"}, Attribute("y")).lines][-1] == "a=y"
    assert media.replacing({"ptime"}).attributes[0] == Attribute("sendonly")


def test_a_description_without_origin_can_not_pretend_to_one() -> None:
    with pytest.raises(SdpError, match="o= is missing"):
        _ = SessionDescription((Field("v", "0"),), ()).origin


@pytest.mark.parametrize("value", ["x\r\na=y", "x\ny", "x\ry", "x\0y"])
def test_a_value_that_would_become_two_lines_is_not_written(value: str) -> None:
    description = described("m=audio 1 RTP/AVP 0")
    media = description.media[0].replacing((), Attribute("note", value))
    with pytest.raises(ValueError, match="line end or a NUL"):
        SessionDescription(description.lines, (media,)).to_bytes()


@pytest.mark.parametrize("body", [*WELL_FORMED.values(), DESK_PHONE.replace(b"\r\n", b"\n"), HEAD.rstrip()])
@pytest.mark.parametrize("address", [None, "203.0.113.9", "2001:db8::9"])
def test_relabelling_changes_the_origin_and_not_one_octet_more(body: bytes, address: str | None) -> None:
    before = parse(body).origin
    kind = before.address_type if address is None else "IP6" if ":" in address else "IP4"
    ours = Origin("-", "77", "3", address or before.address, kind)
    relabelled = relabel_origin(body, 77, 3, address)
    assert relabelled == body.replace(before.text().encode(), ours.text().encode())


@pytest.mark.parametrize(
    "body", [b"", b"v=0\r\n", b"o=- 1 1 IN IP4 192.0.2.1\r\n", b"v=0\r\no=- 1 1 IP4\r\nt=0 0 0\r\n"]
)
def test_relabelling_what_has_no_origin_is_an_error(body: bytes) -> None:
    with pytest.raises(SdpError, match="o= is"):
        relabel_origin(body, 1, 1)


def test_the_session_description_of_an_sdes_phone_keeps_its_blank_name() -> None:
    assert Field("s", " ") in parse(SDES_PHONE).lines
