"""Actions on devices: a phone gets a name and a password, and loses them again."""

import re
import secrets

import pytest

from pbx.directory.devices import add_device, list_devices, remove_device
from pbx.directory.errors import BadValue, NotFound
from pbx.directory.events import DeviceAdded, DeviceRemoved
from pbx.directory.secrets import PASSWORD_LENGTH
from pbx.directory.snapshot import Device
from tests.unit.pbx.directory.conftest import Office


def test_further_device_is_called_like_the_number_with_four_letters(office: Office) -> None:
    office.add("101")
    made = office.do(add_device, "101", box=office.box, label="kitchen")
    assert re.fullmatch(r"101-[a-z2-9]{4}", made.sip_name)
    assert len(made.sip_password) == PASSWORD_LENGTH
    assert made.sip_password not in repr(made)
    assert office.directory.devices[made.sip_name] == Device(made.sip_name, "101", "kitchen", made.sip_password)
    assert office.events[-1] == DeviceAdded(("101",), made.sip_name)
    assert (office.audit[-1].action, office.audit[-1].subject, office.audit[-1].after) == (
        "device.added", made.sip_name, {"number": "101", "label": "kitchen"},
    )  # fmt: skip
    assert office.version == 2


def test_name_that_is_taken_is_not_given_again(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    letters = iter("aaaa" + "aaaa" + "bbbb")
    monkeypatch.setattr(secrets, "choice", lambda _: next(letters))
    office.add("101", sip_password="x")
    names = [office.do(add_device, "101", box=office.box, sip_password="x").sip_name for _ in range(2)]
    assert names == ["101-aaaa", "101-bbbb"]


def test_removed_device_is_gone(office: Office) -> None:
    office.add("101")
    office.do(remove_device, "101")
    assert office.directory.devices == {}
    assert office.events[-1] == DeviceRemoved(("101",), "101")
    assert (office.audit[-1].action, office.audit[-1].before) == (
        "device.removed",
        {"number": "101", "label": "first phone"},
    )
    with pytest.raises(NotFound, match=r"^there is no device 101$"):
        office.do(remove_device, "101")


def test_name_of_a_removed_first_device_is_the_next_ones(office: Office) -> None:
    office.add("101")
    office.do(remove_device, "101")
    assert office.do(add_device, "101", box=office.box).sip_name == "101"


def test_bad_label_is_refused(office: Office) -> None:
    office.add("101")
    with pytest.raises(BadValue, match="a label has 1 to 100 printable characters"):
        office.do(add_device, "101", box=office.box, label="")


def test_devices_are_listed_the_first_one_first(office: Office) -> None:
    office.add("101")
    office.add("102")
    name = office.do(add_device, "101", box=office.box).sip_name
    with office.store.reading() as session:
        assert [row.sip_name for row in list_devices(session, "101")] == ["101", name]
        with pytest.raises(NotFound):
            list_devices(session, "109")
