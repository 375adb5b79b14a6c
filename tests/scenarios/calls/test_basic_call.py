"""Two phones, one call: what each of them sees, message by message."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sip.message import Request
from tests.scenarios.calls.office import DOMAIN, Office, connected
from tests.support.phones import sdp


def test_call_is_the_sixteen_messages_of_two_legs(office: Office) -> None:
    anna, boris = office.two()
    since = len(office.wire.log)
    call = anna.call("102")
    ring = boris.rung()
    ring.ring()
    ring.answer()
    call.bye()
    assert office.wire.transcript(since) == (
        "INVITE 407 ACK INVITE 100 INVITE 180 180 200 ACK 200 ACK BYE 200 BYE 200".split()
    )
    record = office.record
    assert (record.caller, record.dialled, record.answered_by) == ("101", "102", "102")
    assert record.outcomes == [("102", "answered")]
    assert record.cause == "caller hung up"


def test_legs_have_dialogs_of_their_own(office: Office) -> None:
    anna, boris = office.two()
    call, ring = connected(anna, boris)
    assert call.call_id != ring.call_id
    invite = ring.invite
    assert invite is not None
    assert invite.uri == boris.contact
    assert invite.headers["From"][0].startswith('"User 101" <sip:101@pbx.example>;tag=')
    assert invite.headers["To"] == ["<sip:102@pbx.example>"]
    assert invite.max_forwards == 69
    assert invite.rows("Contact") == ["<sip:101@192.0.2.1:5060>"]
    assert {"INVITE", "ACK", "BYE", "REFER", "UPDATE"} <= invite.tokens("Allow")
    assert call.answered.rows("Contact") == ["<sip:102@192.0.2.1:5060>"]
    assert call.answered.rows("P-Asserted-Identity") == ['"User 102" <sip:102@pbx.example>']


def test_to_tag_of_the_caller_is_one_from_ringing_to_answer(office: Office) -> None:
    anna, boris = office.two()
    call, _ = connected(anna, boris)
    assert call.sent is not None
    assert {response.to_tag for response in call.sent.responses if response.status > 100} == {call.remote_tag}


def test_descriptions_pass_with_an_origin_of_ours(office: Office) -> None:
    anna, boris = office.two()
    call, ring = connected(anna, boris)
    assert ring.invite is not None
    for got, sent in ((ring.invite.body, anna.sdp), (call.answered.body, boris.sdp)):
        got_lines, sent_lines = got.split(b"\r\n"), sent.split(b"\r\n")
        assert got_lines[1] != sent_lines[1]
        assert [*got_lines[:1], *got_lines[2:]] == [*sent_lines[:1], *sent_lines[2:]]


def test_callee_hangs_up(office: Office) -> None:
    anna, boris = office.two()
    call, ring = connected(anna, boris)
    office.run(61.5)
    assert ring.bye('Reason: Q.850;cause=16;text="Normal call clearing"').status == 200
    (bye,) = call.methods("BYE")
    assert bye.get("Reason") == 'Q.850;cause=16;text="Normal call clearing"'
    assert office.record.cause == "callee hung up"
    assert office.record.talked == pytest.approx(61.6, abs=0.2)


def test_both_hang_up_at_once(office: Office) -> None:
    anna, boris = office.two()
    call, ring = connected(anna, boris)
    with anna.hurried(), boris.hurried():
        byes = call.bye(), ring.bye()
    assert sorted(bye.status for bye in byes) == [200, 481]  # the other's dialog was over when its BYE came


@pytest.mark.parametrize("transports", ["UDP TCP", "TCP UDP", "TCP TCP", "TLS WS", "WS WS"])
def test_call_crosses_transports(office: Office, transports: str) -> None:
    first, second = transports.split()
    anna, boris = office.phone("101", transport=first), office.phone("102", transport=second)
    call, ring = connected(anna, boris)
    assert ring.invite is not None
    assert ring.invite.via.transport == second
    assert call.answered.via.transport == first
    assert ring.bye().status == 200
    assert call.methods("BYE")


def test_call_over_ipv6(make_office: Callable[..., Office]) -> None:
    office = make_office(server=("2001:db8::1", 5060))
    anna, boris = office.two()
    call, ring = connected(anna, boris)
    assert ring.invite is not None
    assert ring.invite.rows("Contact") == ["<sip:101@[2001:db8::1]:5060>"]
    assert ring.bye().status == 200
    assert call.ended


def test_offerless_call_gets_the_offer_in_the_200_and_answers_in_the_ack(office: Office) -> None:
    anna, boris = office.two()
    call = anna.call("102", body=b"")
    ring = boris.rung()
    assert ring.invite is not None
    assert ring.invite.body == b""
    ring.ring()
    ring.answer()
    assert _media(call.answered.body) == _media(boris.sdp)
    (ack,) = ring.acks
    assert _media(ack.body) == _media(anna.sdp)


def test_offerless_call_whose_ack_brings_no_answer_ends(office: Office) -> None:
    anna, boris = office.two()
    anna.acks = False
    call = anna.call("102", body=b"")
    boris.rung().answer()
    call.ack(body=b"")
    assert [request.method for request in call.asked] == ["BYE"]
    assert [talk.ended for talk in boris.talks] == [True]
    assert office.record.cause == "no session description"


def test_caller_who_rings_its_own_number_reaches_its_other_phones(office: Office) -> None:
    anna, other = office.phone("101"), office.phone("101-b")
    call = anna.call("101")
    assert [talk.invite is None for talk in anna.talks] == [True]
    other.rung().answer()
    assert call.live


def test_calling_phone_is_left_out_though_its_contacts_differ(office: Office) -> None:
    """JsSIP registers one Contact and calls with another, which has `;ob`."""
    anna, other = office.phone("101"), office.phone("101-b")
    anna.contact += ";ob"
    call = anna.call("101")
    assert not anna.rings
    other.rung().answer()
    assert call.live


def test_phone_with_two_flows_rings_once(office: Office) -> None:
    """RFC 5626 §5.3: one target per instance."""
    anna, boris = office.phone("101"), office.phone("102", registers=False, transport="TCP")
    instance = '+sip.instance="<urn:uuid:1>"'
    for reg_id in (1, 2):
        boris.flow = boris.station.flow_to("TCP", *office.server)
        rows = [f"Contact: <{boris.contact}>;{instance};reg-id={reg_id}", "Supported: outbound, path"]
        sent = boris.ask("REGISTER", "102", *rows, call_id=f"flow-{reg_id}")
        assert sent.status == 200
    call = anna.call("102")
    assert len([talk for talk in boris.talks if talk.invite is not None]) == 1
    boris.rung().answer()
    assert call.live


def test_gruu_rings_the_one_phone_that_it_names(office: Office) -> None:
    anna, boris, other = office.phone("101"), office.phone("102", registers=False), office.phone("102-b")
    rows = ["Supported: gruu", f'Contact: <{boris.contact}>;+sip.instance="<urn:uuid:7>"']
    assert boris.ask("REGISTER", "102", *rows).status == 200
    anna.uri = lambda number: f"sip:{number}@{DOMAIN};gr=urn:uuid:7"  # type: ignore[method-assign]
    call = anna.call("102")
    assert not other.rings
    boris.rung().answer()
    assert call.live


def test_dialled_number_cannot_write_headers(office: Office) -> None:
    anna = office.phone("101")
    call = anna.call("10%0d%0aX-Evil%3a1%3e")
    assert call.heard[-1] == 404
    assert call.sent is not None
    assert all("X-Evil" not in response.headers for response in call.sent.responses)


def test_number_with_a_nul_is_not_found_and_not_stored(office: Office) -> None:
    anna = office.phone("101")
    assert anna.call("10%00").heard[-1] == 404
    assert all("\0" not in record.dialled for record in office.records)


def test_request_for_another_domain_is_not_found(office: Office) -> None:
    anna = office.phone("101")
    anna.domain = "elsewhere.example"
    call = anna.call("102", from_=f"<sip:101@{DOMAIN}>")
    assert call.heard[-1] == 404


def test_tel_uri_and_our_address_dial_our_numbers(office: Office) -> None:
    anna, boris = office.two()
    for uri in ("tel:102", "sip:102@192.0.2.1", "sip:102@192.0.2.1:5060;user=phone"):
        anna.uri = lambda number, uri=uri: uri  # type: ignore[method-assign,misc]
        call = anna.call("102")
        boris.rung().answer()
        assert call.live
        call.bye()


def test_what_the_caller_says_to_the_person_is_carried(office: Office) -> None:
    anna, boris = office.two()
    anna.call("102", "Subject: lunch", "Priority: urgent", "X-Other: 1", "User-Agent: spy")
    invite = boris.rung().invite
    assert isinstance(invite, Request)
    assert (invite.get("Subject"), invite.get("Priority")) == ("lunch", "urgent")
    assert invite.get("X-Other") is None
    assert invite.get("User-Agent") is None
    boris.rung().reject(486)


def _media(body: bytes) -> bytes:
    """A description without its origin."""
    return body.replace(body.split(b"\r\n")[1], b"")


def test_second_call_of_the_same_phones_is_another_call(office: Office) -> None:
    anna, boris = office.two()
    first, _ = connected(anna, boris)
    second = anna.call("102", body=sdp(anna.host, 4010))
    boris.rung().answer()
    assert first.live
    assert second.live
    first.bye()
    assert second.live
