"""Phones on connections that are gone, by a restart or otherwise: what is said to them waits until they are back."""

from collections.abc import Callable

import pytest

from tests.scenarios.calls.office import Office, connected
from tests.support.phones import Phone
from tests.support.talks import Talk

AWAY = 31.0  # s; requests wait for 64·T1, which is 32


@pytest.fixture
def restarted(make_office: Callable[..., Office]) -> tuple[Office, Phone, Talk, Phone, Talk]:
    """A call from a phone over UDP to one on a connection, which nobody can open but the phone; the engine has died."""
    office = make_office()
    anna, boris = office.phone("101"), office.phone("102", transport="TCP")
    boris.station.refuses.add("TCP")
    call, ring = connected(anna, boris)
    office.restart()
    return office, anna, call, boris, ring


Restarted = tuple[Office, Phone, Talk, Phone, Talk]


def test_bye_waits_for_a_phone_that_comes_back_after_a_restart(restarted: Restarted) -> None:
    office, _, call, boris, ring = restarted
    call.bye()
    office.run(0.1)
    assert office.record.cause == "caller hung up"  # at once
    assert ring.live
    office.run(AWAY)
    boris.register()
    assert ring.ended
    assert [request.method for request in ring.asked] == ["BYE"]


def test_bye_is_given_up_after_the_time_of_a_transaction(restarted: Restarted) -> None:
    office, _, call, boris, ring = restarted
    call.bye()
    office.run(33.0)
    boris.register()
    assert ring.asked == []
    assert ring.bye().status == 481
    assert len(office.switch.recovery) == 0


def test_phone_that_comes_back_with_another_contact_is_known_by_its_instance(office: Office) -> None:
    anna, boris = office.phone("101"), office.phone("102", transport="TCP", registers=False)
    boris.station.refuses.add("TCP")
    params = ';+sip.instance="<urn:uuid:00000000-0000-1000-8000-000A95A0E128>";reg-id=1'

    def register(port: int) -> None:
        contact = f"sip:102@{boris.host}:{port};transport=tcp"
        assert boris.register("Supported: outbound", contact=contact, params=params).status == 200

    register(40001)
    call, ring = connected(anna, boris)
    office.restart()
    call.bye()
    office.run(1.0)
    assert ring.live
    register(40002)
    assert ring.ended


def test_phone_without_an_instance_that_comes_from_another_port_is_known_by_account_address_and_make(
    office: Office,
) -> None:
    anna, boris = office.phone("101"), office.phone("102", transport="TCP", registers=False)
    boris.station.refuses.add("TCP")
    boris.register("User-Agent: Desk 1", contact=f"sip:102@{boris.host}:40001;transport=tcp")
    other = office.phone("102-b", transport="TCP")
    call, ring = connected(anna, boris)
    office.restart()
    call.bye()
    other.register()
    office.run(1.0)
    assert ring.live
    boris.register("User-Agent: Desk 1", contact=f"sip:102@{boris.host}:40002;transport=tcp")
    assert ring.ended


def test_phone_that_listens_is_connected_to_at_once(office: Office) -> None:
    anna, boris = office.phone("101"), office.phone("102", transport="TCP")
    call, ring = connected(anna, boris)
    office.restart()
    call.bye()
    assert ring.ended


def test_phone_that_listens_behind_a_network_that_was_down_is_connected_to_when_it_is_up(restarted: Restarted) -> None:
    office, _, call, boris, ring = restarted
    call.bye()
    office.run(10.0)
    assert ring.live
    boris.station.refuses.clear()
    office.run(4.0)
    assert ring.ended
    assert [request.method for request in ring.asked] == ["BYE"]


def test_offer_waits_and_is_answered_when_the_phone_is_back(restarted: Restarted) -> None:
    office, _, call, boris, ring = restarted
    offer = call.reinvite(call.phone.sdp)
    office.run(5.0)
    assert offer.statuses == [100]
    boris.register()
    assert offer.status == 200
    assert len(ring.methods("INVITE")) == 1
    call.bye()
    assert ring.ended


def test_offer_to_a_phone_that_stays_away_ends_the_call(restarted: Restarted) -> None:
    office, _, call, _, ring = restarted
    offer = call.reinvite(call.phone.sdp)
    office.run(33.0)
    assert offer.status == 480
    assert call.ended
    assert office.record.cause == "callee was lost: no answer within the dialog"
    office.run(33.0)
    ring.ended = True  # it will never hear of it


def test_offer_that_waits_is_dropped_when_the_call_ends(restarted: Restarted) -> None:
    office, _, call, boris, ring = restarted
    offer = call.reinvite(call.phone.sdp)
    office.run(1.0)
    call.bye()
    office.run(1.0)
    assert offer.status in (481, 487)
    boris.register()
    assert [request.method for request in ring.asked] == ["BYE"]


def test_request_of_the_phone_itself_shows_that_it_is_back(restarted: Restarted) -> None:
    office, anna, call, _, ring = restarted
    asked = anna.talk.send("INFO", body=b"Signal=1\r\n", content_type="application/dtmf-relay")
    office.run(1.0)
    assert asked.statuses == []
    ring.send("OPTIONS")
    assert asked.status == 200
    assert len(ring.methods("INFO")) == 1
    call.bye()
    assert ring.ended


def test_call_on_a_connection_that_broke_while_the_engine_runs_is_hung_up_by_the_next_one(office: Office) -> None:
    anna, boris = office.phone("101"), office.phone("102", transport="TCP", registers=False)
    boris.station.refuses.add("TCP")
    boris.register("User-Agent: Desk 1", contact=f"sip:102@{boris.host}:40001;transport=tcp")
    call, ring = connected(anna, boris)
    office.wire.cut(boris.flow)
    boris.register("User-Agent: Desk 1", contact=f"sip:102@{boris.host}:40002;transport=tcp")
    call.bye()
    assert ring.ended


def test_call_follows_its_phone_over_two_restarts(office: Office) -> None:
    anna, boris = office.phone("101"), office.phone("102", transport="TCP", registers=False)
    boris.station.refuses.add("TCP")
    boris.register("User-Agent: Desk 1", contact=f"sip:102@{boris.host}:40000;transport=tcp")
    call, ring = connected(anna, boris)
    for port in (40001, 40002, 40003):
        office.restart()
        boris.register("User-Agent: Desk 1", contact=f"sip:102@{boris.host}:{port};transport=tcp")
    call.bye()
    assert ring.ended


def test_phone_that_connects_while_it_is_connected_to_gets_a_request_once(office: Office) -> None:
    anna, boris = office.phone("101"), office.phone("102", transport="TCP")
    call, ring = connected(anna, boris)
    office.restart()
    with anna.hurried():
        call.bye()
    boris.register()
    assert ring.ended
    assert [request.method for request in ring.asked] == ["BYE"]


def test_no_more_than_some_requests_wait(restarted: Restarted) -> None:
    office, anna, call, boris, ring = restarted
    asked = [anna.talk.send("INFO", body=b"") for _ in range(20)]
    office.run(1.0)
    assert [one.status for one in asked] == [0] * 16 + [480] * 4
    boris.register()
    office.run(1.0)
    assert [one.status for one in asked[:16]] == [200] * 16
    call.bye()
    assert ring.ended
