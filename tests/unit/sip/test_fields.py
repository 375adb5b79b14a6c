"""Via, CSeq and name-addr: legal spellings, and what is refused."""

import pytest

from sip.errors import ParseError
from sip.fields import CSeq, NameAddr, Via, parse_addresses, parse_number, tag_of

VIAS = [
    ("SIP/2.0/UDP h", Via("UDP", "h", None, {})),
    ("SIP/2.0/TLS h:5061;branch=z9hG4bK1", Via("TLS", "h", 5061, {"branch": "z9hG4bK1"})),
    ("SIP/2.0/WS x.invalid;rport;branch=b", Via("WS", "x.invalid", None, {"rport": "", "branch": "b"})),
    ("SIP/2.0/NEW h", Via("NEW", "h", None, {})),
    ("SIP/2.0/UDP [2001:db8::9:1]:6050;received=2001:db8::9:255", None),
    ('SIP/2.0/UDP h;x="a;b,c"', Via("UDP", "h", None, {"x": '"a;b,c"'})),
]
VIAS_READ_AS = [
    ("sip / 2.0 / udp h ; branch = z9 ", "SIP/2.0/UDP h;branch=z9"),
    ("SIP  /   2.0 /UDP    192.0.2.2;branch=390skdjuw", "SIP/2.0/UDP 192.0.2.2;branch=390skdjuw"),
    ("SIP/2.0/UDP\th : 5060", "SIP/2.0/UDP h:5060"),
    ("SIP/2.0/UDP h;BRANCH=z9hG4bKAbC", "SIP/2.0/UDP h;branch=z9hG4bKAbC"),
    ("SIP/2.0/UDP [2001:DB8::1];received=[2001:db8::2]", "SIP/2.0/UDP [2001:db8::1];received=[2001:db8::2]"),
]
BROKEN_VIAS = [
    "",
    "UDP h",
    "SIP/2.0 h",
    "SIP/2.0/UDP",
    "SIP/2.0/UDP ",
    "SIP/2.0/UDP ;branch=1",
    "SIP/2.0/U/DP h",
    "SIP/2.0/UDP h:",
    "SIP/2.0/UDP h:99999",
    "SIP/2.0/UDP h i",
    "SIP/2.0/UDP h;",
    "SIP/2.0/UDP h;;branch=1",
    "SIP/2.0/UDP 2001:db8::1",
    "SIP/2.0/UDP [2001:db8::1",
    "SIP/2.0/UDP h;received=[2001:db8:::::1]",
    "SIP/2.0/UDP h;received=1:2",
    'SIP/2.0/UDP h;x="open',
]

CSEQS = [
    ("1 INVITE", CSeq(1, "INVITE")),
    ("0 ACK", CSeq(0, "ACK")),
    ("2147483647 BYE", CSeq(2**31 - 1, "BYE")),
    ("7 !odd.Method%", CSeq(7, "!odd.Method%")),
]
CSEQS_READ_AS = [
    ("0009   INVITE", CSeq(9, "INVITE")),
    ("1\tINVITE", CSeq(1, "INVITE")),
    ("000000000000001 INVITE", CSeq(1, "INVITE")),
    ("1 invite", CSeq(1, "invite")),
]
BROKEN_CSEQS = [
    "",
    "1",
    "INVITE",
    "INVITE 1",
    "1INVITE",
    "-1 INVITE",
    "+1 INVITE",
    "1.0 INVITE",
    "0x1 INVITE",
    "² INVITE",
    "1 IN VITE",
    "1 INVITE ;x",
    "2147483648 INVITE",
    "36893488147419103232 INVITE",
    "9" * 5000 + " INVITE",
]

ADDRESSES = [
    ("<sip:a@h>", NameAddr("sip:a@h")),
    ("<sip:a@h>;tag=1", NameAddr("sip:a@h", "", {"tag": "1"})),
    ("Anna <sip:a@h>", NameAddr("sip:a@h", "Anna")),
    ('"Anna Orlova" <sip:a@h;lr>;q=0.3', NameAddr("sip:a@h;lr", "Anna Orlova", {"q": "0.3"})),
    (r'"a \"b\" \\" <sip:a@h>', NameAddr("sip:a@h", 'a "b" \\')),
    ('"a, <b>; c" <sip:a,b@h?x=y>', NameAddr("sip:a,b@h?x=y", "a, <b>; c")),
    ('"\xd0\x90\xd0\xbd\xd0\xbd\xd0\xb0" <sip:a@h>', NameAddr("sip:a@h", "\xd0\x90\xd0\xbd\xd0\xbd\xd0\xb0")),
    ("<isbn:2983792873>", NameAddr("isbn:2983792873")),
    ('<sip:a@h>;x="q;r"', NameAddr("sip:a@h", "", {"x": '"q;r"'})),
]
ADDRESSES_READ_AS = [
    ("sip:a@h", NameAddr("sip:a@h")),
    ("sip:a@h;tag=1;x", NameAddr("sip:a@h", "", {"tag": "1", "x": ""})),
    ("sip:a@h ;tag=1", NameAddr("sip:a@h", "", {"tag": "1"})),
    ("sip:[2001:db8::1]:5070;tag=1", NameAddr("sip:[2001:db8::1]:5070", "", {"tag": "1"})),
    ("Anna<sip:a@h>", NameAddr("sip:a@h", "Anna")),
    ("Anna  Orlova\t<sip:a@h>", NameAddr("sip:a@h", "Anna  Orlova")),
    ('"x"<sip:a@h> ; tag = 1', NameAddr("sip:a@h", "x", {"tag": "1"})),
    ('"" <sip:a@h>', NameAddr("sip:a@h")),
    (r'"\A\n\n\a" <sip:a@h>', NameAddr("sip:a@h", "Anna")),
    ("<sip:a@h> ;TAG=Q", NameAddr("sip:a@h", "", {"tag": "Q"})),
]
BROKEN_ADDRESSES = [
    "",
    "<>",
    "a",
    "<a>",
    "<sip:a@h",
    "sip:a@h>",
    "<sip:a@h>>",
    "<<sip:a@h>>",
    "<sip:a@h>x",
    "< sip:a@h >",
    '"x" < sip:a@h>',
    '"open <sip:a@h>',
    "Bell, Alexander <sip:a@h>",
    "sip:a@h?x=y",
    "sip:a,b@h",
    '"x" sip:a@h',
    "<sip:a@h> <sip:b@h>",
    "<sip:a@h>;;",
    '<sip:a"b"@h>',
    "sip:a b@h",
]

# Value -> tag. The form of the value is checked on the way.
TAGS = [
    ("<sip:a@h>", ""),
    ("<sip:a@h>;tag=abc", "abc"),
    ("<sip:a@h>;tag=a-.!%*_+`'~", "a-.!%*_+`'~"),
    ('"A" <sip:a@h>;tag=abc', "abc"),
    ('"A" <sip:a@h> ; x=1 ; tag = abc', "abc"),
    ('"x;tag=no" <sip:a@h>;tag=yes', "yes"),
    ('"x;tag=no" <sip:a@h>', ""),
    ("<sip:a@h;tag=no>", ""),
    ("<sip:a@h;tag=no>;tag=yes", "yes"),
    ("sip:a@h;tag=abc", "abc"),
    ("A <sip:a@h>;tag=abc", "abc"),
    ("<sip:a@h>;x=1;tag=abc;y", "abc"),
    ("<http://h>;tag=1", "1"),
    ('"x>;tag=no" <sip:a@h>;tag=yes', "yes"),
    ('"x>;tag=no" <sip:a@h>', ""),
    ("<sip:a@h>;x=a>;tag=yes", "yes"),
    (r'"a\" <sip:b@h>;tag=no" <sip:a@h>;tag=yes', "yes"),
]
BROKEN_TAGGED = [
    *BROKEN_ADDRESSES,
    "<sip:>;tag=1",
    "<sip:a@@h>;tag=1",
    "<sip:a@h:99999>;tag=1",
    '"A" <sip:a@@h>;tag=1',
    "<abcdefgh>;tag=1",
    "<sip:é@h>;tag=1",
    '"A;tag=1',
]


@pytest.mark.parametrize(("text", "via"), VIAS)
def test_via_is_read_and_written_back(text: str, via: Via | None) -> None:
    assert str(Via.parse(text)) == text
    if via is not None:
        assert Via.parse(text) == via


@pytest.mark.parametrize(("text", "written"), VIAS_READ_AS)
def test_via_in_other_spellings_is_written_in_one(text: str, written: str) -> None:
    assert str(Via.parse(text)) == written


@pytest.mark.parametrize("text", BROKEN_VIAS)
def test_malformed_via_is_refused(text: str) -> None:
    with pytest.raises(ParseError) as refused:
        Via.parse(text)
    assert refused.value.status == 400


def test_via_of_another_sip_version_is_answered_505() -> None:
    with pytest.raises(ParseError) as refused:
        Via.parse("SIP/7.0/UDP h;branch=1")
    assert refused.value.status == 505


@pytest.mark.parametrize(
    ("params", "cookie"),
    [("", False), (";branch=x", False), (";branch=z9hG4bK", False), (";branch=z9hG4bKx", True)],
)
def test_branch_identifies_only_with_something_behind_the_cookie(params: str, cookie: bool) -> None:
    assert Via.parse("SIP/2.0/UDP h" + params).has_cookie is cookie


@pytest.mark.parametrize(("text", "cseq"), CSEQS)
def test_cseq_is_read_and_written_back(text: str, cseq: CSeq) -> None:
    assert CSeq.parse(text) == cseq
    assert str(cseq) == text


@pytest.mark.parametrize(("text", "cseq"), CSEQS_READ_AS)
def test_cseq_is_read_in_other_spellings(text: str, cseq: CSeq) -> None:
    assert CSeq.parse(text) == cseq


@pytest.mark.parametrize("text", BROKEN_CSEQS, ids=lambda text: text[:30])
def test_malformed_or_too_large_cseq_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        CSeq.parse(text)


@pytest.mark.parametrize(("text", "address"), ADDRESSES)
def test_address_is_read_and_written_back(text: str, address: NameAddr) -> None:
    assert NameAddr.parse(text) == address
    assert str(address) == text


@pytest.mark.parametrize(("text", "address"), ADDRESSES_READ_AS)
def test_address_in_other_spellings_keeps_its_meaning(text: str, address: NameAddr) -> None:
    assert NameAddr.parse(text) == address
    assert NameAddr.parse(str(address)) == address


@pytest.mark.parametrize("text", BROKEN_ADDRESSES)
def test_malformed_address_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        NameAddr.parse(text)


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize(("text", "tag"), TAGS)
def test_tag_is_found_by_the_quick_way_as_by_the_grammar(text: str, tag: str, times: int) -> None:
    for _ in range(times):  # a second reading may take another way
        assert tag_of(text) == tag == NameAddr.parse(text).tag


@pytest.mark.parametrize("text", BROKEN_TAGGED)
def test_tag_of_a_malformed_address_is_refused(text: str) -> None:
    for _ in range(2):
        with pytest.raises(ParseError):
            tag_of(text)


def test_addresses_come_from_one_row_and_from_many() -> None:
    rows = ['"a, b" <sip:a@h>;q=1, <sip:b@h>', "sip:c@h"]
    assert [address.uri for address in parse_addresses(rows)] == ["sip:a@h", "sip:b@h", "sip:c@h"]


def test_address_of_another_scheme_is_answered_416_where_a_sip_uri_is_needed() -> None:
    address = NameAddr.parse("<http://www.example.com>")
    assert address.parsed_uri()
    with pytest.raises(ParseError) as refused:
        address.sip_uri()
    assert refused.value.status == 416


@pytest.mark.parametrize(("text", "number"), [("0", 0), (" 0068\t", 68), ("100", 100), ("101", 100), ("9" * 6000, 100)])
def test_number_is_capped(text: str, number: int) -> None:
    assert parse_number(text, 100, "x") == number


@pytest.mark.parametrize("text", ["", " ", "-1", "+1", "1a", "1 1", "²", "1.5"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parse_number(text, 100, "x")
