import pytest

from tests.support.peers.calls import Call, CallBook, State
from tests.support.peers.trace import SipMessage, Way

OUT, IN = Way.SENT, Way.RECEIVED


def message(way: Way, start: str, cseq: int = 1, *fields: tuple[str, str], to_tag: bool = False) -> SipMessage:
    status = start.startswith("SIP/2.0")
    method, start = start.rsplit(" ", 1)[::-1] if status else (start, f"{start} sip:102@pbx.test SIP/2.0")
    to = "<sip:102@pbx.test>" + (";tag=b" if to_tag else "")
    basics = (
        ("From", '"Anna \\"A\\" Orlova" <sip:101@pbx.test>;tag=a'),
        ("To", to),
        ("Call-ID", "c"),
        ("CSeq", f"{cseq} {method}"),
    )
    return SipMessage(way, start, basics + fields, "")


def response(way: Way, status: int, cseq: int = 1, *fields: tuple[str, str]) -> SipMessage:
    return message(way, f"SIP/2.0 {status} Words INVITE", cseq, *fields, to_tag=True)


def follow(*messages: SipMessage) -> Call:
    book = CallBook()
    for one in messages:
        book.take(one)
    (call,) = book.calls
    return call


INVITE = message(OUT, "INVITE")
SIGNED = message(OUT, "INVITE", 2, ("Proxy-Authorization", "Digest ..."))


@pytest.mark.parametrize(
    ("messages", "state", "status"),
    [
        ([INVITE], State.CALLING, None),
        ([INVITE, response(IN, 100)], State.CALLING, None),
        ([INVITE, response(IN, 180)], State.RINGING, None),
        ([INVITE, response(IN, 181)], State.CALLING, None),
        ([INVITE, response(IN, 407)], State.CALLING, 407),
        ([INVITE, response(IN, 407), SIGNED], State.CALLING, None),
        ([INVITE, response(IN, 407), SIGNED, response(IN, 407, 2)], State.ENDED, 407),
        ([INVITE, response(IN, 407), SIGNED, response(IN, 180, 2)], State.RINGING, None),
        ([INVITE, response(IN, 200)], State.CALLING, 200),
        ([INVITE, response(IN, 200), message(OUT, "ACK", to_tag=True)], State.ESTABLISHED, 200),
        ([INVITE, response(IN, 486), message(OUT, "ACK", to_tag=True)], State.ENDED, 486),
        ([INVITE, response(IN, 302), message(OUT, "INVITE", 2)], State.CALLING, None),
        (
            [INVITE, response(IN, 200), message(OUT, "ACK"), message(IN, "BYE", 7, to_tag=True)],
            State.ENDED,
            200,
        ),
        (
            # a re-INVITE that fails doesn't end the call
            [
                INVITE,
                response(IN, 200),
                message(OUT, "ACK"),
                message(OUT, "INVITE", 2, to_tag=True),
                response(IN, 491, 2),
            ],
            State.ESTABLISHED,
            200,
        ),
    ],
)
def test_call_is_in_the_state_that_its_messages_say(
    messages: list[SipMessage], state: State, status: int | None
) -> None:
    call = follow(*messages)
    assert (call.state, call.status) == (state, status)


def test_call_knows_who_hung_up_and_why() -> None:
    bye = message(IN, "BYE", 7, ("Reason", 'Q.850;cause=16;text="over"'), to_tag=True)
    call = follow(INVITE, response(IN, 200), message(OUT, "ACK"), bye)
    assert (call.hung_up_by, call.reasons) == (IN, ('Q.850;cause=16;text="over"',))


def test_reason_of_a_cancel_stays_with_the_call() -> None:
    reason = 'SIP;cause=200;text="Call completed elsewhere"'
    call = follow(
        message(IN, "INVITE"), response(OUT, 180), message(IN, "CANCEL", 1, ("Reason", reason)), response(OUT, 487)
    )
    assert (call.state, call.status, call.reasons) == (State.ENDED, 487, (reason,))


def test_each_side_names_the_other() -> None:
    assert follow(message(OUT, "INVITE")).number == "102"
    incoming = follow(message(IN, "INVITE"))
    assert (incoming.number, incoming.name) == ("101", 'Anna "A" Orlova')


@pytest.mark.parametrize(
    ("fields", "forwarded_for", "diverted_by"),
    [
        ((), (), ()),
        (
            (
                ("History-Info", "<sip:102@pbx.test?Reason=SIP%3Bcause%3D486>;index=1, <sip:103@pbx.test>;index=1.1"),
                ("History-Info", "<sip:104@pbx.test>;index=1.1.1;mp=1.1"),
            ),
            ("102", "103", "104"),
            (),
        ),
        (
            (("Diversion", '"B" <sip:103@pbx.test>;reason=no-answer, <sip:102@pbx.test>;reason=user-busy'),),
            (),
            ("103", "102"),
        ),
    ],
)
def test_call_tells_whom_it_was_for_first(
    fields: tuple[tuple[str, str], ...], forwarded_for: tuple[str, ...], diverted_by: tuple[str, ...]
) -> None:
    call = follow(message(IN, "INVITE", 1, *fields))
    assert (call.forwarded_for, call.diverted_by) == (forwarded_for, diverted_by)
