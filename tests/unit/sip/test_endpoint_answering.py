"""Requests of peers: where responses go, what is absorbed, what is answered without keeping anything."""

import pytest

from sip.errors import ParseError
from sip.fields import Via
from sip.grammar import split_list
from sip.message import Request
from sip.transport.base import Flow
from tests.support.messages import BRANCH, request
from tests.unit.sip.parties import Server, replying

# Via as sent, from where, and the Via of the response (RFC 3261 §18.2.1, RFC 3581 §4).
STAMPS = [
    ("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1", "192.0.2.1", 5060, "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1"),
    (
        "SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK1",
        "192.0.2.1",
        5060,
        "SIP/2.0/UDP 192.0.2.1:5060;rport=5060;received=192.0.2.1;branch=z9hG4bK1",
    ),
    (
        "SIP/2.0/UDP 10.0.0.7:5060;branch=z9hG4bK1;rport",
        "203.0.113.9",
        40001,
        "SIP/2.0/UDP 10.0.0.7:5060;branch=z9hG4bK1;rport=40001;received=203.0.113.9",
    ),
    (
        "SIP/2.0/UDP 10.0.0.7:40001;branch=z9hG4bK1",
        "203.0.113.9",
        40001,
        "SIP/2.0/UDP 10.0.0.7:40001;branch=z9hG4bK1;received=203.0.113.9",
    ),
    (
        "SIP/2.0/UDP phone.example:5060;branch=z9hG4bK1",
        "192.0.2.1",
        5060,
        "SIP/2.0/UDP phone.example:5060;branch=z9hG4bK1;received=192.0.2.1",
    ),
    (
        "SIP/2.0/UDP [2001:db8::1]:5060;branch=z9hG4bK1;rport",
        "2001:db8::1",
        5060,
        "SIP/2.0/UDP [2001:db8::1]:5060;branch=z9hG4bK1;rport=5060;received=2001:db8::1",
    ),
    (
        "SIP/2.0/UDP [2001:DB8:0::1]:5060;branch=z9hG4bK1",
        "2001:db8::1",
        5060,
        "SIP/2.0/UDP [2001:DB8:0::1]:5060;branch=z9hG4bK1",
    ),
    (
        "SIP/2.0/UDP [2001:db8::9]:5060;branch=z9hG4bK1",
        "2001:db8::1",
        5060,
        "SIP/2.0/UDP [2001:db8::9]:5060;branch=z9hG4bK1;received=2001:db8::1",
    ),
    (
        "SIP/2.0/UDP 10.0.0.7;branch=z9hG4bK1;received=198.51.100.66;rport",
        "192.0.2.1",
        5060,
        "SIP/2.0/UDP 10.0.0.7;branch=z9hG4bK1;received=192.0.2.1;rport=5060",
    ),
    (
        "SIP/2.0/UDP 10.0.0.7;branch=z9hG4bK1;RPORT",
        "192.0.2.1",
        5060,
        "SIP/2.0/UDP 10.0.0.7;branch=z9hG4bK1;rport=5060;received=192.0.2.1",
    ),
    (
        "SIP/2.0/UDP 10.0.0.7;branch=z9hG4bK1;rport=",
        "192.0.2.1",
        5060,
        "SIP/2.0/UDP 10.0.0.7;branch=z9hG4bK1;rport=5060;received=192.0.2.1",
    ),
    (
        "SIP/2.0/UDP 10.0.0.7;branch=z9hG4bK1;rport;x;rport-x",
        "192.0.2.1",
        5060,
        "SIP/2.0/UDP 10.0.0.7;branch=z9hG4bK1;rport=5060;x;rport-x;received=192.0.2.1",
    ),
    (
        'SIP/2.0/UDP 10.0.0.7;branch=z9hG4bK1;x="a,b";rport , SIP/2.0/TCP last.example;branch=z9hG4bK2',
        "192.0.2.1",
        5060,
        'SIP/2.0/UDP 10.0.0.7;branch=z9hG4bK1;x="a,b";rport=5060;received=192.0.2.1,'
        " SIP/2.0/TCP last.example;branch=z9hG4bK2",
    ),
]


@pytest.mark.parametrize(("sent", "host", "port", "stamped"), STAMPS, ids=[row[0] for row in STAMPS])
def test_source_is_noted_in_the_topmost_via(sent: str, host: str, port: int, stamped: str) -> None:
    server = Server(host, port, ours="2001:db8::2" if ":" in host else "192.0.2.2")
    server.user.on_request = replying(server, 403)
    server.give(request("OPTIONS", "sip:h", "Via: SIP/2.0/UDP before.example", via=sent))
    (response,) = server.responses
    assert [str(Via.parse(top)) for top in split_list(response.rows("Via")[0])] == [
        str(Via.parse(top)) for top in split_list(stamped)
    ]
    assert response.rows("Via")[1:] == ["SIP/2.0/UDP before.example"]


@pytest.mark.parametrize(
    ("via", "port"),
    [
        ("SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK1", 5070),
        ("SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1", 5060),
        ("SIP/2.0/UDP 10.9.9.9:5070;branch=z9hG4bK1", 5070),
        ("SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK1;rport", 40001),
        ("SIP/2.0/UDP 192.0.2.1:40001;branch=z9hG4bK1", 40001),
    ],
)
@pytest.mark.parametrize("stateless", [True, False])
def test_response_over_udp_goes_to_the_port_of_the_via_or_where_rport_asks(
    via: str, port: int, stateless: bool
) -> None:
    server = Server(port=40001)
    if stateless:
        server.user.on_request = replying(server, 403)
    else:
        server.party.answers(403)
    server.give(request("OPTIONS", via=via))
    assert [packet.destination for packet in server.wire.log[1:]] == [("192.0.2.1", port)]


@pytest.mark.parametrize("transport", ["TCP", "TLS", "WS", "WSS"])
def test_response_over_a_connection_goes_back_on_it(transport: str) -> None:
    server = Server(port=40001)
    server.party.answers(180, 200)
    server.give(request("INVITE", via=f"SIP/2.0/{transport} 192.0.2.1:5070;branch=z9hG4bK1"), transport)
    assert server.statuses == [100, 180, 200]
    assert {(packet.destination, packet.transport) for packet in server.wire.log[1:]} == {
        (("192.0.2.1", 40001), transport)
    }


def test_invite_is_answered_100_before_anything_else() -> None:
    server = Server()
    server.party.answers()
    server.give(request("INVITE"))
    assert server.statuses == [100]
    assert "tag" not in server.responses[0].headers["To"][0]


def test_retransmissions_are_absorbed_and_answered_from_memory() -> None:
    server = Server()
    server.party.answers(180)
    for _ in range(5):
        server.give(request("INVITE"))
    assert server.statuses == [100, 180, 180, 180, 180, 180]
    assert (len(server.user.requests), server.endpoint.counters["retransmissions"]) == (1, 4)


def test_retransmission_in_plain_spelling_is_absorbed_without_being_read() -> None:
    server = Server()
    server.party.answers(180)
    server.give(request("INVITE"))
    start = request("INVITE").partition(b"Max-Forwards")[0]
    server.give(start + b"nobody reads on from here")
    assert server.statuses == [100, 180, 180]
    assert (server.endpoint.counters["retransmissions"], server.endpoint.counters["malformed"]) == (1, 0)


@pytest.mark.parametrize(
    "again",
    [
        request("INVITE").replace(b"Via:", b"v :"),
        request("INVITE", via=f"SIP/2.0/UDP 192.0.2.1:5060;\r\n branch={BRANCH}"),
        request("INVITE").replace(b"Max-Forwards: 70\r\n", b"", 1),
        request("INVITE", "sip:102@example.org", "X: first").replace(b"Via", b"Subject: x\r\nVia"),
    ],
)
def test_retransmission_in_another_spelling_is_absorbed_by_the_parser(again: bytes) -> None:
    server = Server()
    server.party.answers(180)
    server.give(request("INVITE"))
    server.give(again)
    assert (len(server.user.requests), server.endpoint.counters["retransmissions"]) == (1, 1)


def test_requests_of_rfc_2543_are_told_apart_by_their_fields() -> None:
    server = Server()
    server.party.answers(486)
    via = "SIP/2.0/UDP 192.0.2.1"
    server.give(request("INVITE", via=via))
    server.give(request("INVITE", via=via))
    server.give(request("INVITE", via=via, call_id="other"))
    assert (len(server.user.requests), server.endpoint.counters["retransmissions"]) == (2, 1)
    server.give(request("ACK", via=via, to="<sip:102@example.org>;tag=theirs"))
    server.give(request("ACK", via=via, to="<sip:102@example.org>;tag=theirs", call_id="other"))
    assert server.user.acks == []
    before = len(server.inbox.messages)
    server.clock.advance(100)
    assert len(server.inbox.messages) == before
    assert server.party.at_rest()


def test_ack_of_a_2xx_goes_up_with_its_own_branch_and_with_the_invites() -> None:
    server = Server()
    server.party.answers(200)
    server.give(request("INVITE"))
    server.give(request("ACK"))
    server.give(request("ACK", via="SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKother"))
    assert [ack.method for ack in server.user.acks] == ["ACK", "ACK"]
    assert server.statuses == [100, 200]


def test_ack_before_any_final_response_is_dropped() -> None:
    server = Server()
    server.party.answers(180)
    server.give(request("INVITE"))
    server.give(request("ACK"))
    assert server.user.acks == []
    assert server.statuses == [100, 180]


def test_second_user_agent_with_the_same_branch_is_another() -> None:
    server = Server()
    server.party.answers(200)
    server.give(request("OPTIONS", via=f"SIP/2.0/UDP 192.0.2.1:5060;branch={BRANCH}"))
    server.give(request("OPTIONS", via=f"SIP/2.0/UDP 192.0.2.7:5060;branch={BRANCH};rport"))
    assert len(server.user.requests) == 2


def test_stateless_reply_keeps_nothing_and_says_the_same_twice() -> None:
    server = Server()
    server.user.on_request = replying(server, 401)
    server.give(request("REGISTER"))
    server.give(request("REGISTER"))
    one, two = server.inbox.messages
    assert one == two
    assert server.responses[0].to_tag
    assert server.party.at_rest()
    server.give(request("REGISTER", via="SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKother"))
    assert server.responses[2].to_tag != server.responses[0].to_tag


def test_stateless_reply_in_a_dialog_keeps_its_tag() -> None:
    server = Server()
    server.user.on_request = replying(server, 481)
    server.give(request("BYE", to="<sip:102@example.org>;tag=theirs"))
    assert server.responses[0].headers["To"] == ["<sip:102@example.org>;tag=theirs"]


MALFORMED = [
    (request("BYE", cseq="x BYE", to="<sip:102@h>;tag=theirs"), 400),
    (request("BYE", call_id="", to="<sip:102@h>;tag=theirs"), 400),
    (request("OPTIONS", "sip:h", "CSeq: 5 OPTIONS", "t: <sip:other@h>"), 400),
    (request("INVITE", "sip:h SIP/3.0").replace(b" SIP/2.0\r", b"\r"), 505),
    (request("INVITE").replace(b"Length: 0", b"Length: 10"), 400),
    (request("INVITE", without="From"), 400),
    (request("INVITE", via="SIP/2.0/UDP 192.0.2.1;;,;,,"), 400),
    (request("INVITE", to='"open <sip:x@h>'), 400),
]


@pytest.mark.parametrize(("data", "status"), MALFORMED, ids=[str(number) for number in range(len(MALFORMED))])
def test_malformed_request_is_answered_with_what_it_has(data: bytes, status: int) -> None:
    server = Server()
    server.give(data)
    assert server.user.requests == []
    (answer,) = server.inbox.messages
    assert answer.startswith(f"SIP/2.0 {status} ".encode())
    for name in (b"\r\nCall-ID: ", b"\r\nCSeq: ", b"\r\nFrom: ", b"\r\nTo: "):
        assert answer.count(name) == (name in data or name == b"\r\nTo: ")
    assert answer.count(b"tag=") <= 2
    assert server.endpoint.counters["malformed"] == 1
    assert server.party.at_rest()


@pytest.mark.parametrize(
    "data",
    [
        request("ACK", cseq="1 INVITE"),
        request("ACK", without="To"),
        request("INVITE", without="Via"),
        b"SIP/2.0 4294967301 x\r\nVia: SIP/2.0/UDP 192.0.2.2\r\n\r\n",
        b"hello",
        b"\x00\x01\x02",
    ],
)
def test_what_cannot_be_answered_is_counted_and_dropped(data: bytes) -> None:
    server = Server()
    server.give(data)
    assert (server.inbox.messages, server.user.requests, server.user.acks) == ([], [], [])
    assert server.endpoint.counters["malformed"] == 1


def test_parse_error_that_the_user_meets_is_answered_as_it_says() -> None:
    server = Server()

    def on_request(request: Request, flow: Flow) -> None:
        raise ParseError("unknown media type", 415, "Unsupported Media Type")

    server.user.on_request = on_request
    server.give(request("INVITE"))
    assert server.statuses == [415]
    assert server.responses[0].headers["Accept"] == ["application/sdp"]
    assert server.endpoint.counters["failures"] == 0


def test_request_beyond_the_limit_is_shed_and_those_kept_go_on() -> None:
    server = Server(most=2)
    server.party.answers(180)
    for number in range(5):
        server.give(request("INVITE", via=f"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{number}"))
    assert server.statuses == [100, 180, 100, 180, 503, 503, 503]
    assert server.responses[-1].headers["Retry-After"] == ["10"]
    assert (server.endpoint.counters["shed"], len(server.user.requests)) == (3, 2)
    server.give(request("INVITE", via="SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK0"))
    assert server.statuses[-1] == 180


def test_finished_transaction_keeps_its_last_octets_for_as_long_as_retransmissions_may_come() -> None:
    server = Server()
    server.party.answers(200)
    server.give(request("OPTIONS"))
    assert not server.party.at_rest()
    assert server.party.served[0].request is None
    server.clock.advance(31)
    server.give(request("OPTIONS"))
    assert (server.statuses, len(server.user.requests)) == ([200, 200], 1)
    server.clock.advance(1)
    assert server.party.at_rest()
