"""Phones whose way changes, or is not what it seems: by NAT, by proxies, by connections that are gone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.scenarios.calls.office import DOMAIN, Office, connected
from tests.support.phones import Phone, sdp

INSTANCE = '+sip.instance="<urn:uuid:7>"'


def _behind_nat(office: Office, name: str) -> Phone:
    phone = office.phone(name, registers=False)
    phone.contact = f"sip:{name}@10.0.0.5:5060"
    assert phone.register().status == 200
    return phone


def _moved(office: Office, phone: Phone) -> None:
    """Its router gives it another port, and takes nothing by the old one any more."""
    del office.wire._stations[phone.host, phone.port]
    phone.port = 40_000
    phone.station = office.wire.attach(phone, phone.host, phone.port)
    phone.flow = phone.station.flow_to("UDP", *office.server)


@pytest.mark.parametrize("side", ["caller", "callee"])
@pytest.mark.parametrize("by", ["request", "registration"])
def test_phone_behind_nat_whose_port_changes_in_a_call_is_hung_up(office: Office, side: str, by: str) -> None:
    anna, boris = _behind_nat(office, "101"), _behind_nat(office, "102")
    talks = connected(anna, boris)
    moving, other = talks if side == "caller" else talks[::-1]
    _moved(office, moving.phone)
    if by == "request":
        assert moving.reinvite(sdp(moving.phone.host, version=2)).status == 200
    else:
        office.run(1.0)
        assert moving.phone.register().status == 200
    assert other.bye().status == 200
    assert moving.ended


def test_request_is_believed_more_than_a_registration_before_it(office: Office) -> None:
    anna, boris = office.phone("101"), _behind_nat(office, "102")
    call, ring = connected(anna, boris)
    office.run(1.0)
    assert boris.register().status == 200
    _moved(office, boris)
    assert ring.send("UPDATE").status == 200
    call.bye()
    assert ring.ended


def test_phone_in_another_network_with_the_same_contact_is_not_taken_for_the_one_in_the_call(office: Office) -> None:
    anna, desk = office.phone("101"), _behind_nat(office, "102")
    home = office.phone("102-b", registers=False)
    home.contact = desk.contact
    assert home.register().status == 200
    call = anna.call("102")
    ring, other = desk.rung(), home.rung()
    other.ring()
    ring.answer()
    assert ring.acks
    office.run(1.0)
    assert home.register().status == 200
    call.bye()
    assert ring.ended


@pytest.mark.parametrize("transport", ["TCP", "WS"])
def test_phones_stop_ringing_when_the_caller_is_gone(office: Office, transport: str) -> None:
    anna, boris = office.phone("101", transport=transport), office.phone("102")
    anna.call("102")
    ring = boris.rung()
    ring.ring()
    office.wire.cut(anna.flow)
    anna.deaf = True
    office.run(6.0)
    assert ring.cancelled is not None
    assert office.record.cause == "caller was lost: the caller is gone"


def test_route_of_the_answer_counts_where_the_ringing_named_none(office: Office) -> None:
    """RFC 3261 §13.2.2.4: the 2xx has the last word."""
    anna, boris = office.two()
    call = anna.call("102")
    ring = boris.rung()
    ring.ring()
    ring.answer(f"Record-Route: <sip:{boris.host}:{boris.port};lr>")
    assert ring.acks[0].rows("Route") == [f"<sip:{boris.host}:{boris.port};lr>"]
    call.bye()
    assert ring.methods("BYE")[0].rows("Route") == [f"<sip:{boris.host}:{boris.port};lr>"]


def test_gruu_of_a_busy_phone_is_forwarded_to_any_phone_of_the_next(make_office: Callable[..., Office]) -> None:
    office = make_office("101\n102 busy 103\n103")
    anna, boris, clara = office.phone("101"), office.phone("102", registers=False), office.phone("103")
    rows = ["Supported: gruu", f"Contact: <{boris.contact}>;{INSTANCE}"]
    assert boris.ask("REGISTER", "102", *rows).status == 200
    anna.uri = lambda number: f"sip:{number}@{DOMAIN};gr=urn:uuid:7"  # type: ignore[method-assign]
    call = anna.call("102")
    boris.rung().reject(486)
    clara.rung().answer()
    assert call.live


def test_phone_that_answers_an_offer_with_nothing_has_not_answered(office: Office) -> None:
    """RFC 3261 §13.2.1: the answer must be in the 2xx when it was in no reliable response before."""
    anna, broken, soft = office.phone("101"), office.phone("102"), office.phone("102-b")
    call = anna.call("102")
    other = soft.rung()
    other.ring()
    ring = broken.rung()
    ring.answer(body=b"")
    assert ring.acks
    assert ring.ended
    assert call.heard == [100, 180]
    other.answer()
    assert call.live


def test_answer_that_came_while_it_rang_need_not_come_again(office: Office) -> None:
    anna, boris = office.two()
    call = anna.call("102")
    ring = boris.rung()
    ring.ring(183, body=boris.sdp)
    ring.answer(body=b"")
    assert call.live
    assert boris.host.encode() in call.answered.body
