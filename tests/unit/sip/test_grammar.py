"""Lexical rules, as tables."""

import pytest

from sip.errors import ParseError
from sip.grammar import (
    bracketed,
    encode_params,
    hostport,
    ipv6,
    is_token,
    parse_hostport,
    parse_params,
    quote,
    split_list,
    unquote,
)

LISTS = [
    ("a", ["a"]),
    ("a,b", ["a", "b"]),
    ("a , b\t,c", ["a", "b", "c"]),
    ('"a,b" <sip:a,b@c>, <sip:d>', ['"a,b" <sip:a,b@c>', "<sip:d>"]),
    (r'"say \"x,y\"" <sip:a>, b', [r'"say \"x,y\"" <sip:a>', "b"]),
    (r'"ends in a backslash\\", b', [r'"ends in a backslash\\"', "b"]),
    ('"<", ">"', ['"<"', '">"']),
    ("<sip:a;b=1,2>;q=1, <sip:c>", ["<sip:a;b=1,2>;q=1", "<sip:c>"]),
]
BROKEN_LISTS = [",", "a,", ",a", "a,,b", "a, ,b", '"a, b', r'"a\", b', "<sip:a, b", '"a" <sip:a>, "b']

PARAMS: list[tuple[str, dict[str, str]]] = [
    ("", {}),
    (";lr", {"lr": ""}),
    (";a=1;b", {"a": "1", "b": ""}),
    (";TAG=Value", {"tag": "Value"}),
    (" ; a = 1 ;\tb", {"a": "1", "b": ""}),
    (';a="x;y=z"', {"a": '"x;y=z"'}),
    (r';a="x\"y";b=2', {"a": r'"x\"y"', "b": "2"}),
    (";received=[2001:db8::1]", {"received": "[2001:db8::1]"}),
    (";received=2001:db8::1", {"received": "2001:db8::1"}),
    (';x="é"', {"x": '"é"'}),
    (";+sip.instance=x", {"+sip.instance": "x"}),
]
BROKEN_PARAMS = [";", ";;", ";a;", ";=1", "a=1", ";a b", ';a="x', ';a="x"y', " x", ";é=1", '; a="b" c']

HOSTS: list[tuple[str, tuple[str, int | None]]] = [
    ("example.org", ("example.org", None)),
    ("example.org:5060", ("example.org", 5060)),
    ("example.org.", ("example.org.", None)),
    ("a_b.example", ("a_b.example", None)),
    ("192.0.2.1:1", ("192.0.2.1", 1)),
    ("x:0", ("x", 0)),
    ("x:65535", ("x", 65535)),
    ("[2001:db8::1]", ("2001:db8::1", None)),
    ("[2001:DB8:0:0::1]:5060", ("2001:db8::1", 5060)),
    ("[2001:db8:::192.0.2.1]", ("2001:db8::c000:201", None)),
    ("[2001:db8::10:5070]", ("2001:db8::10:5070", None)),
]
BROKEN_HOSTS = [
    "",
    ":5060",
    "example.org:",
    "example.org:x",
    "example.org:-1",
    "example.org:65536",
    "example.org:005060",
    "example.org:5060:1",
    "example..org",
    ".example.org",
    "-a.example",
    "a-.example",
    "exa mple",
    "exämple",
    "2001:db8::1",
    "[2001:db8::1",
    "[2001:db8::1]5060",
    "[2001:db8::1]:",
    "[2001:db8::g]",
    "[fe80::1%eth0]",
    "[::1%>;x]",
    "[]",
    "[192.0.2.1]",
    "x:²",
]


@pytest.mark.parametrize(("text", "elements"), LISTS)
def test_list_is_split_at_its_commas_only(text: str, elements: list[str]) -> None:
    assert split_list(text) == elements


@pytest.mark.parametrize("text", BROKEN_LISTS)
def test_list_with_an_empty_element_or_an_open_quote_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        split_list(text)


@pytest.mark.parametrize(("text", "params"), PARAMS)
def test_parameters_are_read_in_every_spelling_and_written_in_one(text: str, params: dict[str, str]) -> None:
    assert parse_params(text) == params
    assert parse_params(encode_params(params)) == params


@pytest.mark.parametrize("text", BROKEN_PARAMS)
def test_what_is_no_parameter_list_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parse_params(text)


@pytest.mark.parametrize(("text", "expected"), HOSTS)
def test_host_and_port_are_read_and_written_back(text: str, expected: tuple[str, int | None]) -> None:
    assert parse_hostport(text) == expected
    assert parse_hostport(hostport(*expected)) == expected


def test_ipv4_address_inside_of_an_ipv6_one_has_two_spellings() -> None:
    assert parse_hostport("[::ffff:192.0.2.1]:7") == parse_hostport("[::FFFF:c000:201]:7")


@pytest.mark.parametrize("text", BROKEN_HOSTS)
def test_malformed_host_or_port_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parse_hostport(text)


@pytest.mark.parametrize("text", ["", "plain", 'a "b"', "back\\slash", '\\"', "é\x00\t", "ends\\"])
def test_quoted_text_reads_as_it_was(text: str) -> None:
    assert unquote(quote(text)) == text


@pytest.mark.parametrize(
    ("text", "content"), [('"a\\b"', "ab"), ('"\\""', '"'), ("plain", "plain"), ('"', '"'), ('""', "")]
)
def test_quoted_pairs_are_resolved(text: str, content: str) -> None:
    assert unquote(text) == content


@pytest.mark.parametrize("text", ["INVITE", "a-.!%*_+`'~9"])
def test_token_has_every_legal_character(text: str) -> None:
    assert is_token(text)


@pytest.mark.parametrize("text", ["", "a b", "a:b", "é", "a\n", "a=b", '"a"', "a,", "a/b"])
def test_no_token_has_any_other_character(text: str) -> None:
    assert not is_token(text)


def test_only_ipv6_addresses_get_brackets() -> None:
    assert (bracketed("::1"), bracketed("192.0.2.1"), bracketed("example.org")) == ("[::1]", "192.0.2.1", "example.org")


@pytest.mark.parametrize("text", ["", "::1::", "1:2", "fe80::1%1", "192.0.2.1", "12345::"])
def test_what_is_no_ipv6_address_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        ipv6(text)
