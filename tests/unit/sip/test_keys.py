"""What identifies a transaction, read from parsed requests and from plain octets."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sip.errors import ParseError
from sip.message import Request, parse
from sip.transaction.keys import client_key, invite_key, peek_key, server_key
from tests.support.messages import BRANCH, raw, request, request_rows
from tests.unit.sip.machines import read_request


def key_of(data: bytes) -> str:
    message = parse(data)
    assert isinstance(message, Request)
    return server_key(message)


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
        data = with_via(via, method)
        assert peek_key(data) == key_of(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n",
        b"INVITE sip:h SIP/2.0",
        b"INVITE sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1",
        b"INVITE sip:h SIP/2.0\r\nVia: ",
        b"x" * 2000,
        with_via("SIP/2.0/UDP h"),
        with_via("SIP/2.0/UDP h;branch=old"),
        with_via("SIP/2.0/UDP h;branch=z9hG4bK"),
        with_via("SIP/2.0/UDP h;branch=z9hG4bK;x=1"),
        with_via("SIP/2.0/UDP h;branch=z9hG4bK1,SIP/2.0/UDP i;branch=z9hG4bK2"),
        with_via("SIP/2.0/UDP h ;branch=z9hG4bK1"),
        with_via("SIP/2.0/UDP h; branch=z9hG4bK1"),
        with_via("SIP/2.0/UDP  h;branch=z9hG4bK1"),
        with_via("SIP/2.0/UDP h;\r\n branch=z9hG4bK1"),
        with_via("SIP/2.0/UDP h;branch=z9hG4bK1\r\n ;x=1"),
        with_via("SIP/2.0/UDP h;branch=z9hG4bK1\r\n\t, SIP/2.0/UDP i"),
        request("INVITE").replace(b"Via:", b"v:"),
        request("INVITE").replace(b"Via:", b"VIA:"),
        raw("INVITE sip:h SIP/2.0", [f"{name}: {value}" for name, value in reversed(request_rows("INVITE").items())]),
    ],
    ids=lambda data: repr(data[24:70]),
)
def test_any_other_spelling_is_left_to_the_parser(data: bytes) -> None:
    assert peek_key(data) is None


@pytest.mark.parametrize(
    "via",
    [
        "SIP/2.0/UDP h;xbranch=z9hG4bKother;branch=z9hG4bK1",
        "SIP/2.0/UDP h;branch=z9hG4bK1;xbranch=z9hG4bKother",
        'SIP/2.0/UDP h;x=";branch=z9hG4bKother";branch=z9hG4bK1',
        "SIP/2.0/UDP h;branch=z9hG4bKother;branch=z9hG4bK1",
        "SIP/2.0/UDP h;branch=z9hG4bKother;BRANCH=z9hG4bK1",
        "SIP/2.0/UDP h;branch=z9hG4bKother;branch",
        "SIP/2.0/UDP h;branch=z9hG4bK1=z9hG4bKother",
    ],
)
def test_branch_in_a_wrong_place_never_gives_the_key_of_another(via: str) -> None:
    data = with_via(via)
    assert peek_key(data) in (None, key_of(data))


_params = st.sampled_from(["branch", "branch", "xbranch", "Branch", "rport", "x"])
_values = st.sampled_from(["=z9hG4bKa", "=z9hG4bKb", "=z9hG4bK", "", '="q;branch=z9hG4bKc"', "=old"])
_vias = st.builds(
    "{}{}{}".format,
    st.sampled_from(["SIP/2.0/UDP h", "SIP/2.0/UDP h", "SIP/2.0/TCP [2001:DB8::1]:5070", "SIP/2.0/UDP  H"]),
    st.lists(st.builds("{}{}{}".format, st.sampled_from([";", ";", ";", "; ", "\t;"]), _params, _values)).map("".join),
    st.sampled_from(["", "", "", ", SIP/2.0/UDP z;branch=z9hG4bKz", ",SIP/2.0/UDP z", " "]),
)


@given(_vias, st.sampled_from(["INVITE", "ACK", "BYE"]), st.booleans())
@settings(max_examples=400)
def test_peeking_never_tells_anything_that_parsing_would_not(via: str, method: str, folded: bool) -> None:
    data = with_via(via.replace("; ", ";\r\n ") if folded else via, method)
    peeked = peek_key(data)
    try:
        key = key_of(data)
    except ParseError:
        return
    # A host in another spelling is unknown when peeking, never another's.
    assert peeked is None or peeked.replace("2001:DB8", "2001:db8").replace("\t", "") == key


@given(
    st.text("abcXYZ09-.", min_size=1, max_size=30),
    st.from_regex(r"[a-z]{1,10}(\.[a-z]{1,5})?(:[1-9][0-9]{0,3})?|\[2001:db8::[1-9a-f]\]", fullmatch=True),
    st.sampled_from(["UDP", "TCP", "TLS", "WS", "WSS"]),
    st.sampled_from(["INVITE", "REGISTER", "ACK", "BYE", "CANCEL", "MESSAGE"]),
    st.permutations([";rport", ";alias", ";branch=z9hG4bK{}", ";x=y"]),
)
def test_plainly_spelt_request_is_always_recognised_unread(
    branch: str, sent_by: str, transport: str, method: str, params: list[str]
) -> None:
    data = with_via(f"SIP/2.0/{transport} {sent_by}{''.join(params)}".format(branch), method)
    assert peek_key(data) == key_of(data)
