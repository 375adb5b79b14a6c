"""Payload types, their maps and parameters, and DTMF."""

import pytest

from sip.sdp.codecs import DIALPAD, Codec, codecs, common, packet_time, telephone_events
from sip.sdp.description import parse
from sip.sdp.errors import SdpError
from tests.unit.sip.sdp.samples import BROWSER, DESK_PHONE, FAX, described


def test_codecs_come_in_the_order_of_the_formats_with_their_parameters() -> None:
    assert codecs(parse(DESK_PHONE).media[0]) == (
        Codec(0, "PCMU", 8000),
        Codec(8, "PCMA", 8000),
        Codec(18, "G729", 8000, parameters="annexb=no"),
        Codec(9, "G722", 8000),
        Codec(101, "telephone-event", 8000, parameters="0-15"),
    )


def test_static_payload_types_need_no_map() -> None:
    assert codecs(described("m=audio 1 RTP/AVP 8 9 18").media[0]) == (
        Codec(8, "PCMA", 8000),
        Codec(9, "G722", 8000),
        Codec(18, "G729", 8000),
    )


def test_a_map_goes_before_the_static_meaning() -> None:
    media = described("m=audio 1 RTP/AVP 0", "a=rtpmap:0 pcmu/16000/2", "a=rtpmap:0 PCMA/8000").media[0]
    assert codecs(media) == (Codec(0, "pcmu", 16000, 2),)


@pytest.mark.parametrize(
    "rtpmap",
    ["", "97", "97 LPC", "97 /8000", "97 x/", "97 x/y", "97 x/0", "97 x/8000/", "97 x/-1", "97 x/8000/0", "98 x/8000"],
)
def test_a_dynamic_payload_type_without_a_readable_map_is_left_out(rtpmap: str) -> None:
    readable = rtpmap == "97 x/8000/"
    found = codecs(described("m=audio 1 RTP/AVP 97 8", f"a=rtpmap:{rtpmap}").media[0])
    assert [codec.payload_type for codec in found] == ([97, 8] if readable else [8])


@pytest.mark.parametrize("format", ["128", "t140", "*", "-1", "0x8", "9999"])
def test_what_is_no_payload_type_is_left_out(format: str) -> None:
    assert codecs(described(f"m=audio 1 RTP/AVP {format} 8").media[0]) == (Codec(8, "PCMA", 8000),)


def test_fax_has_no_codecs() -> None:
    assert codecs(parse(FAX).media[0]) == ()


@pytest.mark.parametrize(
    ("codec", "lines"),
    [
        (Codec(8, "PCMA", 8000), ["a=rtpmap:8 PCMA/8000"]),
        (Codec(111, "opus", 48000, 2, "useinbandfec=1"), ["a=rtpmap:111 opus/48000/2", "a=fmtp:111 useinbandfec=1"]),
    ],
)
def test_a_codec_writes_the_lines_from_which_it_is_read(codec: Codec, lines: list[str]) -> None:
    assert [attribute.text() for attribute in codec.attributes()] == lines
    assert codecs(described(f"m=audio 1 RTP/AVP {codec.payload_type}", *lines).media[0]) == (codec,)


@pytest.mark.parametrize(
    ("parameters", "name", "value"),
    [
        ("minptime=10;useinbandfec=1", "useinbandfec", "1"),
        ("minptime=10; UseInbandFec=1", "useinbandfec", "1"),
        ("profile-level-id=42e01f", "profile-level-id", "42e01f"),
        ("flag;x=a=b", "x", "a=b"),
        ("flag;x=1", "flag", ""),
        ("annexb=no", "bitrate", None),
        ("", "annexb", None),
    ],
)
def test_one_parameter_is_found_by_its_name(parameters: str, name: str, value: str | None) -> None:
    assert Codec(96, "x", 8000, parameters=parameters).parameter(name) == value


@pytest.mark.parametrize(
    ("parameters", "events"),
    [
        ("", DIALPAD),
        ("0-15", DIALPAD),
        ("0-11", frozenset(range(12))),
        ("0-15,66", DIALPAD | {66}),
        ("1, 3-4", frozenset({1, 3, 4})),
        ("255", frozenset({255})),
    ],
)
def test_telephone_events_are_read_from_their_list(parameters: str, events: frozenset[int]) -> None:
    assert Codec(101, "telephone-event", 8000, parameters=parameters).events() == events


@pytest.mark.parametrize("parameters", ["a", "0-", "-15", "15-0", "0-256", ",", "0-1-2", "0-99999999999", "\xb2"])
def test_a_malformed_list_of_events_is_refused(parameters: str) -> None:
    with pytest.raises(SdpError):
        Codec(101, "telephone-event", 8000, parameters=parameters).events()


def test_dtmf_has_a_payload_type_for_each_clock_rate() -> None:
    found = telephone_events(parse(BROWSER).media[0])
    assert [(codec.payload_type, codec.rate) for codec in found] == [(110, 48000), (126, 8000)]


def test_common_codecs_keep_the_order_and_payload_types_of_the_offer() -> None:
    known = [Codec(8, "pcma", 8000), Codec(96, "OPUS", 48000, 2), Codec(97, "PCMU", 16000)]
    found = common(codecs(parse(BROWSER).media[0]), known)
    assert [codec.payload_type for codec in found] == [111, 8]


def test_dtmf_and_comfort_noise_are_no_speech() -> None:
    media = described("m=audio 1 RTP/AVP 8 13 101", "a=rtpmap:101 Telephone-Event/8000").media[0]
    assert [codec.is_companion for codec in codecs(media)] == [False, True, True]
    assert [codec.is_telephone_event for codec in codecs(media)] == [False, False, True]


@pytest.mark.parametrize(
    ("ptime", "expected"), [("20", 20.0), ("0.125", 0.125), ("0", None), ("x", None), ("nan", None), ("-5", None)]
)
def test_packet_time_is_a_sensible_number_or_nothing(ptime: str, expected: float | None) -> None:
    assert packet_time(described("m=audio 1 RTP/AVP 0", f"a=ptime:{ptime}").media[0]) == expected


def test_packet_time_may_be_absent() -> None:
    assert packet_time(described("m=audio 1 RTP/AVP 0").media[0]) is None
