"""URIs read, written and compared."""

from typing import Any

import pytest

from sip.errors import ParseError
from sip.uri import OtherUri, SipUri, TelUri, escape_user, parse_uri, unescape

BOTH_WAYS: list[tuple[str, dict[str, Any]]] = [
    ("sip:example.org", {"host": "example.org"}),
    ("sip:101@example.org", {"user": "101", "host": "example.org"}),
    ("sips:101@example.org:5061", {"scheme": "sips", "user": "101", "host": "example.org", "port": 5061}),
    ("sip:a:secret@example.org", {"user": "a", "password": "secret", "host": "example.org"}),
    ("sip:a:@example.org", {"user": "a", "password": "", "host": "example.org"}),
    ("sip:+7495;ext=1@example.org", {"user": "+7495;ext=1", "host": "example.org"}),
    ("sip:a?b@example.org", {"user": "a?b", "host": "example.org"}),
    ("sip:-_.!~*'()&=+$,;?/@h", {"user": "-_.!~*'()&=+$,;?/", "host": "h"}),
    ("sip:%00%41@h", {"user": "%00%41", "host": "h"}),
    ("sip:[2001:db8::1]", {"host": "2001:db8::1"}),
    ("sip:u@[2001:db8::1]:5070", {"user": "u", "host": "2001:db8::1", "port": 5070}),
    (
        "sip:u@h;transport=tcp;lr",
        {"user": "u", "host": "h", "params": {"transport": "tcp", "lr": ""}},
    ),
    ("sip:h;maddr=[2001:db8::1]", {"host": "h", "params": {"maddr": "[2001:db8::1]"}}),
    ("sip:h;gr=urn:uuid:f81d4fae", {"host": "h", "params": {"gr": "urn:uuid:f81d4fae"}}),
    ("sip:h?to=sip:b%40h&subject=x", {"host": "h", "headers": "to=sip:b%40h&subject=x"}),
    (
        "sip:u@h:1;a=b?Route=%3Csip:x%3E",
        {"user": "u", "host": "h", "port": 1, "params": {"a": "b"}, "headers": "Route=%3Csip:x%3E"},
    ),
    ("sip:h?a=u@h2", {"user": "h?a=u", "host": "h2"}),
]

READ_AS = [
    ("SIP:101@Example.ORG", "sip:101@Example.ORG"),
    ("sip:h;Transport=TCP", "sip:h;transport=TCP"),
    ("sip:u@[2001:DB8:0::1]", "sip:u@[2001:db8::1]"),
    ("sip:[2001:db8:::192.0.2.1]", "sip:[2001:db8::c000:201]"),
    ("tel:+7-495-(123).45.67", "tel:+74951234567"),
    ("tel:112;phone-context=example.org", "tel:112;phone-context=example.org"),
    ("tel:*21#", "tel:*21#"),
    ("http://www.example.com/a?b", "http://www.example.com/a?b"),
    ("ISBN:2983792873", "ISBN:2983792873"),
    ("soap.beep://192.0.2.103:3002", "soap.beep://192.0.2.103:3002"),
]

BROKEN = [
    "",
    "sip",
    "sip:",
    "sip:@h",
    "sip:u@",
    "sip:u@h:",
    "sip:u@h:65536",
    "sip:u h",
    "sip:u@h x",
    "sip:%4@h",
    "sip:%zz@h",
    "sip:é@h",
    'sip:"u"@h',
    "sip:<u>@h",
    "sip:u@@h",
    "sip:a:b:c@h",
    "sip:u@h;",
    "sip:u@h;;a",
    "sip:u@h;=1",
    "sip:u@h;a=b=c",
    "sip:u@h; lr",
    "sip:u@h?",
    "sip:u@h?a=<b>",
    "sip:2001:db8::10",
    "sip:u@[2001:db8::10",
    "sip:u@h>",
    "<sip:u@h>",
    "sip:u@h\x00",
    "sip:u@a-.b",
    "sip:u@a.-b",
    "sip:u@a..b",
    "tel:",
    "tel:abcxyz",
    "tel:+",
    "tel:1 2",
    "x:",
    ":x",
    "1a:b",
    "http://a b",
    "http://<a>",
]

# RFC 3261 §19.1.4, its own examples.
EQUIVALENT = [
    ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
    ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
    ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
    ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"),
    (
        "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
        "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
    ),
    (
        "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
        "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
    ),
    ("sip:u@[2001:DB8::1]", "sip:u@[2001:db8:0::1]"),
]
DIFFERENT = [
    ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
    ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
    ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
    ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
    ("sip:u@h", "sips:u@h"),
    ("sip:u@h", "sip:h"),
    ("sip:u:a@h", "sip:u:b@h"),
    ("sip:%00@h", "sip:%00%00@h"),
    ("sip:h;maddr=1.2.3.4", "sip:h"),
    ("sip:h;ttl=1", "sip:h"),
    ("sip:h;user=phone", "sip:h"),
    ("sip:h;method=INVITE", "sip:h"),
]


@pytest.mark.parametrize(("text", "fields"), BOTH_WAYS)
def test_sip_uri_is_read_into_its_parts_and_written_from_them(text: str, fields: dict[str, Any]) -> None:
    uri = SipUri(**fields)
    assert SipUri.parse(text) == uri
    assert str(uri) == text


@pytest.mark.parametrize(("text", "written"), READ_AS)
def test_other_spellings_are_written_in_one(text: str, written: str) -> None:
    assert str(parse_uri(text)) == written
    assert str(parse_uri(written)) == written


@pytest.mark.parametrize("text", BROKEN)
def test_malformed_uri_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parse_uri(text)


@pytest.mark.parametrize(("one", "two"), EQUIVALENT)
def test_equivalent_uris_are_found_equivalent_both_ways(one: str, two: str) -> None:
    first, second = SipUri.parse(one), SipUri.parse(two)
    assert first.equivalent(second)
    assert second.equivalent(first)


@pytest.mark.parametrize(("one", "two"), DIFFERENT)
def test_different_uris_are_found_different_both_ways(one: str, two: str) -> None:
    first, second = SipUri.parse(one), SipUri.parse(two)
    assert not first.equivalent(second)
    assert not second.equivalent(first)


def test_uri_of_another_scheme_is_answered_416_where_a_sip_uri_is_needed() -> None:
    with pytest.raises(ParseError) as refused:
        SipUri.parse("http://example.org")
    assert refused.value.status == 416


def test_kinds_of_uri_are_told_apart_by_scheme() -> None:
    assert [type(parse_uri(text)) for text in ("SIPS:h", "TEL:1", "urn:x")] == [SipUri, TelUri, OtherUri]


def test_number_has_its_escapes_resolved_octet_by_octet() -> None:
    assert SipUri.parse("sip:%2B7%00%FF@h").number == "+7\x00\xff"
    assert SipUri.parse("sip:h").number == ""


@pytest.mark.parametrize("user", ["101", "a b", "a@b", "%", "\x00\r\n", "é", '<>"#', "+7(495)"])
def test_escaped_user_part_reads_as_it_was(user: str) -> None:
    uri = SipUri.parse(str(SipUri("h", escape_user(user))))
    assert uri.number == user
    assert unescape(escape_user(user)) == user


def test_request_uri_of_a_target_has_neither_headers_nor_method() -> None:
    uri = SipUri.parse("sip:u@h;method=BYE;lr?Route=%3Csip:x%3E")
    assert str(uri.without_headers()) == "sip:u@h;lr"
