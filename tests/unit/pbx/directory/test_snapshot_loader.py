"""From the database to routing: whole, or in parts, with the same result."""

from collections.abc import Callable
from datetime import time

import pytest
from sqlalchemy import text

from pbx.directory import snapshot_loader
from pbx.directory.devices import add_device, remove_device
from pbx.directory.errors import SecretsError
from pbx.directory.forwarding import clear_rules, set_rule
from pbx.directory.groups import remove_group
from pbx.directory.secrets import SecretBox
from pbx.directory.snapshot import Directory
from pbx.directory.snapshot_loader import load_directory, refresh_directory
from pbx.directory.users import remove_user, set_user
from tests.unit.pbx.directory.conftest import Office


def refresh(office: Office, directory: Directory, numbers: tuple[str, ...]) -> Directory:
    with office.store.reading() as session:
        return refresh_directory(session, office.box, directory, numbers)


@pytest.fixture
def office(office: Office) -> Office:
    for number in ("101", "102", "103"):
        office.add(number, f"User {number}")
    office.group("600", "101", "102")
    office.do(set_rule, "101", "busy", ["102"])
    office.do(set_rule, "101", "time", ["103"], start=time(18), end=time(9))
    return office


def test_empty_database_is_an_empty_directory(store: object, migrated_url: str, box: SecretBox) -> None:
    from pbx.storage.unit import Store

    assert isinstance(store, Store)
    with store.reading() as session:
        assert load_directory(session, box) == Directory(0, {}, {}, {})


def test_whole_directory_has_everything_in_its_order(office: Office) -> None:
    directory = office.directory
    assert directory.version == 6
    assert sorted(directory.users) == sorted(directory.devices) == ["101", "102", "103"]
    assert [rule.kind for rule in directory.users["101"].rules] == ["busy", "time"]
    assert directory.groups["600"].members == ("101", "102")


ACTIONS: list[Callable[[Office], object]] = [
    lambda office: office.add("104"),
    lambda office: office.do(set_user, "101", box=office.box, name="Anna", sip_password="next"),
    lambda office: office.do(remove_user, "102"),
    lambda office: office.do(add_device, "103", box=office.box),
    lambda office: office.do(remove_device, "101"),
    lambda office: office.do(set_rule, "103", "dnd"),
    lambda office: office.do(set_rule, "101", "busy", ["103"]),
    lambda office: office.do(clear_rules, "101"),
    lambda office: office.group("600", "103"),
    lambda office: office.group("601", "103"),
    lambda office: office.do(remove_group, "600"),
]


@pytest.mark.parametrize("action", ACTIONS, ids=range(len(ACTIONS)))
def test_directory_with_the_numbers_of_an_event_equals_the_whole(
    office: Office, action: Callable[[Office], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = office.directory
    action(office)
    after = office.directory
    assert after != before
    with monkeypatch.context() as patch:
        patch.setattr(snapshot_loader, "load_directory", None)  # the parts must do
        assert refresh(office, before, office.events[-1].numbers) == after


def test_directory_without_a_newer_version_stays_the_same_object(office: Office) -> None:
    directory = office.directory
    assert refresh(office, directory, ("101",)) is directory


def test_directory_that_missed_a_change_is_read_whole(office: Office) -> None:
    directory = office.directory
    office.add("104")  # nobody told us of this one
    office.add("105")
    assert refresh(office, directory, ("105",)) == office.directory


def test_change_of_many_numbers_is_read_whole(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot_loader, "FEW", 1)
    directory = office.directory
    office.add("104")
    assert refresh(office, directory, ("104", "105")) == office.directory


def test_key_of_another_installation_is_said(office: Office) -> None:
    with (
        office.store.reading() as session,
        pytest.raises(SecretsError, match="the storage key is not the one"),
    ):
        load_directory(session, SecretBox(bytes(32)))


def test_event_that_is_late_does_not_hide_what_came_after_it(office: Office) -> None:
    """The directory was read with 104 in it, before its event came; meanwhile 105 is there too."""
    office.add("104")
    directory = office.directory
    office.add("105")
    directory = refresh(office, directory, ("104",))
    assert refresh(office, directory, ("105",)) == office.directory


DAMAGES = (
    "UPDATE forwarding_rules SET kind = 'sometimes' WHERE kind = 'busy'",
    "UPDATE forwarding_rules SET targets = '' WHERE kind = 'busy'",
    "UPDATE forwarding_rules SET days = 'caturday' WHERE kind = 'busy'",
)


@pytest.mark.parametrize("damage", DAMAGES, ids=["unknown kind", "no target", "unknown day"])
def test_rule_that_cannot_be_read_is_left_out_alone(
    office: Office, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A damaged row must not keep the server from starting, nor the next change from being in force."""
    before = office.directory
    with office.store.transaction() as tx:
        tx.session.execute(text(damage))
    after = office.directory
    assert [rule.kind for rule in after.users["101"].rules] == ["time"]
    assert after.groups == before.groups
    assert "! rule 1 is left out: " in caplog.text


def test_group_that_cannot_be_read_is_left_out_alone(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    office.group("601", "103")
    with office.store.transaction() as tx:
        tx.session.execute(text("UPDATE groups SET strategy = 'at random' WHERE number = '600'"))
    assert list(office.directory.groups) == ["601"]
    assert "! group 600 is left out: " in caplog.text


def test_password_that_does_not_open_keeps_one_phone_out_and_no_other(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    with office.store.transaction() as tx:
        tx.session.execute(text("UPDATE devices SET sealed_password = :none WHERE sip_name = '102'"), {"none": b""})
    assert sorted(office.directory.devices) == ["101", "103"]
    assert "! device 102 is left out: the password of device 102 does not open" in caplog.text
