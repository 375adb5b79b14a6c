"""A user's devices: the accounts that his phones sign in by."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import segno
from flask import request
from pydantic import Field
from sqlalchemy.orm import Session

from pbx.accounts import account_uri, servers
from pbx.bus.errors import BusError
from pbx.directory.devices import NewDevice, add_device, list_devices, remove_device
from pbx.directory.models import DeviceRow, DeviceUseRow
from pbx.directory.uses import uses_of
from pbx.storage.unit import Transaction
from web.api.section import Access, Section
from web.api.shapes import Moment, Page, Shape
from web.auth.sessions import SignedIn
from web.errors import Conflict, Missing
from web.provisioning import fetch_address
from web.services import Services, services

section = Section("devices", title="my devices")

MOST_DEVICES = 20
QR_SCALE = 4


class Device(Shape):
    """An account that a phone signs in by."""

    sip_name: str = Field(examples=["102-k3fw"])
    label: str = Field(examples=["softphone on my laptop"])
    created_at: Moment
    online: bool = Field(description="a phone is registered by it")
    user_agent: str | None = Field(
        examples=["Yealink SIP-T54W 96.86.0.100"], description="of that phone, or of the last that was"
    )
    address: str | None = Field(examples=["10.0.0.7"], description="likewise")
    transport: str | None = Field(examples=["TLS"], description="likewise")
    registered_at: Moment | None = Field(description="since when the phone is there; null where it is not")
    last_seen: Moment | None = Field(description="when a phone was last heard of; null: never")


class DevicePage(Page[Device]):
    """A user's devices, the oldest first."""


class NewDeviceBody(Shape):
    """A name, to tell the devices apart."""

    label: str = Field(min_length=1, max_length=100, examples=["softphone on my laptop"])


class ServerItem(Shape):
    """A place where a phone reaches the server."""

    transport: str = Field(examples=["udp"])
    host: str = Field(examples=["10.0.0.2"])
    port: int = Field(examples=[5060])


class Linphone(Shape):
    """An address from which Linphone fetches the account by itself, once."""

    url: str = Field(examples=["https://pbx.example.com:8443/api/v1/provisioning/r5…"])
    qr_svg: str = Field(examples=["<svg …></svg>"], description="the address as a picture, which Linphone scans")
    until: Moment = Field(description="when it ends to be good")
    own_authority: bool = Field(
        description="the server's certificate is signed by its own authority, which Linphone on a mobile refuses"
    )


class NewAccount(Shape):
    """What has to be told to the phone. The password is shown this once."""

    sip_name: str = Field(examples=["102-k3fw"])
    label: str = Field(examples=["softphone on my laptop"])
    sip_password: str = Field(examples=["k7m2xq9hd4vbtw3ce"])
    domain: str = Field(examples=["pbx.example.com"])
    servers: list[ServerItem]
    uri: str = Field(examples=["sip:102-k3fw:k7m2xq9hd4vbtw3ce@10.0.0.2:5060"], description="the same in one line")
    linphone: Linphone


@section.get("/me/devices", Access.USER, answer=DevicePage)
def show_devices(user: SignedIn) -> DevicePage:
    """My devices, and whether a phone is registered by them."""
    return device_page(services(), user.number)


@section.post("/me/devices", Access.USER, body=NewDeviceBody, answer=NewAccount, status=201)
def create_device(user: SignedIn, body: NewDeviceBody) -> NewAccount:
    """Make an account for one more phone."""
    return create(services(), user.number, body.label, actor=user.number)


@section.delete("/me/devices/<sip_name>", Access.USER)
def delete_device(user: SignedIn, sip_name: str) -> None:
    """Remove an account of mine; its phone cannot sign in any more."""

    def remove(tx: Transaction) -> None:
        row = tx.session.get(DeviceRow, sip_name)
        if row is None or row.number != user.number:
            raise Missing(f"there is no device {sip_name}")
        remove_device(tx, sip_name, actor=user.number)

    services().act(remove)


def device_page(given: Services, number: str) -> DevicePage:
    """The devices of a user. Raises NotFound."""
    rows, uses = given.read(lambda session: with_uses(session, list_devices(session, number)))
    phones = phones_now(given, number=number)
    return DevicePage(items=[device_item(row, phones.get(row.sip_name), uses.get(row.sip_name)) for row in rows])


def with_uses(session: Session, rows: Sequence[DeviceRow]) -> tuple[Sequence[DeviceRow], dict[str, DeviceUseRow]]:
    """Devices, and what is noted of the phones that used them."""
    return rows, uses_of(session, [row.sip_name for row in rows])


def device_item(row: DeviceRow, phone: Mapping[str, Any] | None, use: DeviceUseRow | None) -> Device:
    """A device, with the phone that is registered by it if there is one, else with the last that was."""
    return Device(
        sip_name=row.sip_name,
        label=row.label,
        created_at=row.created_at,
        online=phone is not None,
        user_agent=_told(phone, "user_agent") or (use.user_agent if use else None) or None,
        address=_told(phone, "source").partition(" ")[0] or (use.address if use else None),
        transport=_told(phone, "transport") or (use.transport if use else None),
        registered_at=use.registered_at if phone is not None and use is not None else None,
        last_seen=use.seen_at if use is not None else None,
    )


def _told(phone: Mapping[str, Any] | None, what: str) -> str:
    return str(phone[what] or "") if phone is not None else ""


def phones_now(given: Services, **asked: str) -> dict[str, Mapping[str, Any]]:
    """The phones that can be reached, of a number or all, by SIP name; none while the engine is away."""
    try:
        found = given.ask_engine("registrations", asked)["registrations"]
    except BusError:
        return {}
    return {one["sip_name"]: one for one in found if one["flow"] == "open"}


def create(given: Services, number: str, label: str, *, actor: str) -> NewAccount:
    """Gives a user one more device. Raises NotFound, BadValue, Conflict."""

    def add(tx: Transaction) -> NewDevice:
        if len(list_devices(tx.session, number)) >= MOST_DEVICES:
            raise Conflict(f"{number} has {MOST_DEVICES} devices already: remove one first", code="too-many-devices")
        return add_device(tx, number, box=given.box, actor=actor, label=label)

    device = given.act(add)
    return account_answer(given, device.sip_name, device.label, device.sip_password)


def account_answer(given: Services, sip_name: str, label: str, password: str) -> NewAccount:
    """What the phone has to be told."""
    found = servers(given.settings.sip)
    token, until = given.tickets.issue(sip_name)
    url = fetch_address(request.host, token)
    return NewAccount(
        sip_name=sip_name,
        label=label,
        sip_password=password,
        domain=given.settings.sip.domain,
        servers=[ServerItem(transport=one.transport, host=one.host, port=one.port) for one in found],
        uri=account_uri(given.settings, sip_name, password, found),
        linphone=Linphone(
            url=url,
            qr_svg=_qr(url),
            until=until,
            own_authority=given.settings.sip.certificate == given.data.certificate,
        ),
    )


def _qr(text: str) -> str:
    """A QR code, with its namespace, without which a browser shows no SVG outside of a page."""
    picture = BytesIO()
    segno.make(text, micro=False).save(picture, kind="svg", scale=QR_SCALE, light="white", xmldecl=False, nl=False)
    return picture.getvalue().decode()
