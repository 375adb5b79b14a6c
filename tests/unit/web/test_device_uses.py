"""Which phone uses a device and since when: told by the engine, shown to its owner and to admins."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from pbx.directory.devices import remove_device
from pbx.registrar.models import BindingRow
from pbx.storage.errors import DatabaseRefused
from tests.unit.web.office import Person, WebOffice

YEALINK = "Yealink SIP-T54W 96.86.0.100"


def binding(office: WebOffice, sip_name: str, *, user_agent: str = YEALINK, flow: str | None = None) -> None:
    """A registration as the engine stores it."""
    now = office.clock().timestamp()
    values = {
        "id": f"{sip_name}|sip:{sip_name}@10.0.0.7",
        "number": sip_name.partition("-")[0],
        "sip_name": sip_name,
        "contact": f"sip:{sip_name}@10.0.0.7",
        "instance": None,
        "reg_id": None,
        "q": 1.0,
        "path": "[]",
        "call_id": "c",
        "cseq": 1,
        "expires_at": now + 3600,
        "flow": flow or "UDP 10.0.0.2:5060 10.0.0.7:5062",
        "user_agent": user_agent,
        "gruu": None,
        "updated_at": now,
    }
    with office.store.transaction() as tx:
        tx.session.execute(insert(BindingRow), values)


def event(office: WebOffice, what: str, sip_name: str) -> None:
    office.hear(f"registration.{what}", number=sip_name.partition("-")[0], sip_name=sip_name, contact="sip:x")


def registered(office: WebOffice, sip_name: str, *, flow: str = "open") -> None:
    """A registration as the engine tells of it when asked."""
    office.engine.registrations.append(
        {
            "number": sip_name.partition("-")[0],
            "sip_name": sip_name,
            "contact": f"sip:{sip_name}@10.0.0.7",
            "transport": "UDP",
            "source": "10.0.0.7 5062",
            "user_agent": YEALINK,
            "expires_in": 3000,
            "flow": flow,
        }
    )


def moment(at: datetime) -> str:
    """A time as the API says it."""
    return at.isoformat(timespec="milliseconds")[:23] + "Z"


def shown(person: Person) -> dict[str, Any]:
    (device,) = person.get("/me/devices").json["items"]
    return dict(device)


def test_device_that_was_never_used_says_so(boris: Person) -> None:
    device = shown(boris)
    assert [device[name] for name in ("online", "user_agent", "registered_at", "last_seen")] == [
        False,
        None,
        None,
        None,
    ]


def test_phone_that_is_off_is_named_with_when_it_was_last_there(office: WebOffice, boris: Person) -> None:
    binding(office, "102")
    event(office, "registered", "102")
    began = office.clock()
    registered(office, "102")
    office.web.services.device_uses.note()
    device = shown(boris)
    assert (device["online"], device["user_agent"], device["transport"]) == (True, YEALINK, "UDP")
    assert device["registered_at"] == device["last_seen"] == moment(began)

    office.clock.wait(minutes=5)
    office.engine.registrations.clear()
    event(office, "unregistered", "102")
    office.web.services.device_uses.note()
    device = shown(boris)
    assert (device["online"], device["user_agent"], device["address"]) == (False, YEALINK, "10.0.0.7")
    assert device["registered_at"] is None
    assert device["last_seen"] == moment(began + timedelta(minutes=5))


def test_phone_that_falls_silent_was_last_seen_when_it_last_registered(office: WebOffice, boris: Person) -> None:
    uses = office.web.services.device_uses
    uses.note()
    office.clock.wait(minutes=1)
    binding(office, "102", flow="TLS [2001:db8::2]:5061 [2001:db8::7]:40112")
    refreshed = office.clock()
    office.clock.wait(minutes=9)
    uses.note()  # the look that comes now and then, without any event
    office.clock.wait(minutes=50)
    event(office, "expired", "102")
    uses.note()
    device = shown(boris)
    assert device["last_seen"] == moment(refreshed)
    assert (device["address"], device["transport"]) == ("2001:db8::7", "TLS")


def test_phones_that_were_there_before_the_web_process_keep_their_beginning(office: WebOffice, boris: Person) -> None:
    binding(office, "102")
    event(office, "registered", "102")
    began = moment(office.clock())
    office.web.services.device_uses.note()
    office.clock.wait(hours=1)
    registered(office, "102")
    office.hear("snapshot", registrations=office.engine.registrations, calls=[])
    office.web.services.device_uses.note()
    assert shown(boris)["registered_at"] == began


def test_pages_and_removed_devices_are_not_noted(office: WebOffice, anna: Person) -> None:
    made = anna.post("/admin/devices", number="102", label="hall").json["sip_name"]
    for sip_name in ("102-web-7f3a", made):
        binding(office, sip_name)
        event(office, "registered", sip_name)
    office.do(remove_device, made)
    office.web.services.device_uses.note()
    event(office, "unregistered", made)
    office.web.services.device_uses.note()
    assert [one["last_seen"] for one in anna.get("/admin/devices").json["items"]] == [None, None, None]


def test_what_could_not_be_noted_is_noted_later(
    office: WebOffice, boris: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise DatabaseRefused("the disk of the database is full")

    binding(office, "102")
    event(office, "registered", "102")
    with monkeypatch.context() as patch:
        patch.setattr(office.store, "transaction", refuse)
        with pytest.raises(DatabaseRefused):
            office.web.services.device_uses.note()
    office.web.services.device_uses.note()
    assert shown(boris)["user_agent"] == YEALINK


def test_admin_sees_since_when_a_phone_is_registered_and_no_page_that_was_closed(
    office: WebOffice, anna: Person
) -> None:
    binding(office, "102")
    event(office, "registered", "102")
    began = moment(office.clock())
    office.web.services.device_uses.note()
    registered(office, "102")
    registered(office, "103", flow="closed")
    registered(office, "102-web-7f3a")
    registered(office, "103-web-11aa", flow="closed")
    items = anna.get("/admin/registrations").json["items"]
    assert [(one["sip_name"], one["reachable"], one["registered_at"]) for one in items] == [
        ("102", True, began),
        ("103", False, None),
        ("102-web-7f3a", True, None),
    ]
    assert anna.get("/admin/overview").json["registered"] == 1
