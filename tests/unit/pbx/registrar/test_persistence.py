"""Registrations over a restart, on real databases."""

from collections.abc import Iterator
from dataclasses import fields

import pytest
from sqlalchemy import text

from pbx.directory.secrets import SecretBox
from pbx.directory.snapshot import Directory
from pbx.directory.users import add_user
from pbx.registrar.bindings import Binding
from pbx.registrar.persistence import Persistence
from pbx.storage.unit import Store
from pbx.storage.writer import WriteBehind
from sip.transport.base import Address
from tests.unit.pbx.registrar.phones import FakeFlow, Office, Phone, directory

URN = "<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>"
RICH = (
    f'<sip:101@192.0.2.10;transport=udp>;+sip.instance="{URN}";reg-id=1;q=0.5;expires=600',
    "Supported: path, outbound, gruu",
    "Path: <sip:edge.example;lr;ob>",
    "User-Agent: Desk 1",
)


@pytest.fixture
def writer(store: Store) -> Iterator[WriteBehind]:
    writer = WriteBehind(store.engine, delay=0.0)
    yield writer
    assert writer.close()


def office_on(store: Store, writer: WriteBehind, people: Directory | None = None) -> Office:
    """An office whose registrar keeps its bindings in a database."""
    office = Office(people)
    office.registrar._persistence = Persistence(writer, store)
    return office


@pytest.fixture
def office(store: Store, writer: WriteBehind, box: SecretBox) -> Office:
    with store.transaction() as tx:
        for number in ("101", "102"):
            add_user(tx, number, box=box, actor="test")
    return office_on(store, writer)


def remade(transport: str, local: Address, remote: Address) -> FakeFlow | None:
    return FakeFlow("UDP", remote, local) if transport == "UDP" else None


def test_restart_forgets_nothing(store: Store, writer: WriteBehind, office: Office) -> None:
    phone = Phone(office, flow=FakeFlow("UDP", ("2001:db8::10", 5070), ("2001:db8::1", 5060)))
    assert phone.register(*RICH).status == 200
    writer.flush()
    restarted = office_on(store, writer)
    assert restarted.registrar.load(office.now, remade) == 1
    before, after = office.only(), restarted.only()
    for field in fields(Binding):
        assert getattr(after, field.name) == getattr(before, field.name), field.name
    assert after.flow is not before.flow


def test_registered_phone_goes_on_after_a_restart(store: Store, writer: WriteBehind, office: Office) -> None:
    phone = Phone(office)
    phone.register()
    writer.flush()
    restarted = office_on(store, writer)
    restarted.registrar.load(office.now, remade)
    phone.office = restarted
    assert phone.register().status == 200
    assert restarted.events == [], "nothing changed"
    assert len(restarted.contacts()) == 1


def test_connections_do_not_survive_but_their_contacts_do(store: Store, writer: WriteBehind, office: Office) -> None:
    phone = Phone(office, flow=FakeFlow("TCP", ("192.0.2.10", 40_000)))
    phone.register("<sip:101@192.0.2.10;transport=tcp>")
    writer.flush()
    restarted = office_on(store, writer)
    restarted.registrar.load(office.now, remade)
    held = restarted.only()
    assert (held.flow, held.transport, held.source) == (None, "TCP", ("192.0.2.10", 40_000))


def test_what_ended_meanwhile_is_not_loaded(store: Store, writer: WriteBehind, office: Office) -> None:
    phone = Phone(office)
    phone.register("<sip:101@192.0.2.10>;expires=60, <sip:101@192.0.2.11>;expires=600")
    phone.register("<sip:101@192.0.2.12>")
    phone.register("<sip:101@192.0.2.12>;expires=0")
    writer.flush()
    restarted = office_on(store, writer)
    restarted.now += 61
    assert restarted.registrar.load(restarted.now, remade) == 1
    assert restarted.contacts() == ["sip:101@192.0.2.11"]


def stored_contacts(store: Store) -> list[str]:
    with store.reading() as session:
        return list(session.scalars(text("SELECT contact FROM bindings")))


def test_what_ended_while_the_engine_was_away_does_not_stay_stored(
    store: Store, writer: WriteBehind, office: Office
) -> None:
    Phone(office).register("<sip:101@192.0.2.10>;expires=60, <sip:101@192.0.2.11>;expires=600")
    writer.flush()
    restarted = office_on(store, writer)
    restarted.registrar.load(office.now + 61, remade)
    writer.flush()
    assert stored_contacts(store) == ["sip:101@192.0.2.11"]


def test_phone_that_begins_to_speak_outbound_is_once_in_storage(
    store: Store, writer: WriteBehind, office: Office
) -> None:
    phone = Phone(office)
    instance = f'<sip:101@192.0.2.10>;+sip.instance="{URN}"'
    phone.register(instance)
    writer.flush()
    phone.register(f"{instance};reg-id=1", "Supported: outbound")
    writer.flush()
    assert stored_contacts(store) == ["sip:101@192.0.2.10"]
    phone.register(instance)
    writer.flush()
    assert stored_contacts(store) == ["sip:101@192.0.2.10"]
    restarted = office_on(store, writer)
    assert restarted.registrar.load(office.now, remade) == 1


def test_registrations_of_removed_accounts_are_not_loaded(store: Store, writer: WriteBehind, office: Office) -> None:
    Phone(office, "101-a1b2").register("<sip:101-a1b2@192.0.2.30>")
    writer.flush()
    restarted = office_on(store, writer, directory("101", "102"))
    assert restarted.registrar.load(office.now, remade) == 0
    writer.flush()
    with store.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM bindings")).scalar() == 0


@pytest.mark.parametrize("damage", ["flow = 'UDP nowhere'", "path = '['", "path = '7'", "contact = 'sip:'"])
def test_row_that_cannot_be_read_does_not_stop_the_others(
    store: Store, writer: WriteBehind, office: Office, damage: str
) -> None:
    Phone(office, "102").register("<sip:102@192.0.2.10>")
    Phone(office).register("<sip:101@192.0.2.10>")
    writer.flush()
    with store.engine.begin() as connection:
        connection.execute(text(f"UPDATE bindings SET {damage} WHERE number = '102'"))
    restarted = office_on(store, writer)
    assert restarted.registrar.load(office.now, remade) == 1
    assert restarted.contacts("101") == ["sip:101@192.0.2.10"]


def test_office_is_trusted_again_after_a_restart(store: Store, writer: WriteBehind, office: Office) -> None:
    Phone(office).register()
    writer.flush()
    restarted = office_on(store, writer)
    restarted.registrar.load(office.now, remade)
    for number in range(50):
        Phone(restarted, str(5000 + number)).guess("guess")
    assert Phone(restarted, "102").register("<sip:102@192.0.2.10>").status == 200
