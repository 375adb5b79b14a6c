"""Messages read from octets and written to octets."""

from typing import Any

import pytest

from sip.errors import ParseError
from sip.fields import Via
from sip.message import MalformedRequest, Request, Response, parse, respond
from tests.support.messages import SDP, raw, request, request_rows, response

HEADERS = {name: [value] for name, value in request_rows("INVITE").items()}

# Octets as we write them, and the same as a value: read and written both ways.
BOTH_WAYS: list[tuple[str, bytes, Request | Response]] = [
    ("a request", request("INVITE"), Request("INVITE", "sip:102@example.org", HEADERS)),
    (
        "a body",
        request("INVITE", "sip:102@example.org", "Content-Type: application/sdp", body=SDP),
        Request("INVITE", "sip:102@example.org", {**HEADERS, "Content-Type": ["application/sdp"]}, SDP),
    ),
    (
        "octets that are no text",
        request("INVITE", "sip:102@example.org", "Subject: \xff\xfe\xe9\x80\x00", body=bytes(range(256))),
        Request("INVITE", "sip:102@example.org", {**HEADERS, "Subject": ["\xff\xfe\xe9\x80\x00"]}, bytes(range(256))),
    ),
    (
        "rows of one name in their order",
        request("INVITE", "sip:h", "Route: <sip:a;lr>, <sip:b>", "Route: <sip:c>", "X-Empty: "),
        Request("INVITE", "sip:h", {**HEADERS, "Route": ["<sip:a;lr>, <sip:b>", "<sip:c>"], "X-Empty": [""]}),
    ),
    (
        "a response",
        response(180, "INVITE", reason="Ringing"),
        Response(
            180,
            "Ringing",
            {name: ["<sip:102@example.org>;tag=two"] if name == "To" else values for name, values in HEADERS.items()
             if name != "Max-Forwards"},
        ),
    ),
]  # fmt: skip

START_LINES = [
    ("INVITE sip:102@example.org SIP/2.0", ("INVITE", "sip:102@example.org")),
    ("INVITE sip:102@example.org sip/2.0", ("INVITE", "sip:102@example.org")),
    ("INVITE tel:+7495 SIP/2.0", ("INVITE", "tel:+7495")),
    ("INVITE urn:service:sos SIP/2.0", ("INVITE", "urn:service:sos")),
    ("INVITE sip:[2001:db8::1]:5070 SIP/2.0", ("INVITE", "sip:[2001:db8::1]:5070")),
    ("SIP/2.0 100 ", (100, "")),
    ("SIP/2.0 200", (200, "")),
    ("SIP/2.0 200 OK", (200, "OK")),
    ("SIP/2.0 699 \xd0\xbd\xd0\xb5\xd1\x82 = 2**3", (699, "\xd0\xbd\xd0\xb5\xd1\x82 = 2**3")),
]

# Requests that can be answered, by the status that they deserve.
REFUSED_START_LINES = [
    ("INVITE  sip:h SIP/2.0", 400),
    ("INVITE sip:h  SIP/2.0", 400),
    ("INVITE sip:h SIP/2.0 ", 400),
    ("INVITE sip:h; lr SIP/2.0", 400),
    ("INVITE <sip:h> SIP/2.0", 400),
    ("INVITE sip:a b@h SIP/2.0", 400),
    ("INVITE sip:h\tx SIP/2.0", 400),
    ("INVITE sip: SIP/2.0", 400),
    ("INVITE sip:h SIP/7.0", 505),
    ("INVITE sip:h SIP/2.1", 505),
    ("INVITE sip:h HTTP/1.1", 400),
    ("INVITE sip:h SIP/2", 400),
]
DROPPED_START_LINES = [
    "",
    "INVITE",
    "INVITE sip:h",
    "INVITE\tsip:h\tSIP/2.0",
    "IN/VITE sip:h SIP/2.0",
    "\xffNVITE sip:h SIP/2.0",
    "SIP/2.0",
    "SIP/2.0 ",
    "SIP/2.0  200 OK",
    "SIP/2.0 20 OK",
    "SIP/2.0 099 No",
    "SIP/2.0 700 No",
    "SIP/2.0 -10 No",
    "SIP/2.0 2000 No",
    "SIP/2.0 4294967301 No",
    "SIP/2.0 \xb2\xb2\xb2 No",
    "SIP/3.0 200 OK",
    "SIP/ 200 OK",
]

FOLDS = [
    ("Subject: one\r\n two", "one two"),
    ("Subject: one \t\r\n \t two", "one two"),
    ("Subject:\r\n one\r\n\ttwo\r\n three", "one two three"),
    ("Subject:one", "one"),
    ("Subject :  one  ", "one"),
    ("SUBJECT\t:\tone: two", "one: two"),
    ("s: one", "one"),
    ("S:", ""),
    ("s:\r\n ", ""),
]

BAD_ROWS = [
    ("no colon", "Subject"),
    ("no name", ": x"),
    ("a name that is no token", "Sub ject: x"),
    ("a bare LF", "Subject: a\nVia: b"),
    ("a bare CR", "Subject: a\rb"),
    ("a bare LF before a blank", "Subject: a\r\n\n b"),
    ("two Call-IDs", "i: x"),
    ("two Max-Forwards", "Max-Forwards: 70"),
    ("two lengths", "l: 0"),
]

WRONG_FIELDS = [
    {"without": "Via"},
    {"without": "From"},
    {"without": "To"},
    {"without": "Call-ID"},
    {"without": "CSeq"},
    {"call_id": ""},
    {"cseq": "1 BYE"},
    {"cseq": "2147483648 INVITE"},
    {"max_forwards": "256"},
    {"max_forwards": "-1"},
    {"max_forwards": "x"},
    {"from_": '"open <sip:a@h>'},
    {"to": "<sip:a@@h>"},
    {"via": "SIP/2.0/UDP h;;,;,,"},
]


@pytest.mark.parametrize(("data", "message"), [row[1:] for row in BOTH_WAYS], ids=[row[0] for row in BOTH_WAYS])
def test_message_is_read_and_written_octet_by_octet(data: bytes, message: Request | Response) -> None:
    read = parse(data)
    assert type(read) is type(message)
    assert (read.headers, read.body) == (message.headers, message.body)
    assert read.to_bytes() == message.to_bytes() == data


@pytest.mark.parametrize(("line", "expected"), START_LINES)
def test_start_line_is_read(line: str, expected: tuple[object, object]) -> None:
    read = parse(raw(line, [f"{name}: {value}" for name, value in request_rows("INVITE").items()]))
    assert expected == ((read.method, read.uri) if isinstance(read, Request) else (read.status, read.reason))


@pytest.mark.parametrize(("line", "status"), REFUSED_START_LINES)
def test_malformed_request_line_is_answered(line: str, status: int) -> None:
    with pytest.raises(MalformedRequest) as refused:
        parse(raw(line, [f"{name}: {value}" for name, value in request_rows("INVITE").items()]))
    assert refused.value.status == status
    assert refused.value.request.method == "INVITE"


@pytest.mark.parametrize("line", DROPPED_START_LINES)
def test_start_line_that_is_none_is_dropped(line: str) -> None:
    with pytest.raises(ParseError) as refused:
        parse(raw(line, [f"{name}: {value}" for name, value in request_rows("INVITE").items()]))
    assert not isinstance(refused.value, MalformedRequest)


@pytest.mark.parametrize(("row", "value"), FOLDS)
def test_row_in_any_legal_spelling_has_its_value(row: str, value: str) -> None:
    read = parse(request("INVITE", "sip:h", row))
    assert read.headers["Subject"] == [value]
    assert parse(read.to_bytes()).headers == read.headers


@pytest.mark.parametrize("row", [row for _, row in BAD_ROWS], ids=[name for name, _ in BAD_ROWS])
def test_malformed_row_makes_a_request_answerable_and_a_response_void(row: str) -> None:
    with pytest.raises(MalformedRequest) as refused:
        parse(request("INVITE", "sip:h", row))
    assert refused.value.status == 400
    with pytest.raises(ParseError):
        parse(response(200, "INVITE", row, "Max-Forwards: 70"))


@pytest.mark.parametrize("fields", WRONG_FIELDS, ids=str)
def test_request_without_a_sound_mandatory_field_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ParseError) as refused:
        parse(request("INVITE", "sip:h", **fields))
    assert refused.value.status == 400
    assert isinstance(refused.value, MalformedRequest) is (fields.get("without") != "Via")


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (request("ACK", cseq="1 INVITE"), "CSeq names another method"),
        (response(200, "INVITE", cseq="1"), "malformed CSeq"),
    ],
)
def test_malformed_ack_or_response_is_never_answered(data: bytes, problem: str) -> None:
    with pytest.raises(ParseError, match=problem) as refused:
        parse(data)
    assert not isinstance(refused.value, MalformedRequest)


@pytest.mark.parametrize(
    ("length", "body", "stream", "read"),
    [
        ("Content-Length: 3", b"abc", False, b"abc"),
        ("Content-Length: 3", b"abcdef", False, b"abc"),
        ("Content-Length: 0", b"abc", False, b""),
        ("l:0003", b"abc", True, b"abc"),
        ("X-None: 1", b"abc", False, b"abc"),
        ("X-None: 1", b"", True, b""),
    ],
)
def test_body_is_as_long_as_content_length_says(length: str, body: bytes, stream: bool, read: bytes) -> None:
    data = request("MESSAGE").replace(b"Content-Length: 0", length.encode()) + body
    message = parse(data, stream=stream)
    assert message.body == read
    assert "Content-Length" not in message.headers


@pytest.mark.parametrize(
    ("length", "stream"),
    [("4", False), ("-999", False), ("", False), ("3, 3", False), ("9" * 6000, False), ("\xb2", False), (None, True)],
)
def test_wrong_content_length_is_refused(length: str | None, stream: bool) -> None:
    row = b"X-None: 1" if length is None else f"Content-Length: {length}".encode("latin-1")
    with pytest.raises(MalformedRequest):
        parse(request("MESSAGE").replace(b"Content-Length: 0", row) + b"abc", stream=stream)


def test_head_without_end_is_refused() -> None:
    with pytest.raises(MalformedRequest, match="header section without end"):
        parse(request("MESSAGE").rstrip(b"\r\n") + b"\r\n")


def test_header_bomb_is_cut_and_refused() -> None:
    with pytest.raises(MalformedRequest, match="too many header fields") as refused:
        parse(request("MESSAGE", "sip:h", *[f"X-{number}: bomb" for number in range(3000)]))
    assert len(refused.value.request.headers) <= 400
    with pytest.raises(ParseError) as refused_head:
        parse(request("MESSAGE", "sip:h", "X: " + "a" * 70_000))
    assert refused_head.value.status == 513


def test_headers_are_asked_for_by_row_element_and_type() -> None:
    message = parse(
        request("INVITE", "sip:h", 'm: "a, b" <sip:a@h>;q=1,<sip:b@h>', "Contact: sip:c@h", "Require: a , b",
                "Require:c", "Expires: 99999", "c: Application/SDP;x=y", "Allow: ")
    )  # fmt: skip
    assert message.get("Contact") == '"a, b" <sip:a@h>;q=1,<sip:b@h>'
    assert message.get("Absent") is None
    assert message.rows("Absent") == message.elements("Absent") == []
    assert message.addresses("Absent") == []
    assert message.elements("Contact") == ['"a, b" <sip:a@h>;q=1', "<sip:b@h>", "sip:c@h"]
    assert [address.uri for address in message.addresses("Contact")] == ["sip:a@h", "sip:b@h", "sip:c@h"]
    assert message.tokens("Require") == {"a", "b", "c"}
    assert message.tokens("Allow") == message.tokens("Absent") == set()
    assert message.number("Expires", 3600) == 3600
    assert message.number("Min-Expires", 3600) is None
    assert message.content_type == "application/sdp"
    assert message.address("From").tag == message.from_tag == "one"
    with pytest.raises(ParseError, match="no Refer-To"):
        message.address("Refer-To")


def test_topmost_via_is_the_first_of_its_row() -> None:
    message = parse(request("INVITE", via='SIP/2.0/TCP a;x="1,2";branch=z9hG4bK1 , SIP/2.0/UDP b'))
    assert (message.via.host, message.via.branch) == ("a", "z9hG4bK1")
    message.put_via(Via("WS", "c", None, {}))
    assert (message.via.host, message.rows("Via")) == ("c", ["SIP/2.0/WS c"])


def test_response_repeats_what_ties_it_to_its_request() -> None:
    asked = parse(request("INVITE", "sip:h", "Via: SIP/2.0/UDP b", "Record-Route: <sip:p;lr>"))
    assert isinstance(asked, Request)
    answer = respond(asked, 486, to_tag="ours", headers=[("Retry-After", "5")], body=b"x")
    read = parse(answer.to_bytes())
    assert isinstance(read, Response)
    assert (read.status, read.reason, read.body) == (486, "Busy Here", b"x")
    assert read.rows("Via") == asked.rows("Via")
    assert (read.call_id, read.cseq, read.from_tag, read.to_tag) == (asked.call_id, asked.cseq, "one", "ours")
    assert read.headers["Retry-After"] == ["5"]
    assert "Record-Route" not in read.headers
    assert "Max-Forwards" not in read.headers


def test_response_in_a_dialog_keeps_its_tag() -> None:
    asked = parse(request("BYE", to="<sip:102@example.org>;tag=two"))
    assert isinstance(asked, Request)
    assert respond(asked, 200, to_tag="other").headers["To"] == ["<sip:102@example.org>;tag=two"]


def test_response_does_not_change_the_request() -> None:
    asked = parse(request("INVITE"))
    assert isinstance(asked, Request)
    before = asked.to_bytes()
    respond(asked, 200, to_tag="ours", headers=[("Contact", "<sip:h>")])
    assert asked.to_bytes() == before


def test_unknown_status_has_the_reason_of_its_class() -> None:
    assert [Response(status).reason for status in (100, 299, 499, 603, 699)] == [
        "Trying", "OK", "Request Failure", "Decline", "Global Failure",
    ]  # fmt: skip


def test_hops_left_are_seventy_where_nothing_is_said() -> None:
    message = parse(request("INVITE", without="Max-Forwards"))
    assert isinstance(message, Request)
    assert message.max_forwards == 70
    message.set("Max-Forwards", "0068")
    assert message.max_forwards == 68


@pytest.mark.parametrize("data", [b"", b"\r\n", b"\r\n\r\n", b"\r", b"\n", b" ", b"\x00", b"INVITE", b"INVITE\r\n"])
def test_next_to_nothing_is_dropped(data: bytes) -> None:
    with pytest.raises(ParseError):
        parse(data)


@pytest.mark.parametrize("blank", ["\x0b", "\x0c", "\x1c", "\x85", "\xa0"])
def test_other_blanks_than_space_and_tab_separate_nothing(blank: str) -> None:
    for cseq in (f"1{blank}INVITE", f"{blank}\t{blank}", f"1\t{blank}INVITE"):
        with pytest.raises(MalformedRequest):
            parse(request("INVITE", cseq=cseq))
    assert parse(request("INVITE", "sip:h", f"Subject:{blank}x{blank}")).get("Subject") == f"{blank}x{blank}"
