"""Actions on devices: the accounts that phones sign in by."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from pbx.directory.checks import (
    ADMIN,
    access_device,
    access_user,
    check_sip_password,
    check_text,
    lock_directory,
)
from pbx.directory.errors import BadValue
from pbx.directory.events import DeviceAdded, DeviceRemoved
from pbx.directory.models import DeviceRow
from pbx.directory.secrets import ALPHABET, SecretBox, generate_password
from pbx.storage.unit import Transaction

SUFFIX_LENGTH = 4


@dataclass(frozen=True, slots=True)
class NewDevice:
    """What has to be typed into a phone. The password is shown this once."""

    sip_name: str
    label: str
    sip_password: str = field(repr=False)


def add_device(
    tx: Transaction,
    number: str,
    *,
    box: SecretBox,
    actor: str,
    label: str = "phone",
    sip_password: str | None = None,
) -> NewDevice:
    """Gives a user one more account for a phone; without `sip_password` one is made up.

    Raises BadValue, NotFound.
    """
    session = tx.session
    lock_directory(session)
    user = access_user(session, number)
    if user.number == ADMIN:
        raise BadValue(f"{ADMIN} has no number, so no phone can sign in by it")
    label = check_text(label, "a label")
    sip_password = check_sip_password(sip_password) if sip_password is not None else generate_password()
    sip_name = _free_name(session, user.number)
    session.add(
        DeviceRow(
            sip_name=sip_name,
            number=user.number,
            label=label,
            sealed_password=box.seal(sip_name, sip_password),
            created_at=tx.now,
        )
    )
    tx.audit(actor, "device.added", sip_name, after={"number": user.number, "label": label})
    tx.emit(DeviceAdded((user.number,), sip_name))
    return NewDevice(sip_name, label, sip_password)


def remove_device(tx: Transaction, sip_name: str, *, actor: str) -> None:
    """Removes a phone's account, the first one of a user too. Raises NotFound."""
    session = tx.session
    lock_directory(session)
    device = access_device(session, sip_name)
    before = {"number": device.number, "label": device.label}
    session.delete(device)
    tx.audit(actor, "device.removed", sip_name, before=before)
    tx.emit(DeviceRemoved((device.number,), sip_name))


def list_devices(session: Session, number: str) -> Sequence[DeviceRow]:
    """The devices of a user, the oldest first. Raises NotFound."""
    user = access_user(session, number)
    return session.scalars(
        select(DeviceRow).where(DeviceRow.number == user.number)
        .order_by(DeviceRow.created_at, DeviceRow.sip_name)
    ).all()  # fmt: skip


def _free_name(session: Session, number: str) -> str:
    """The number itself where the first device was removed, else the number with random letters."""
    name = number
    while session.get(DeviceRow, name) is not None:
        name = f"{number}-" + "".join(secrets.choice(ALPHABET) for _ in range(SUFFIX_LENGTH))
    return name
