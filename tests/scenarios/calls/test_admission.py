"""What does not become a call: every refusal, and that nothing rings or stays for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.scenarios.calls.office import DOMAIN, Office, connected

CASES = [
    # headers, body, status, a header of the answer
    (["Content-Type: text/plain"], b"hi", 415, ("Accept", "application/sdp")),
    (["Content-Type: application/sdp", "Content-Encoding: gzip"], b"v=0", 415, ("Accept-Encoding", "identity")),
    (["Content-Type: application/sdp"], b"v=0\r\no=x\r\n", 488, ("Warning", None)),
    (["Accept: text/html"], b"", 406, ("Accept", "application/sdp")),
    (["Require: teleport, 100rel"], b"", 420, ("Unsupported", "teleport")),
    (["Proxy-Require: sec-agree"], b"", 420, ("Unsupported", "sec-agree")),
    (["Session-Expires: 20"], b"", 422, ("Min-SE", "90")),
    (["Session-Expires: soon"], b"", 400, ("Call-ID", None)),
    (["Min-SE: soon"], b"", 400, ("Call-ID", None)),
    (["Replaces: nonsense"], b"", 400, ("Call-ID", None)),
    (["Replaces: a;to-tag=b;from-tag=c"], b"", 481, ("Call-ID", None)),
]


@pytest.mark.parametrize(("headers", "body", "status", "told"), CASES)
def test_invite_that_cannot_become_a_call(
    office: Office, headers: list[str], body: bytes, status: int, told: tuple[str, str | None]
) -> None:
    anna, boris = office.two()
    sent = anna.ask("INVITE", "102", f"Contact: <{anna.contact}>", *headers, body=body)
    assert sent.status == status
    name, value = told
    assert sent.answer.get(name) is not None
    assert value is None or sent.answer.get(name) == value
    assert not boris.rings


@pytest.mark.parametrize(
    ("uri", "status"),
    [
        (f"sip:999@{DOMAIN}", 404),
        (f"sip:10@{DOMAIN}", 484),
        (f"sip:nobody@{DOMAIN}", 404),
        (f"sip:{DOMAIN}", 404),
        ("sip:102@elsewhere.example", 404),
        ("tel:999", 404),
        ("mailto:102@pbx.example", 416),
        ("urn:service:sos", 416),
    ],
)
def test_request_uri_that_names_nobody(office: Office, uri: str, status: int) -> None:
    anna, boris = office.two()
    anna.uri = lambda number: uri  # type: ignore[method-assign]
    sent = anna.ask("INVITE", "102", f"Contact: <{anna.contact}>")
    assert sent.status == status
    assert not boris.rings


def test_beginning_of_a_number_says_so_to_the_caller(office: Office) -> None:
    anna = office.phone("101")
    call = anna.call("10")
    assert call.heard == [100, 484]
    assert call.answered.headers["Reason"][0].startswith("Q.850;cause=28;")
    assert office.record.outcome.value == "not-found"


def test_invite_without_contact_is_malformed(office: Office) -> None:
    anna, boris = office.two()
    assert anna.ask("INVITE", "102").status == 400
    assert not boris.rings


def test_hops_are_counted_across_the_legs(office: Office) -> None:
    anna, boris = office.two()
    anna.call("102", max_forwards="12")
    ring = boris.rung()
    assert ring.invite is not None
    assert ring.invite.max_forwards == 11
    ring.reject(486)
    assert anna.call("102", max_forwards="0").heard == [483]
    assert not boris.rings


def test_our_own_invite_that_comes_back_is_a_loop(office: Office) -> None:
    """A phone that sends all calls back to us, as a misconfigured gateway does."""
    anna, boris = office.two()
    call = anna.call("102")
    ring = boris.rung()
    invite = ring.invite
    assert invite is not None
    rows = [f"{name}: {value}" for name in ("From", "To", "Call-ID", "CSeq", "Contact") for value in invite.rows(name)]
    back = boris.send("INVITE", f"sip:102@{DOMAIN}", ["Max-Forwards: 68", *rows])
    boris.settle()
    assert back.status == 482
    ring.answer()
    assert call.live


def test_invite_that_comes_by_two_ways_is_taken_once(office: Office) -> None:
    """RFC 3261 §8.2.2.2: the same request with another branch."""
    anna, boris = office.two()
    call = anna.call("102")
    assert call.sent is not None
    invite = call.sent.request
    rows = [f"{name}: {value}" for name, values in invite.headers.items() if name != "Via" for value in values]
    merged = anna.send("INVITE", invite.uri, rows, invite.body)
    anna.settle()
    assert merged.status == 482
    assert len(boris.talks) == 1
    boris.rung().answer()
    assert call.live


@pytest.mark.parametrize(
    ("method", "status"),
    [
        ("BYE", 481),
        ("INFO", 481),
        ("PRACK", 481),
        ("UPDATE", 481),
        ("NOTIFY", 481),
        ("REFER", 403),
        ("SUBSCRIBE", 489),
        ("PUBLISH", 489),
        ("WINK", 501),
        ("OPTIONS", 200),
    ],
)
def test_requests_outside_of_a_call(office: Office, method: str, status: int) -> None:
    anna = office.phone("101")
    assert anna.ask(method, "102").status == status


def test_options_tell_what_we_can(office: Office) -> None:
    anna = office.phone("101")
    answer = anna.ask("OPTIONS", "102").answer
    assert {"INVITE", "REGISTER", "MESSAGE", "REFER", "PRACK", "UPDATE"} <= answer.tokens("Allow")
    assert {"100rel", "timer", "replaces", "path", "outbound", "gruu"} <= answer.tokens("Supported")
    assert answer.rows("Accept") == ["application/sdp"]


# ---- no new work


def _drain(office: Office) -> None:
    office.health.draining = True


def _overload(office: Office) -> None:
    office.backlog = 0.5
    office.run(0.2)


def _refuse(office: Office) -> None:
    office.writer.error = "the disk is full"


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [(_drain, "Shutting Down"), (_overload, "Overloaded"), (_refuse, "Storage Unavailable")],
)
def test_new_calls_are_refused_and_those_that_are_there_go_on(
    office: Office, trouble: Callable[[Office], None], reason: str
) -> None:
    anna, boris = office.two()
    call, ring = connected(anna, boris)
    trouble(office)
    refused = office.phone("103", registers=False).call("102")
    assert refused.heard == [503]
    assert refused.last.reason == reason
    assert int(refused.last.headers["Retry-After"][0]) > 0
    assert call.send("INFO", body=b"1", content_type="application/dtmf-relay").status == 200
    assert ring.bye().status == 200
    office.writer.error = None


def test_overload_ends_when_the_backlog_is_gone(office: Office) -> None:
    anna, boris = office.two()
    _overload(office)
    assert anna.call("102").heard == [503]
    office.backlog = 0.05  # not yet
    office.run(0.2)
    assert anna.call("102").heard == [503]
    office.backlog = 0.01
    office.run(0.2)
    anna.call("102")
    boris.rung().reject(486)


def test_backlog_of_a_moment_is_no_overload(office: Office) -> None:
    anna, boris = office.two()
    office.backlog = 0.2
    office.run(0.1)
    office.backlog = 0.0
    call = anna.call("102")
    boris.rung().reject(486)
    assert call.heard[-1] == 486
    office.backlog = 0.2
    office.run(0.3)
    assert anna.call("102").heard == [503]


def test_there_are_only_so_many_calls_at_once(make_office: Callable[..., Office]) -> None:
    office = make_office(most_calls=1)
    anna, boris, clara = office.three()
    connected(anna, boris)
    refused = clara.call("104")
    assert refused.heard == [503]
    assert refused.last.reason == "Too Many Calls"


def test_forwarding_does_not_pass_the_refusal_of_new_calls_on(make_office: Callable[..., Office]) -> None:
    """A call that was taken before is walked to its end."""
    office = make_office("101\n102 busy 103\n103")
    anna, boris, clara = office.three()
    call = anna.call("102")
    _drain(office)
    boris.rung().reject(486)
    clara.rung().answer()
    assert call.live
