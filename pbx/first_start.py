"""What has to be there before any process of an installation runs: folder, keys, certificates, database.

    python -m pbx.first_start [--data DIR] [--config FILE] [--certificates] [--json]

The supervisor runs this at every start, as does each unit that runs one process alone; those may do so at the same
time. What is there already is left as it is, so the second time takes a moment only.
"""

import argparse
import fcntl
import json
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from config.data import DataFolder
from config.errors import ConfigError
from config.loader import load_settings
from config.migrations import upgrade
from config.settings import Settings
from pbx.addresses import IPAddress, local_addresses
from pbx.certificates import CertificateError, Files, Renewal, ensure, server_identity
from pbx.cli.failures import in_words
from pbx.directory.checks import ADMIN
from pbx.directory.errors import DirectoryError, SecretsError
from pbx.directory.first_admin import FirstAdmin, first_admin
from pbx.directory.models import DeviceRow, UserRow
from pbx.directory.secrets import SecretBox
from pbx.storage.base import utc_now
from pbx.storage.engine import open_database
from pbx.storage.errors import StorageError
from pbx.storage.unit import Store

FAILURES = (ConfigError, CertificateError, DirectoryError, StorageError)
"""What `prepare` raises: each is one line for an admin."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """How it was found.

    Args:
        news: what was made or renewed, in words.
        users: how many there are, apart from the admin that the first start makes.
        admin: who signs in first; None where somebody can already.
    """

    news: tuple[str, ...]
    users: int
    admin: FirstAdmin | None


def prepare(data: DataFolder, settings: Settings, now: datetime) -> Prepared:
    """Makes what is missing, in an order in which a stop halfway does no harm. Raises FAILURES."""
    news: list[str] = []
    data.create()
    users, admin = _prepare_database(data, settings, news)
    news += _renewed(data, settings, now)
    return Prepared(tuple(news), users, admin)


def _renewed(data: DataFolder, settings: Settings, now: datetime) -> Iterator[str]:
    """Renews certificates; what was made, in words. Raises CertificateError."""
    renewal = renew_certificates(data, settings, now, local_addresses())
    if renewal.authority is not None:
        yield f"certificate authority {data.authority} ({renewal.authority})"
    if renewal.certificate is not None:
        yield f"server certificate {data.certificate} ({renewal.certificate})"


def renew_certificates(
    data: DataFolder, settings: Settings, now: datetime, addresses: Collection[IPAddress]
) -> Renewal:
    """Renews the installation's own certificate if that is due. Raises CertificateError.

    Nothing is due where the organisation has set a certificate of its own.
    """
    if settings.sip.certificate != data.certificate:
        return Renewal(None, None)
    files = Files(data.authority, data.authority_key, data.certificate, data.private_key)
    return ensure(files, server_identity(settings.sip.domain, addresses), now)


def _prepare_database(data: DataFolder, settings: Settings, news: list[str]) -> tuple[int, FirstAdmin | None]:
    """Brings the database to its shape, makes its key and the first admin, and counts the users."""
    store = Store(open_database(settings.database.url))
    try:
        upgrade(store.engine)
        with store.reading() as session:
            if not data.storage_key.exists():
                _check_nothing_sealed(session, data.storage_key)
                news.append(f"storage key {data.storage_key}: keep a copy of it apart from the database's backups")
            SecretBox.open_or_create(data.storage_key)
            users = session.scalars(select(func.count()).where(UserRow.number != ADMIN)).one()
        return users, first_admin(store) if settings.web.https or settings.web.http else None
    finally:
        store.close()


def _check_nothing_sealed(session: Session, storage_key: Path) -> None:
    """A new key in the place of a lost one would only hide what happened."""
    if session.scalars(select(DeviceRow.sip_name).limit(1)).first() is not None:
        raise SecretsError(
            f"the storage key {storage_key} is missing, and the database has passwords sealed with it: restore the key"
        )


@contextmanager
def _alone(data: DataFolder) -> Iterator[None]:
    """Waits until no other process prepares the same folder. Raises DataFolderError and OSError."""
    data.create()
    with (data.run / "first_start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Prepares an installation and says what was made; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m pbx.first_start", description="Prepares an installation.")
    parser.add_argument("--data", type=Path, help="the data folder")
    parser.add_argument("--config", type=Path, help="the configuration file")
    parser.add_argument("--certificates", action="store_true", help="only renew what is about to end")
    parser.add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_args()
    try:
        data = DataFolder.locate(options.data)
        settings = load_settings(data, options.config)
        with _alone(data):
            if options.certificates:
                prepared = Prepared(tuple(_renewed(data, settings, utc_now())), 0, None)
            else:
                prepared = prepare(data, settings, utc_now())
    except (*FAILURES, OSError) as error:
        if options.json:
            print(json.dumps({"error": in_words(error)}))
        else:
            print(f"first start: {in_words(error)}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps(_for_programs(prepared)))
        return 0
    for line in prepared.news:
        print(line)
    if prepared.admin is not None:
        print(f"sign in as {prepared.admin.user} with the password {prepared.admin.password}, which is good for once")
    return 0


def _for_programs(prepared: Prepared) -> dict[str, object]:
    admin = prepared.admin
    user, password = (admin.user, admin.password) if admin is not None else ("", "")
    return {"news": prepared.news, "users": prepared.users, "user": user, "password": password}


if __name__ == "__main__":
    sys.exit(main())
