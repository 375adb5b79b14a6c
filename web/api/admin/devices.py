"""Devices of everybody: the accounts that phones sign in by."""

from collections.abc import Sequence

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from pbx.directory.checks import access_device
from pbx.directory.devices import remove_device
from pbx.directory.models import DeviceRow, DeviceUseRow
from pbx.storage.unit import Transaction
from web.api.devices import Device, NewAccount, NewDeviceBody, create, device_item, phones_now, with_uses
from web.api.section import Access, Section
from web.api.shapes import Page, Shape
from web.auth.sessions import SignedIn
from web.services import services

section = Section("admin_devices", title="admin: devices", prefix="/api/v1/admin")

PAGE = 100


class AdminDevice(Device):
    """A device of anybody."""

    number: str = Field(examples=["102"])
    name: str = Field(examples=["Boris Petrov"], description="of the user")


class AdminDevices(Page[AdminDevice]):
    """All devices, by SIP name."""


class DevicesQuery(Shape):
    """Which devices."""

    number: str | None = Field(default=None, max_length=32, examples=["102"])
    before: str | None = Field(default=None, max_length=40, description="the cursor `next` of the part before")
    limit: int = Field(default=PAGE, ge=1, le=1000)


class DeviceFor(NewDeviceBody):
    """A device to be made, and whose."""

    number: str = Field(min_length=1, max_length=32, examples=["102"])


@section.get("/devices", Access.ADMIN, query=DevicesQuery, answer=AdminDevices)
def list_all_devices(user: SignedIn, query: DevicesQuery) -> AdminDevices:
    """All devices."""
    del user

    def find(session: Session) -> tuple[Sequence[DeviceRow], dict[str, DeviceUseRow]]:
        wanted = select(DeviceRow).order_by(DeviceRow.sip_name).limit(query.limit + 1)
        if query.number is not None:
            wanted = wanted.where(DeviceRow.number == query.number)
        if query.before is not None:
            wanted = wanted.where(DeviceRow.sip_name > query.before)
        return with_uses(session, session.scalars(wanted).all())

    given = services()
    rows, uses = given.read(find)
    phones = phones_now(given)
    items = [
        AdminDevice(
            **device_item(row, phones.get(row.sip_name), uses.get(row.sip_name)).model_dump(),
            number=row.number,
            name=given.name_of(row.number),
        )
        for row in rows[: query.limit]
    ]
    return AdminDevices(items=items, next=items[-1].sip_name if len(rows) > query.limit else None)


@section.post("/devices", Access.ADMIN, body=DeviceFor, answer=NewAccount, status=201)
def create_device(user: SignedIn, body: DeviceFor) -> NewAccount:
    """Make an account for one more phone of a user."""
    return create(services(), body.number, body.label, actor=user.number)


@section.delete("/devices/<sip_name>", Access.ADMIN)
def delete_device(user: SignedIn, sip_name: str) -> None:
    """Remove an account; its phone cannot sign in any more."""

    def remove(tx: Transaction) -> None:
        access_device(tx.session, sip_name)
        remove_device(tx, sip_name, actor=user.number)

    services().act(remove)
