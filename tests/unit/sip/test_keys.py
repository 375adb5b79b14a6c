"""What identifies a transaction, read from parsed requests and from plain octets."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sip.errors import ParseError
from sip.message import Request, parse
from sip.transaction.keys import client_key, invite_key, key_of, server_key, top_row
from tests.support.messages import BRANCH, raw, request, request_rows, response
from tests.unit.sip.machines import read_request


def read(data: bytes) -> Request:
    message = parse(data)
    assert isinstance(message, Request)
    return message


def with_via(via: str, method: str = "INVITE") -> bytes:
    return request(method, via=via)


def test_ack_has_the_key_of_its_invite_and_cancel_one_of_its_own() -> None:
    invite, ack, cancel = [read_request(method) for method in ("INVITE", "ACK", "CANCEL")]
    assert server_key(invite) == server_key(ack) == invite_key(cancel)
    assert server_key(cancel) != server_key(invite)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"via": "SIP/2.0/UDP a;branch=z9hG4bK1"}, {"via": "SIP/2.0/UDP a;branch=z9hG4bK2"}),
        ({"via": "SIP/2.0/UDP a;branch=z9hG4bK1"}, {"via": "SIP/2.0/UDP b;branch=z9hG4bK1"}),
        ({"via": "SIP/2.0/UDP a:1;branch=z9hG4bK1"}, {"via": "SIP/2.0/UDP a;branch=z9hG4bK1"}),
        ({"via": "SIP/2.0/UDP a;branch=old"}, {"via": "SIP/2.0/UDP a;branch=older"}),
        ({"via": "SIP/2.0/UDP a", "call_id": "1"}, {"via": "SIP/2.0/UDP a", "call_id": "2"}),
        ({"via": "SIP/2.0/UDP a", "cseq": "1 INVITE"}, {"via": "SIP/2.0/UDP a", "cseq": "2 INVITE"}),
        ({"via": "SIP/2.0/UDP a", "from_": "<sip:x@h>;tag=1"}, {"via": "SIP/2.0/UDP a", "from_": "<sip:x@h>;tag=2"}),
    ],
)
def test_requests_of_two_transactions_have_two_keys(one: dict[str, str], two: dict[str, str]) -> None:
    assert server_key(read_request("INVITE", **one)) != server_key(read_request("INVITE", **two))


def test_ack_of_rfc_2543_is_found_although_its_to_has_a_tag() -> None:
    via = "SIP/2.0/UDP old.example"
    invite = read_request("INVITE", via=via)
    ack = read_request("ACK", via=via, to="<sip:102@example.org>;tag=two")
    assert server_key(invite) == server_key(ack)


def test_responses_find_their_client_by_branch_and_method() -> None:
    assert client_key("z9hG4bK1", "INVITE") != client_key("z9hG4bK1", "CANCEL")


def text_of(data: bytes) -> str:
    return data.decode("latin-1")


@pytest.mark.parametrize(
    "via",
    [
        f"SIP/2.0/UDP 192.0.2.1:5060;branch={BRANCH};rport",
        f"SIP/2.0/UDP 192.0.2.1:5060;rport;branch={BRANCH}",
        f"SIP/2.0/TCP example.org;branch={BRANCH}",
        f"SIP/2.0/WS x1y2.invalid;branch={BRANCH};alias",
        f"SIP/2.0/UDP [2001:db8::1]:5070;branch={BRANCH}",
        f"SIP/2.0/UDP h;received=192.0.2.9;branch={BRANCH}",
    ],
)
def test_usual_request_is_recognised_unread(via: str) -> None:
    for method in ("INVITE", "ACK", "REGISTER", "BYE", "CANCEL", "ODD"):
        assert top_row(text_of(with_via(via, method))) == via


@pytest.mark.parametrize(
    "via",
    [
        f"SIP/2.0/UDP 192.0.2.1:5060;branch={BRANCH};rport",
        f"SIP/2.0/UDP 192.0.2.1:5060;rport;branch={BRANCH}",
        f"SIP/2.0/UDP 192.0.2.1:5060;branch={BRANCH}",
        f"SIP/2.0/tls Phone-7.example.org;branch={BRANCH}",
        f"SIP/2.0/WS x1y2.invalid;branch={BRANCH}",
    ],
)
def test_usual_request_has_its_key_unread(via: str) -> None:
    for method in ("INVITE", "ACK", "REGISTER", "BYE", "CANCEL", "ODD"):
        data = with_via(via, method)
        assert key_of(text_of(data)) == server_key(read(data))


@pytest.mark.parametrize(
    "via",
    [
        "SIP/2.0/UDP h;branch=z9hG4bK",
        "SIP/2.0/UDP h;branch=z9hG4bK;rport",
        "SIP/2.0/UDP h;branch=old",
        "SIP/2.0/UDP h;Branch=z9hG4bKa",
        "SIP/2.0/UDP h;branch=z9hG4bKa;branch=z9hG4bKb",
        "SIP/2.0/UDP h;branch=z9hG4bKa;received=192.0.2.9",
        "SIP/2.0/UDP h;x=1;branch=z9hG4bKa",
        'SIP/2.0/UDP h;branch=z9hG4bK"a',
        "SIP/2.0/UDP h:05060;branch=z9hG4bKa",
        "SIP/2.0/UDP [2001:DB8::1]:5070;branch=z9hG4bKa",
        "SIP/2.0/UDP h :5070;branch=z9hG4bKa",
        "SIP/2.0/UDP\ta :5070;branch=z9hG4bKa",
        "SIP / 2.0 / UDP h;branch=z9hG4bKa",
        "SIP/2.0/UDP h;branch=z9hG4bKa , SIP/2.0/UDP i",
        "SIP/2.0/UDP h;branch=z9hG4bKa,x",
        "SIP/2.0/UDP h",
    ],
)
def test_key_of_a_request_with_another_via_is_left_to_the_parser(via: str) -> None:
    assert key_of(text_of(with_via(via))) == ""


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n",
        b"INVITE sip:h SIP/2.0",
        b"INVITE sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1",
        b"INVITE sip:h SIP/2.0\r\nVia: ",
        b"x" * 2000,
        with_via("SIP/2.0/UDP h;\r\n branch=z9hG4bK1"),
        with_via("SIP/2.0/UDP h;branch=z9hG4bK1\r\n ;x=1"),
        with_via("SIP/2.0/UDP h;branch=z9hG4bK1\r\n\t, SIP/2.0/UDP i"),
        request("INVITE").replace(b"Via:", b"v:"),
        request("INVITE").replace(b"Via:", b"VIA:"),
        response(200, "INVITE"),
        raw("INVITE sip:h SIP/2.0", [f"{name}: {value}" for name, value in reversed(request_rows("INVITE").items())]),
    ],
    ids=lambda data: repr(data[24:70]),
)
def test_any_other_message_is_left_to_the_parser(data: bytes) -> None:
    assert not top_row(text_of(data))
    assert not key_of(text_of(data))


_params = st.sampled_from(["branch", "branch", "xbranch", "Branch", "rport", "x"])
_values = st.sampled_from(["=z9hG4bKa", "=z9hG4bKb", "=z9hG4bK", "", '="q;branch=z9hG4bKc"', "=old"])
_vias = st.builds(
    "{}{}{}".format,
    st.sampled_from(
        [
            "SIP/2.0/UDP h",
            "SIP/2.0/UDP h:5060",
            "SIP/2.0/UDP h:05060",
            "SIP/2.0/TCP [2001:DB8::1]:5070",
            "SIP/2.0/UDP  H",
        ]
    ),
    st.lists(st.builds("{}{}{}".format, st.sampled_from([";", ";", ";", "; ", "\t;"]), _params, _values)).map("".join),
    st.sampled_from(["", "", "", ", SIP/2.0/UDP z;branch=z9hG4bKz", ",SIP/2.0/UDP z", " "]),
)


@given(_vias, st.sampled_from(["INVITE", "ACK", "BYE"]), st.booleans())
@settings(max_examples=400)
def test_key_that_is_found_unread_is_the_one_that_the_parser_finds(via: str, method: str, folded: bool) -> None:
    data = with_via(via.replace("; ", ";\r\n ") if folded else via, method)
    key = key_of(text_of(data))
    if not key:
        return
    try:
        assert server_key(read(data)) == key
    except ParseError:
        return
