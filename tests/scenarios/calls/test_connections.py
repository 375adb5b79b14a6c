"""Phones on connections, as others are told of them."""

from pbx.registrar.events import Lost, Registered
from tests.scenarios.calls.office import Office


def test_phone_whose_connection_ends_is_reported_as_lost_until_it_comes_back(office: Office) -> None:
    phone = office.phone("101", transport="TCP")
    office.wire.cut(phone.flow)
    office.run(0.1)
    assert office.events[-1] == Lost("101", "101", phone.contact.strip("<>"))
    phone.register()
    assert isinstance(office.events[-1], Registered)


def test_phone_over_udp_loses_no_connection(office: Office) -> None:
    phone = office.phone("101")
    phone.flow.close()
    office.run(0.1)
    assert not any(isinstance(event, Lost) for event in office.events)
