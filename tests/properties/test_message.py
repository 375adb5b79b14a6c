"""Messages from anybody: whatever the octets are, parsing ends in a value or in a ParseError, and nothing leaks."""

import re
from collections.abc import Callable

from hypothesis import example, given, settings
from hypothesis import strategies as st

from sip.errors import ParseError
from sip.fields import CSeq, NameAddr, Via, tag_of
from sip.grammar import encode_params, parse_params, quote, split_list, unquote
from sip.message import MalformedRequest, Message, Request, Response, parse, respond
from sip.transaction.keys import server_key, top_row
from sip.uri import SipUri, parse_uri
from tests.support.messages import SDP, request, response

VALID = [
    request("REGISTER", "sip:example.org", "Contact: <sip:101@192.0.2.1:5060;ob>", "Expires: 300"),
    request("INVITE", "sip:102@example.org", "c: application/sdp", 'm: "A, B" <sip:a@h>;q=1, <sip:b@h>', body=SDP),
    request("BYE", "sip:[2001:db8::1]:5070;lr", 'Reason: SIP;cause=200;text="x\\"y"', "Route: <sip:p;lr>, <sip:q;lr>"),
    request("MESSAGE", "tel:+7495", "Subject: one\r\n two\r\n\tthree", body=bytes(range(256))),
    request("ACK", via='SIP/2.0/UDP a;x="1,2";branch=z9hG4bK1, SIP/2.0/TCP b', from_='"\xff" <sip:%00@h> ; tag = 1'),
    response(200, "INVITE", "Record-Route: <sip:p;lr>", "Allow: INVITE, ACK", body=SDP),
    response(486, "INVITE", reason=""),
]

# What makes trouble where it stands: separators, quotes, ends of lines, octets that are no text, escapes.
TROUBLE = [
    *[bytes([octet]) for octet in b'\r\n:;,"\\<>[]% \t=@\x00\xff\x0b'],
    *[b"\r\n", b"\r\n ", b"\r\n\r\n", b"%0d%0a", b"9" * 30, b"Via: x", b"l: 1\r\n", b"z9hG4bK", b";tag="],
]

LINE_END = re.compile("[\r\n]")


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A valid message with a few things cut out, put in, repeated or exchanged."""
    data = draw(st.sampled_from(VALID))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 8)))
        put = draw(st.sampled_from([*TROUBLE, b"", data[start : start + 40]]) | st.binary(max_size=4))
        data = data[:start] + put + data[end:]
    return data


def parsed(data: bytes, stream: bool = False) -> Message | None:
    """What can be understood of these octets, be it only to refuse it; None for nothing."""
    try:
        return parse(data, stream=stream)
    except MalformedRequest as error:
        return error.request
    except ParseError:
        return None


@given(st.binary(max_size=600), st.booleans())
@example(b"", False)
@example(b"\r\n\r\n", True)
def test_any_octets_end_in_a_message_or_a_parse_error(data: bytes, stream: bool) -> None:
    parsed(data, stream)
    top_row(data.decode("latin-1"))


@given(mutated(), st.booleans())
@settings(max_examples=600)
def test_any_damage_to_a_message_ends_in_a_message_or_a_parse_error(data: bytes, stream: bool) -> None:
    message = parsed(data, stream)
    top_row(data.decode("latin-1"))
    if message is None:
        return
    readers: list[Callable[[], object]] = [
        lambda: [message.elements(name) for name in message.headers],
        lambda: [message.tokens(name) for name in message.headers],
        lambda: [message.addresses(name) for name in message.headers],
        lambda: [message.number(name, 100) for name in message.headers],
        lambda: message.via,
        lambda: message.content_type,
    ]
    if isinstance(message, Request):
        readers += [message.parsed_uri, lambda: message.max_forwards, lambda: server_key(message)]
    for read in readers:
        try:
            read()
        except ParseError:
            continue


@given(mutated())
@settings(max_examples=600)
def test_what_is_understood_is_written_so_that_it_is_understood_alike(data: bytes) -> None:
    try:
        message = parse(data)
    except ParseError:
        return
    again = parse(message.to_bytes())
    assert type(again) is type(message)
    assert (again.headers, again.body, again.via) == (message.headers, message.body, message.via)
    assert (again.call_id, again.cseq, again.from_tag, again.to_tag) == (
        message.call_id, message.cseq, message.from_tag, message.to_tag,
    )  # fmt: skip
    if isinstance(message, Request) and isinstance(again, Request):
        assert (again.method, again.uri) == (message.method, message.uri)
    if isinstance(message, Response) and isinstance(again, Response):
        assert (again.status, again.reason) == (message.status, message.reason)
    assert again.to_bytes() == message.to_bytes()


@given(mutated())
@settings(max_examples=600)
def test_nothing_that_was_read_makes_a_new_line_where_it_is_written(data: bytes) -> None:
    message = parsed(data)
    if message is None:
        return
    values = [value for rows in message.headers.values() for value in rows]
    if isinstance(message, Request):
        answer = respond(message, 400, to_tag="ours")
        values += [value for rows in answer.headers.values() for value in rows]
        values += [message.method, message.uri]
        rows = answer.to_bytes().split(b"\r\n\r\n")[0].split(b"\r\n")
        assert len(rows) == 1 + sum(map(len, answer.headers.values())) + 1
    values += [message.call_id, message.from_tag, message.to_tag, *message.headers]
    for name in ("From", "To", "Contact", "Route"):
        try:
            addresses = message.addresses(name)
        except ParseError:
            continue
        values += [part for address in addresses for part in (address.uri, address.display, str(address))]
    assert not any(LINE_END.search(value) for value in values)


_text = st.text(st.characters(max_codepoint=255), max_size=40)
_pieces = [*'ab1;,="\\<>@:%[] \t.-?&\xff\x0b', "sip:", "tag=", "h", "::1", "%41", ";tag="]
_spiced = st.lists(st.sampled_from(_pieces)).map("".join)


@given(_text | _spiced)
@settings(max_examples=400)
def test_any_text_is_a_value_or_a_parse_error(text: str) -> None:
    for read in (Via.parse, CSeq.parse, NameAddr.parse, tag_of, parse_uri, split_list, parse_params):
        try:
            read(text)
        except ParseError:
            continue


@given(_spiced)
@settings(max_examples=400)
def test_tag_is_found_quickly_only_where_the_grammar_finds_it(text: str) -> None:
    for candidate in (
        text,
        f"<{text}>;tag=1",
        f"<sip:a@h>;tag={text}",
        f'"{text}" <sip:a@h>;tag=1',
        f"{text} <sip:a@h>",
    ):
        try:
            tag = tag_of(candidate)
        except ParseError:
            continue
        address = NameAddr.parse(candidate)
        address.parsed_uri()
        assert tag == address.tag


@given(_text)
def test_display_name_is_read_as_it_was_written(display: str) -> None:
    assert unquote(quote(display)) == display
    address = NameAddr("sip:a@h", display)
    if not LINE_END.search(display):
        assert NameAddr.parse(str(address)) == address


@given(_spiced)
def test_address_that_was_read_is_written_so_that_it_is_read_alike(text: str) -> None:
    for candidate in (text, f"sip:{text}", f'"{text}" <sip:a@h>;{text}', f"<sip:a@h{text}>"):
        try:
            address = NameAddr.parse(candidate)
        except ParseError:
            continue
        again = NameAddr.parse(str(address))
        assert (again.uri, again.display, again.params) == (address.uri, address.display, address.params)


@given(_spiced)
@settings(max_examples=400)
def test_uri_that_was_read_is_written_so_that_it_is_read_alike(text: str) -> None:
    for candidate in (f"sip:{text}", f"sip:a@{text}", f"sip:a@h;{text}", f"sips:h?{text}"):
        try:
            uri = parse_uri(candidate)
        except ParseError:
            continue
        again = parse_uri(str(uri))
        assert again == uri
        if isinstance(uri, SipUri):
            assert isinstance(again, SipUri)
            assert uri.equivalent(again)


@given(
    st.dictionaries(
        st.from_regex(r"[a-z][a-z0-9-]*", fullmatch=True), st.from_regex(r'[a-z0-9.]*|"[^"\\]*"', fullmatch=True)
    )
)
def test_parameters_are_read_as_they_were_written(params: dict[str, str]) -> None:
    assert parse_params(encode_params(params)) == params
