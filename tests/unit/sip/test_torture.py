"""Messages that are legal although nobody writes them so, and illegal ones that look usual.

The ground of RFC 4475 and RFC 5118, with messages of our own.
"""

import pytest

from sip.errors import ParseError
from sip.fields import CSeq
from sip.message import MalformedRequest, Request, Response, parse
from sip.transaction.keys import server_key
from sip.uri import OtherUri, SipUri
from tests.support.messages import SDP, raw, request, response


def test_every_legal_blank_and_fold_leaves_the_meaning() -> None:
    message = parse(
        raw(
            "INVITE sip:anna@office.example;unknown SIP/2.0",
            [
                "tO\t:\r\n <sip:anna@office.example> \r\n\t; tag   =\r\n  7t",
                'FROM : "Boris \\"\\\\\\"" \t <sip:boris@example.net>\r\n ;\r\n  tag = 9f',
                "mAx-FoRwArDs:   0042",
                "i:fold@192.0.2.7",
                "cSEQ: 0012\r\n\t  INVITE",
                "v: SIP  /\r\n 2.0  /  TCP   relay.example  : 5070 ;\r\n branch\t= z9hG4bKfold ,"
                " SIP/2.0 /\r\n UDP 192.0.2.8\r\n ;branch=z9hG4bKnext",
                "Via  :SIP/2.0/TLS [2001:db8::7];branch=z9hG4bKlast",
                "s:",
                "X-Strange: ;;,,;;,;",
                'm:"Comma, and \\"quote\\"" <sip:boris@example.net>;p=\r\n v;q = 0.5 ,<sip:second@example.net>',
                f"l\t: {len(SDP)}",
            ],
            SDP,
        )
    )
    assert isinstance(message, Request)
    assert (message.to_tag, message.from_tag, message.call_id) == ("7t", "9f", "fold@192.0.2.7")
    assert (message.cseq, message.max_forwards, message.body) == (CSeq(12, "INVITE"), 42, SDP)
    assert message.address("From").display == 'Boris "\\"'
    assert (message.via.transport, message.via.host, message.via.port) == ("TCP", "relay.example", 5070)
    assert message.via.branch == "z9hG4bKfold"
    assert len(message.elements("Via")) == 3
    assert [contact.params for contact in message.addresses("Contact")] == [{"p": "v", "q": "0.5"}, {}]
    assert message.headers["X-Strange"] == [";;,,;;,;"]
    again = parse(message.to_bytes())
    assert (again.headers, again.body) == (message.headers, message.body)


def test_every_legal_character_is_carried() -> None:
    method = "!Odd-Method0123456789_*+`.%even'~"
    user = "1_all.of~(them!)&isn't+it$/really?,/;;*"
    call_id = "word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"
    message = parse(
        request(
            method,
            f"sip:{user}:&it+has=1,secret*$@example.org",
            "extension-!.%*+_`'~:\xef\xbb\xbf\xe5\xa4\xa7",
            from_="one~` two'+_ three*%!.- <sip:x@h>;p''~+*_!.-%=\"\xd1\x80\";tag=_t~1'+`*%!-.",
            to=f'"BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f" <sip:{user}@example.org>',
            call_id=call_id,
            max_forwards="255",
        )
    )
    assert isinstance(message, Request)
    assert (message.method, message.call_id, message.from_tag) == (method, call_id, "_t~1'+`*%!-.")
    assert message.address("To").display == "BEL:\x07 NUL:\x00 DEL:\x7f"
    uri = message.parsed_uri()
    assert isinstance(uri, SipUri)
    assert (uri.user, uri.password) == (user, "&it+has=1,secret*$")
    assert parse(message.to_bytes()).headers == message.headers


def test_percent_is_an_escape_in_uris_only() -> None:
    message = parse(
        request(
            "RE%47ISTER",
            "sip:sips%3Auser%40example.com@example.net",
            "C%6Fntact: <sip:no@h>",
            "Contact: <sip:cal%6Cer@h;n%61me=v%61lue%25%34%31>",
            to='"%Z%45" <sip:%75se%72@example.com>',
        )
    )
    assert isinstance(message, Request)
    assert message.method == "RE%47ISTER"
    assert [contact.sip_uri().number for contact in message.addresses("Contact")] == ["caller"]
    uri = message.parsed_uri()
    assert isinstance(uri, SipUri)
    assert (uri.number, uri.host) == ("sips:user@example.com", "example.net")
    to = message.address("To")
    assert (to.display, to.sip_uri().number) == ("%Z%45", "user")


def test_escaped_nul_cuts_nothing() -> None:
    message = parse(request("REGISTER", "sip:h", "Contact: <sip:%00@h>", "Contact: <sip:%00%00@h>"))
    one, two = [contact.sip_uri() for contact in message.addresses("Contact")]
    assert (one.number, two.number) == ("\x00", "\x00\x00")
    assert not one.equivalent(two)


def test_long_values_are_carried_whole() -> None:
    long = "long" * 900
    message = parse(
        request(
            "INVITE",
            f"sip:{long}@{'a.' * 60}example;p{long}={long};{long}",
            *[f"Via: SIP/2.0/TCP proxy{hop}.example;branch=z9hG4bK{hop}" for hop in range(40)],
            f"X-{long}: {long} {long}",
            from_=f'"{long}" <sip:{long}@h>;x={long};tag={long}',
            call_id=f"{long}@{long}",
            via=f"SIP/2.0/TCP h;branch=z9hG4bK{long}",
        )
    )
    assert isinstance(message, Request)
    assert (message.from_tag, message.call_id, message.via.branch) == (long, f"{long}@{long}", f"z9hG4bK{long}")
    assert parse(message.to_bytes()).headers == message.headers


def test_second_message_in_a_datagram_is_thrown_away() -> None:
    second = request("INVITE", call_id="second")
    message = parse(request("REGISTER", "sip:h") + second)
    assert isinstance(message, Request)
    assert (message.method, message.call_id, message.body) == ("REGISTER", "a84b4c76e66710", b"")


def test_semicolons_before_the_at_sign_belong_to_the_user() -> None:
    message = parse(request("OPTIONS", "sip:user;par=u%40example.net@example.com"))
    assert isinstance(message, Request)
    uri = message.parsed_uri()
    assert isinstance(uri, SipUri)
    assert (uri.number, uri.params) == ("user;par=u@example.net", {})


def test_parameter_outside_of_brackets_belongs_to_the_header() -> None:
    outside = parse(request("REGISTER", "sip:h", "Contact: sip:a@h;unknown")).addresses("Contact")[0]
    inside = parse(request("REGISTER", "sip:h", "Contact: <sip:a@h;unknown>")).addresses("Contact")[0]
    assert (outside.uri, outside.params) == ("sip:a@h", {"unknown": ""})
    assert (inside.uri, inside.params) == ("sip:a@h;unknown", {})


def test_escaped_route_in_a_contact_stays_in_its_uri() -> None:
    message = parse(request("REGISTER", "sip:h", "m: <sip:a@h?Route=%3Csip:evil.example%3E>"))
    assert message.addresses("Contact")[0].sip_uri().headers == "Route=%3Csip:evil.example%3E"
    assert "Route" not in message.headers


def test_body_of_octets_is_framed_and_kept() -> None:
    body = b"--x\r\n\r\n" + bytes(range(256)) + b"\r\n--x--"
    message = parse(request("MESSAGE", "sip:h", "Content-Type: multipart/mixed;boundary=x", body=body))
    assert (message.body, message.content_type) == (body, "multipart/mixed")


def test_schemes_that_nobody_knows_are_read() -> None:
    message = parse(request("OPTIONS", "novel.beep://192.0.2.3:3002", to="isbn:2983792873", from_="<http://h>;tag=1"))
    assert isinstance(message, Request)
    assert isinstance(message.parsed_uri(), OtherUri)
    with pytest.raises(ParseError) as refused:
        message.address("To").sip_uri()
    assert refused.value.status == 416


def test_transports_that_nobody_knows_are_read() -> None:
    message = parse(request("OPTIONS", "sip:h", "Via: SIP/2.0/SCTP b", "Via: SIP/2.0/TLS c", via="SIP/2.0/CARRIER a"))
    assert (message.via.transport, len(message.rows("Via"))) == ("CARRIER", 3)


def test_request_of_rfc_2543_is_read() -> None:
    message = parse(
        request(
            "INVITE",
            without="Max-Forwards",
            via="SIP/2.0/UDP old.example",
            from_="<sip:+1303555@old.example;user=phone>",
            to="sip:+1650555@example.org;user=phone",
        )
    )
    assert isinstance(message, Request)
    assert (message.from_tag, message.to_tag, message.via.has_cookie) == ("", "", False)
    assert message.address("To").params == {"user": "phone"}


def test_bare_cookies_do_not_make_two_requests_one() -> None:
    via = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK"
    one, two = [parse(request("OPTIONS", via=via, call_id=call_id)) for call_id in ("one", "two")]
    assert isinstance(one, Request)
    assert isinstance(two, Request)
    assert server_key(one) != server_key(two)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (request("INVITE", via="SIP/2.0/UDP 192.0.2.15;;,;,,"), 400),
        (request("INVITE").replace(b"Length: 0", b"Length: 9999"), 400),
        (request("INVITE").replace(b"Length: 0", b"Length: -999"), 400),
        (request("REGISTER", cseq="36893488147419103232 REGISTER", max_forwards="300"), 400),
        (request("INVITE", to='"Mr. X <sip:x@h>'), 400),
        (request("INVITE", "<sip:x@h>"), 400),
        (request("INVITE", "sip:x@h; lr"), 400),
        (request("INVITE", " sip:x@h "), 400),
        (request("OPTIONS", "sip:x@h SIP/2.0  ").replace(b"  SIP/2.0\r", b"  \r"), 400),
        (request("OPTIONS", to='"Watson, Thomas" < sip:x@h >'), 400),
        (request("OPTIONS", from_="Bell, Alexander <sip:x@h>;tag=1"), 400),
        (request("OPTIONS", via="SIP/7.0/UDP h;branch=1").replace(b"SIP/2.0\r", b"SIP/7.0\r"), 505),
        (request("OPTIONS", cseq="8 INVITE"), 400),
        (request("NEWMETHOD", cseq="8 INVITE"), 400),
        (request("INVITE", without="To"), 400),
        (request("INVITE", "sip:h", "CSeq: 59 INVITE", "t: sip:other@h", "f: sip:y@h;tag=1"), 400),
        (request("OPTIONS", "sip:h", "Content-Length: 13"), 400),
        (request("REGISTER", "sip:2001:db8::10"), 400),
        (request("OPTIONS", via="SIP/2.0/UDP [2001:db8::1;branch=z9hG4bK1"), 400),
    ],
    ids=lambda value: value if isinstance(value, int) else value[:40].decode(),
)
def test_request_that_cannot_be_trusted_is_refused(data: bytes, status: int) -> None:
    with pytest.raises(MalformedRequest) as refused:
        parse(data)
    assert refused.value.status == status


@pytest.mark.parametrize(
    "data",
    [
        response(503, "OPTIONS", cseq="9292394834772304023312 OPTIONS"),
        response(200, "OPTIONS").replace(b"200", b"4294967301", 1),
        response(200, "OPTIONS", "Call-ID: two"),
        response(200, "OPTIONS").replace(b"Length: 0", b"Length: 5"),
    ],
)
def test_response_that_cannot_be_trusted_is_dropped(data: bytes) -> None:
    with pytest.raises(ParseError) as refused:
        parse(data)
    assert not isinstance(refused.value, MalformedRequest)


def test_overlarge_numbers_that_do_no_harm_are_capped() -> None:
    message = parse(
        request("REGISTER", "sip:h", "Expires: " + "1" + "0" * 100, "Contact: <sip:a@h>;expires=2802975966328")
    )
    assert message.number("Expires", 2**32) == 2**32


def test_reason_phrase_may_say_anything_or_nothing() -> None:
    for reason in ("= 2**3 * 5**2 \xd0\xbd\xd0\xbe", ""):
        message = parse(response(200, "INVITE", reason=reason))
        assert isinstance(message, Response)
        assert message.reason == reason


# RFC 5118: IPv6 references where they stand, and what is none.
@pytest.mark.parametrize(
    ("uri", "host", "port"),
    [
        ("sip:[2001:db8::10]", "2001:db8::10", None),
        ("sip:[2001:db8::10:5070]", "2001:db8::10:5070", None),
        ("sip:[2001:db8::10]:5070", "2001:db8::10", 5070),
        ("sip:user@[2001:db8::192.0.2.1]", "2001:db8::c000:201", None),
        ("sip:user@[2001:db8:::192.0.2.1]", "2001:db8::c000:201", None),
    ],
)
def test_ipv6_reference_and_port_are_told_apart(uri: str, host: str, port: int | None) -> None:
    message = parse(request("REGISTER", uri, 'Contact: "x" <sip:caller@[2001:db8::1]>'))
    assert isinstance(message, Request)
    parsed = message.parsed_uri()
    assert isinstance(parsed, SipUri)
    assert (parsed.host, parsed.port) == (host, port)
    assert message.addresses("Contact")[0].sip_uri().host == "2001:db8::1"


@pytest.mark.parametrize("received", ["2001:db8::9:255", "[2001:db8::9:255]"])
def test_received_parameter_is_read_with_brackets_and_without(received: str) -> None:
    via = f"SIP/2.0/UDP [2001:db8::9:1]:6050;received={received};branch=z9hG4bKas3"
    message = parse(request("BYE", via=via))
    assert (message.via.host, message.via.port, message.via.branch) == ("2001:db8::9:1", 6050, "z9hG4bKas3")
    assert message.via.params["received"] == received


def test_addresses_of_both_families_stand_side_by_side() -> None:
    message = parse(
        request(
            "BYE",
            "sip:h",
            "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK2",
            via="SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bK1",
        )
    )
    assert message.via.host == "2001:db8::9:1"
    mapped = parse(request("INVITE", via="SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bK1"))
    assert mapped.via.port == 19823
