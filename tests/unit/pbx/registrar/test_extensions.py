"""Outbound (RFC 5626), Path (RFC 3327) and GRUU (RFC 5627) at the registrar."""

import pytest

from pbx.registrar.events import Registered, Unregistered
from pbx.registrar.gruu import instance_of, public_gruu
from sip.uri import SipUri
from tests.unit.pbx.registrar.phones import FakeFlow, Office, Phone

URN = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
INSTANCE = f'+sip.instance="<{URN}>"'
HERE = "<sip:101@192.0.2.10>"
THERE = "<sip:101@192.0.2.20>"
MOVED = FakeFlow("TCP", ("192.0.2.20", 40_000))


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
def phone(office: Office) -> Phone:
    return Phone(office)


def test_outbound_is_granted_and_says_so(office: Office, phone: Phone) -> None:
    answer = phone.register(f"{HERE};{INSTANCE};reg-id=1", "Supported: path, Outbound")
    assert answer.rows("Contact") == [f"{HERE};expires=3600;{INSTANCE};reg-id=1"]
    assert answer.get("Require") == "outbound"
    assert (office.only().instance, office.only().reg_id) == (f"<{URN}>", 1)


def test_flows_of_one_phone_stand_beside_each_other(office: Office, phone: Phone) -> None:
    for reg_id in (1, 2):
        phone.flow = FakeFlow("TCP", ("192.0.2.10", reg_id))
        phone.register(f"{HERE};{INSTANCE};reg-id={reg_id}", "Supported: outbound")
    held = office.bindings.of("101", office.now)
    assert [binding.reg_id for binding in held] == [2, 1]
    assert len(office.writer.stored_contacts()) == 2


def test_renewed_flow_takes_the_place_of_the_old_one(office: Office, phone: Phone) -> None:
    phone.register(f"{HERE};{INSTANCE};reg-id=1", "Supported: outbound")
    restarted = Phone(office, flow=MOVED)
    restarted.register(f"{THERE};{INSTANCE};reg-id=1", "Supported: outbound")
    assert (office.contacts(), office.only().flow) == ([THERE.strip("<>")], MOVED)
    assert office.writer.stored_contacts() == [THERE.strip("<>")]
    assert [type(event) for event in office.events] == [Registered, Registered, Unregistered]


@pytest.mark.parametrize(
    ("parameters", "supported"),
    [
        pytest.param(f"{INSTANCE};reg-id=1", "path", id="phone does not speak outbound"),
        pytest.param("reg-id=1", "outbound", id="no instance"),
        pytest.param(INSTANCE, "outbound", id="no reg-id"),
    ],
)
def test_reg_id_counts_with_instance_and_outbound_only(
    office: Office, phone: Phone, parameters: str, supported: str
) -> None:
    answer = phone.register(f"{HERE};{parameters}", f"Supported: {supported}")
    assert (answer.status, answer.get("Require"), office.only().reg_id) == (200, None, None)


@pytest.mark.parametrize(
    ("before", "after"),
    [("", ""), (";reg-id=1", ""), ("", ";reg-id=1")],
    ids=["without outbound", "outbound given up", "outbound taken up"],
)
def test_phone_that_moved_does_not_ring_twice(office: Office, phone: Phone, before: str, after: str) -> None:
    phone.register(f"{HERE};{INSTANCE}{before}", "Supported: outbound")
    Phone(office, flow=MOVED).register(f"{THERE};{INSTANCE}{after}", "Supported: outbound")
    assert office.contacts() == [THERE.strip("<>")]
    assert office.writer.stored_contacts() == [THERE.strip("<>")]


def test_phone_may_have_two_contacts_at_once(office: Office, phone: Phone) -> None:
    for _ in range(2):
        phone.register(f"{HERE};{INSTANCE}, {THERE};{INSTANCE}")
        assert sorted(office.contacts()) == sorted([HERE.strip("<>"), THERE.strip("<>")])
    assert len(office.events) == 2


def test_phone_with_two_contacts_that_moves_leaves_none_behind(office: Office, phone: Phone) -> None:
    phone.register(f"{HERE};{INSTANCE}, {THERE};{INSTANCE}")
    Phone(office).register(f"<sip:101@192.0.2.30>;{INSTANCE}")
    assert office.contacts() == ["sip:101@192.0.2.30"]
    assert office.writer.stored_contacts() == ["sip:101@192.0.2.30"]


@pytest.mark.parametrize("reg_id", ["0", "-1", "x", "", str(2**31), "9" * 50])
def test_malformed_reg_id_is_refused(office: Office, phone: Phone, reg_id: str) -> None:
    answer = phone.register(f"{HERE};{INSTANCE};reg-id={reg_id}", "Supported: outbound")
    assert answer.status == 400


def test_two_contacts_cannot_share_a_flow(office: Office, phone: Phone) -> None:
    answer = phone.register(f"{HERE};{INSTANCE};reg-id=1, {THERE};{INSTANCE};reg-id=2", "Supported: outbound")
    assert (answer.status, office.contacts()) == (400, [])


def test_several_flows_can_be_given_up_at_once(office: Office, phone: Phone) -> None:
    for reg_id in (1, 2):
        phone.register(f"{HERE};{INSTANCE};reg-id={reg_id}", "Supported: outbound")
    given_up = ", ".join([f"{HERE};{INSTANCE};reg-id={reg_id};expires=0" for reg_id in (1, 2)])
    assert phone.register(given_up, "Supported: outbound").status == 200
    assert office.contacts() == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (("Via: SIP/2.0/UDP 10.0.0.5;branch=z9hG4bKb",), 439),
        (("Path: <sip:edge.example;lr>",), 439),
        (("Path: <sip:core.example;lr>, <sip:edge.example;lr;ob>", "Via: SIP/2.0/UDP 10.0.0.5;branch=z9hG4bKb"), 200),
        (("Path: <sip:edge.example;lr;ob>, <sip:phone-side.example;lr>",), 439),
    ],
)
def test_proxy_next_to_the_phone_must_keep_its_flow(phone: Phone, headers: tuple[str, ...], status: int) -> None:
    answer = phone.register(f"{HERE};{INSTANCE};reg-id=1", "Supported: outbound, path", *headers)
    assert answer.status == status


def test_path_is_kept_in_order_and_told_to_the_phone(office: Office, phone: Phone) -> None:
    answer = phone.register(
        HERE, "Path: <sip:a.example;lr>, <sip:b.example;lr>", "Path: <sip:c.example>", "Supported: path"
    )
    assert office.only().path == ("sip:a.example;lr", "sip:b.example;lr", "sip:c.example")
    assert answer.rows("Path") == ["<sip:a.example;lr>, <sip:b.example;lr>", "<sip:c.example>"]


def test_phone_must_know_of_path(office: Office, phone: Phone) -> None:
    answer = phone.register(HERE, "Path: <sip:a.example;lr>")
    assert (answer.status, answer.get("Require"), office.contacts()) == (421, "path", [])


@pytest.mark.parametrize("path", ["<sip:>", "<tel:+7495>", "nonsense", f"<sip:{'a.' * 1200}example>"])
def test_malformed_path_is_refused(office: Office, phone: Phone, path: str) -> None:
    answer = phone.register(HERE, f"Path: {path}", "Supported: path")
    assert (answer.status // 100, office.contacts()) == (4, [])


def test_gruu_is_granted_to_a_phone_that_knows_of_it(office: Office, phone: Phone) -> None:
    answer = phone.register(f"{HERE};{INSTANCE}", "Supported: gruu")
    gruu = f"sip:101@pbx.example;gr={URN}"
    assert answer.rows("Contact") == [f'{HERE};expires=3600;{INSTANCE};pub-gruu="{gruu}"']
    named = SipUri.parse(gruu)
    instance = instance_of(named)
    assert instance is not None
    assert office.bindings.with_gruu(named.number, instance, office.now) == (office.only(),)


@pytest.mark.parametrize(("contact", "supported"), [(HERE, "gruu"), (f"{HERE};{INSTANCE}", "path")])
def test_gruu_needs_instance_and_support(office: Office, phone: Phone, contact: str, supported: str) -> None:
    answer = phone.register(contact, f"Supported: {supported}")
    assert "gruu" not in answer.rows("Contact")[0]
    assert office.only().gruu == ""


@pytest.mark.parametrize("instance", [f"<{URN}>", "<urn:gsma:imei:90420156-025763-0;svn=42>", '<a "b" \\ é,%>'])
def test_gruu_leads_back_to_its_instance(instance: str) -> None:
    assert instance_of(SipUri.parse(public_gruu("101", "pbx.example", instance))) == instance


def test_other_uris_are_no_gruus() -> None:
    assert instance_of(SipUri.parse("sip:101@pbx.example;gr")) is None
    assert instance_of(SipUri.parse("sip:101@pbx.example")) is None
