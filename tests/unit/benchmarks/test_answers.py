"""From datagrams with their times to the time that each operation took in the server."""

import socket

import pytest

from tests.benchmarks.answers import METHODS, Answers, Turns, add_up
from tests.benchmarks.cases import CASES
from tests.benchmarks.packets import Capture, Datagram

SERVER, CALLER, CALLEE = 5060, 31_000, 31_001


def message(start: str, cseq: str, *, call: str = "1@caller", caller: str = "100", via: str = "caller") -> bytes:
    """Of a request its method and of a response its status, with what tells whose it is."""
    first = f"SIP/2.0 {start} Reason" if start.isdecimal() else f"{start} sip:200@127.0.0.1 SIP/2.0"
    return (
        f"{first}\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK{via}\r\n"
        f'From: "Anna" <sip:{caller}@127.0.0.1>;tag=1\r\nTo: <sip:200@127.0.0.1>\r\n'
        f"Call-ID: {call}\r\nCSeq: {cseq}\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def comes(at: float, payload: bytes, source: int = CALLER) -> Datagram:
    return Datagram(at, source, SERVER, payload)


def goes(at: float, payload: bytes, target: int = CALLER) -> Datagram:
    return Datagram(at, SERVER, target, payload)


def call(at: float = 0.0, *, caller: str = "100", a: str = "1@caller", b: str = "1@server") -> list[Datagram]:
    """A call through two legs, 1 + 2 + 3 + 4 ms of which are the server's."""
    ours = {"call": a, "caller": caller}
    other = {"call": b, "caller": caller, "via": "server"}
    return [
        comes(at, message("INVITE", "1 INVITE", **ours)),
        goes(at + 1, message("407", "1 INVITE", **ours)),
        comes(at + 2, message("ACK", "1 ACK", **ours)),
        comes(at + 10, message("INVITE", "2 INVITE", **ours)),
        goes(at + 11, message("100", "2 INVITE", **ours)),
        goes(at + 12, message("INVITE", "1 INVITE", **other), CALLEE),
        comes(at + 13, message("100", "1 INVITE", **other), CALLEE),
        comes(at + 20, message("180", "1 INVITE", **other), CALLEE),
        goes(at + 23, message("180", "2 INVITE", **ours)),
        comes(at + 70, message("200", "1 INVITE", **other), CALLEE),
        goes(at + 70.5, message("ACK", "1 ACK", **other), CALLEE),
        goes(at + 74, message("200", "2 INVITE", **ours)),
        comes(at + 75, message("ACK", "2 ACK", **ours)),
        comes(at + 500, message("BYE", "3 BYE", **ours)),
        goes(at + 590, message("BYE", "2 BYE", **other), CALLEE),
        goes(at + 591, message("200", "3 BYE", **ours)),
        comes(at + 592, message("200", "2 BYE", **other), CALLEE),
    ]


def times(datagrams: list[Datagram], method: bytes = b"INVITE") -> Turns:
    return add_up(sorted(datagrams, key=lambda one: one.at), SERVER, method)


def test_servers_turns_of_both_legs_are_added_up_until_the_answer() -> None:
    assert times(call()) == Turns([10.0])


def test_proxy_has_one_call_id_for_both_legs() -> None:
    assert times(call(b="1@caller")) == Turns([10.0])


def test_calls_of_different_people_at_once_are_kept_apart() -> None:
    found = times([*call(), *call(0.5, caller="101", a="2@caller", b="2@server")])
    assert found == Turns([10.0, 10.0])


def test_same_caller_has_one_call_after_another() -> None:
    assert times([*call(), *call(100, a="2@caller", b="2@server")]) == Turns([10.0, 10.0])


def test_two_calls_of_one_caller_at_once_are_left_out_and_counted() -> None:
    found = times([*call(), *call(5, a="2@caller", b="2@server"), *call(700, a="3@caller", b="3@server")])
    assert found == Turns([10.0], ambiguous=2)


def test_forwarding_is_the_servers_turn_until_it_rings_the_next_phone() -> None:
    first, second = {"call": "1@server"}, {"call": "2@server"}
    found = times(
        [
            comes(0, message("INVITE", "1 INVITE")),
            goes(1, message("INVITE", "1 INVITE", **first), CALLEE),
            comes(10, message("486", "1 INVITE", **first), CALLEE),
            goes(10.5, message("ACK", "1 ACK", **first), CALLEE),
            goes(11, message("181", "1 INVITE")),
            goes(12, message("INVITE", "1 INVITE", **second), CALLEE),
            comes(60, message("200", "1 INVITE", **second), CALLEE),
            goes(64, message("200", "1 INVITE")),
        ]
    )
    assert found == Turns([7.0])


def test_two_messages_that_wait_in_the_server_are_its_turn_until_both_are_out() -> None:
    leg = {"call": "1@server"}
    found = times(
        [
            comes(0, message("INVITE", "1 INVITE")),
            goes(1, message("INVITE", "1 INVITE", **leg), CALLEE),
            comes(10, message("180", "1 INVITE", **leg), CALLEE),
            comes(60, message("200", "1 INVITE", **leg), CALLEE),
            goes(62, message("180", "1 INVITE")),
            goes(65, message("200", "1 INVITE")),
        ]
    )
    assert found == Turns([56.0])


def test_what_is_sent_again_changes_nothing() -> None:
    again = comes(500, message("INVITE", "1 INVITE"))
    found = times(
        [
            comes(0, message("INVITE", "1 INVITE")),
            again,
            goes(510, message("INVITE", "1 INVITE", call="1@server"), CALLEE),
            goes(1010, message("INVITE", "1 INVITE", call="1@server"), CALLEE),
            comes(1020, message("200", "1 INVITE", call="1@server"), CALLEE),
            goes(1021, message("200", "1 INVITE")),
            goes(1521, message("200", "1 INVITE")),
        ]
    )
    assert found == Turns([511.0])


def test_registration_takes_two_requests() -> None:
    found = times(
        [
            comes(0, message("REGISTER", "1 REGISTER")),
            goes(0.25, message("401", "1 REGISTER")),
            comes(5, message("REGISTER", "2 REGISTER")),
            goes(5.5, message("200", "2 REGISTER")),
        ],
        b"REGISTER",
    )
    assert found == Turns([0.75])


def test_other_traffic_of_the_port_is_passed_over() -> None:
    others = [
        comes(0.1, b"\r\n\r\n"),
        comes(0.2, message("REGISTER", "1 REGISTER", call="9@caller")),
        goes(0.3, message("OPTIONS", "1 OPTIONS", call="9@server"), CALLEE),
        goes(0.4, message("200", "1 INVITE", call="8@caller")),
    ]
    assert times([*call(), *others]) == Turns([10.0])


def test_compact_names_and_wide_spaces_are_read() -> None:
    request = b"MESSAGE sip:2@h SIP/2.0\r\nf:<sip:100@h>;tag=1\r\ni : 1@caller\r\nCSeq:  1  MESSAGE\r\n\r\nhello"
    answer = request.replace(b"MESSAGE sip:2@h SIP/2.0", b"SIP/2.0 202 Accepted")
    assert times([comes(0, request), goes(2, answer)], b"MESSAGE") == Turns([2.0])


def test_what_makes_a_run_worthless_is_told() -> None:
    unanswered = times(call()[:5])
    stray = times([*call(), goes(900, message("INVITE", "1 INVITE", call="2@server"), CALLEE)])
    assert (unanswered, stray) == (Turns(unanswered=1), Turns([10.0], strays=1))
    good = Turns([1.0])
    for turns, lost, problem, told in (
        (good, 0, "7 operations failed", "failed (7 operations failed)"),
        (good, 3, None, "failed (3 packets were not seen)"),
        (stray, 0, None, "failed (1 requests belong to no operation)"),
        (unanswered, 0, None, "failed (1 operations were not answered)"),
        (Turns(), 0, None, "failed (no operation was seen)"),
    ):
        assert str(Answers.of(turns, lost=lost, problem=problem)) == told


def test_percentiles_are_those_of_the_operations() -> None:
    answers = Answers.of(Turns([float(ms) for ms in range(200, 0, -1)], ambiguous=2), lost=0, problem=None)
    assert (answers.p50, answers.p99, answers.most, answers.answered) == (100.0, 198.0, 200.0, 200)
    assert str(answers) == "100.00 / 198.00 / 200.00 (2 left out)"


def test_each_case_with_a_goal_has_a_request_that_is_answered() -> None:
    assert {case.scenario for case in CASES if case.goal is not None} == set(METHODS)


def test_capture_sees_what_passes_its_port_and_nothing_else() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as one, socket.socket(type=socket.SOCK_DGRAM) as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        here, there = one.getsockname(), other.getsockname()
        try:
            capture = Capture(here[1])
        except PermissionError:
            pytest.skip("packet sockets need CAP_NET_RAW")
        with capture:
            other.sendto(b"question", here)
            one.sendto(b"answer", there)
            other.sendto(b"to itself", there)
    seen = capture.datagrams()
    assert [(found.source, found.target, found.payload) for found in seen] == [
        (there[1], here[1], b"question"),
        (here[1], there[1], b"answer"),
    ]
    assert seen[0].at <= seen[1].at
    assert capture.lost == 0
