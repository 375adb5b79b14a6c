"""Every route and every live request, called by everybody; and what belongs to others."""

import re

import pytest

from pbx.directory.devices import add_device
from pbx.directory.forwarding import set_rule
from tests.unit.web.access import ADMIN, HEARD_BY, LIVE, PUBLIC, ROUTES, USER, Route
from tests.unit.web.office import ORIGIN, Person, WebOffice, error_of
from web.live.events import EVENTS
from web.live.requests import REQUESTS

REFUSALS = (401, 403)


def path_of(route: Route) -> str:
    """A path of the rule, of things that there are where that is easy."""
    values = {"number": "103", "call": "5f0c", "sip_name": "103", "session_id": "0123", "what": "103@10.0.0.66"}
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: values.get(found[1], "1"), route.rule)


def ids(route: Route) -> str:
    return f"{route.method} {route.rule}"


def test_every_route_has_its_row(office: WebOffice) -> None:
    found = {
        (method, rule.rule)
        for rule in office.web.app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert found == {(route.method, route.rule) for route in ROUTES}


@pytest.mark.parametrize("route", ROUTES, ids=ids)
def test_route_is_for_those_of_its_row(office: WebOffice, route: Route) -> None:
    path = path_of(route)
    anonymous = office.person().request(route.method, path, json={})
    if route.who == PUBLIC:
        assert anonymous.status_code not in REFUSALS
        return
    assert error_of(anonymous) == (401, "not-signed-in")
    user = office.person("102").request(route.method, path, json={})
    if route.who == ADMIN:
        assert error_of(user) == (403, "forbidden")
        assert office.person("101").request(route.method, path, json={}).status_code not in REFUSALS
    else:
        assert user.status_code not in REFUSALS


@pytest.mark.parametrize("route", [route for route in ROUTES if route.method != "GET"], ids=ids)
def test_request_that_another_site_could_send_is_refused(office: WebOffice, anna: Person, route: Route) -> None:
    before = office.audit()
    without = anna.client.open(path_of(route), method=route.method, base_url=ORIGIN, json={})
    assert error_of(without) == (403, "forged")
    foreign = anna.request(route.method, path_of(route), json={}, headers={"Origin": "https://evil.test"})
    assert error_of(foreign) == (403, "forged")
    plain = anna.request(route.method, path_of(route), json={}, headers={"Origin": "http://office.test:8443"})
    assert error_of(plain) == (403, "forged")
    assert office.audit() == before


def test_every_live_request_has_its_row() -> None:
    assert set(REQUESTS) == set(LIVE)


def test_every_event_says_who_hears_it() -> None:
    assert set(EVENTS) == set(HEARD_BY)


def test_nobody_connects_without_a_session(office: WebOffice) -> None:
    assert not office.person().connect().connected
    stranger = office.person()
    stranger.client.set_cookie("__Host-gorizont", "forged", domain="office.test", secure=True)
    assert not stranger.connect().connected


@pytest.mark.parametrize("name", [name for name, who in LIVE.items() if who == USER])
def test_live_request_is_refused_once_the_session_has_ended(office: WebOffice, boris: Person, name: str) -> None:
    listener = boris.connect()
    office.web.services.browsers.remove(next(iter(office.web.services.browsers.connected)))
    assert listener.ask(name, {})["error"]["code"] == "not-signed-in"


# ---- what belongs to others


def test_device_of_somebody_else_is_not_there(office: WebOffice, boris: Person) -> None:
    theirs = office.elsewhere(add_device, "103", box=office.box).sip_name
    assert error_of(boris.delete(f"/me/devices/{theirs}")) == (404, "not-found")
    assert office.audit()[-1][1] == "device.added"


def test_session_of_somebody_else_is_not_there(office: WebOffice, boris: Person) -> None:
    clara = office.person("103")
    theirs = clara.get("/session").json["session"]
    assert error_of(boris.delete(f"/me/sessions/{theirs}")) == (404, "not-found")
    assert clara.get("/me").status_code == 200


def test_rules_are_always_ones_own(office: WebOffice, boris: Person) -> None:
    office.elsewhere(set_rule, "103", "always", ["101"])
    assert boris.get("/me/forwarding").json["rules"] == []
    version = boris.get("/me/forwarding").json["version"]
    assert boris.put("/me/forwarding", version=version, rules=[]).status_code == 200
    assert len(office.person("103").get("/me/forwarding").json["rules"]) == 1


def test_own_name_does_not_make_an_admin(boris: Person) -> None:
    assert error_of(boris.patch("/me", role="admin")) == (422, "invalid")
    assert boris.get("/me").json["role"] == "user"
