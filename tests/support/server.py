"""The whole server, as a user starts it, on loopback ports of its own."""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import select

from config.data import DataFolder
from config.loader import load_settings
from pbx.bus.client import call
from pbx.calls.models import CallMediaRow, CallRecordRow
from pbx.directory.checks import ADMIN
from pbx.directory.devices import add_device
from pbx.directory.forwarding import clear_rules, set_rule
from pbx.directory.groups import list_groups, remove_group, set_group
from pbx.directory.secrets import SecretBox
from pbx.directory.users import add_user, list_users, remove_user
from pbx.first_start import prepare
from pbx.storage.base import utc_now
from pbx.storage.engine import open_database
from pbx.storage.unit import Store
from tests.support.peers.peer import DEADLINE
from tests.support.peers.recordings import FolderWatch
from tests.support.ports import free_port, media_ports
from tests.support.processes import PeerError, Process

ACTOR = "test"
LOOK_AGAIN = 0.05  # s; SQLite shows a row a moment after it has written the file, and of that nobody is told


class Server:
    """`gorizont serve` with a data folder of its own.

    Args:
        folder: an empty folder.
        users: numbers that exist from the start; a user's SIP password is "pw" and the number.
        sip: further keys of [sip] in the configuration, as TOML text by name.
        settings: further sections, as TOML text.
        web: whether it has a web server too, at `https`, host:port.
        host: the address that it listens on, IPv6 in brackets.
        domain: the SIP domain; phones find the server by `udp`, `tcp`, `tls`, `ws`, `wss`, each host:port.
    """

    def __init__(
        self,
        folder: Path,
        *,
        users: Sequence[str] = (),
        sip: Mapping[str, str] | None = None,
        settings: str = "",
        web: bool = False,
        domain: str = "office.test",
        host: str = "127.0.0.1",
    ) -> None:
        self.folder = folder
        self.domain = domain
        self.data = DataFolder(folder / "data")
        self.udp = self.tcp = f"{host}:{free_port()}"
        self.tls, self.ws, self.wss = (f"{host}:{free_port()}" for _ in range(3))
        keys = {name: f'"{getattr(self, name)}"' for name in ("udp", "tcp", "tls", "ws", "wss")}
        keys |= {"domain": f'"{domain}"', **(sip or {})}
        folder.mkdir(parents=True, exist_ok=True)
        self.data.create()
        self.https = f"{host}:{free_port()}" if web else ""
        lines = ["[sip]", *(f"{name} = {value}" for name, value in keys.items())]
        lines += ["[web]", f'https = "{self.https}"', 'http = ""']
        lines += ["[media]", f'ports = "{media_ports()}"', settings]
        self.data.config_file.write_text("\n".join(lines))
        self.settings = load_settings(self.data, environ={})
        prepare(self.data, self.settings, utc_now())
        self.store = Store(open_database(self.settings.database.url))
        self._box = SecretBox.open(self.data.storage_key)
        self.process: Process | None = None
        for number in users:
            self.add_user(number)

    # ---- life

    def start(self) -> Self:
        """Starts it and waits until it is ready."""
        program = [sys.executable, "-m", "pbx.cli", "serve", "--data", str(self.data.root)]
        root = Path(__file__).parents[2]
        self.process = Process(program, name="gorizont", folder=self.folder, environment={"PYTHONPATH": str(root)})
        self.process.start()
        self.process.wait_for("Gorizont is ready", timeout=120)
        return self

    def stop(self) -> None:
        """Stops it as Ctrl-C does."""
        if self.process is not None:
            self.process.stop()
            self.process = None

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:  # what it leaves would be the failure of whichever test comes later
            self.stop()
            self.store.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self.store.close()

    @property
    def output(self) -> list[str]:
        """What all processes have logged."""
        return self.process.lines if self.process is not None else []

    def password(self, number: str) -> str:
        """The SIP password of a user made by `add_user`."""
        return f"pw{number}"

    # ---- administration, in force when it returns

    def command(self, name: str, data: Mapping[str, object] | None = None) -> Mapping[str, Any]:
        """A command to the engine on the bus."""
        return call(self.settings.bus.socket, name, data)

    def _changed(self, *numbers: str) -> None:
        if self.process is not None:
            self.command("directory.changed", {"numbers": list(numbers)})

    def add_user(self, number: str, name: str | None = None) -> None:
        """A user named "User 101" unless told otherwise."""
        with self.store.transaction() as tx:
            add_user(
                tx,
                number,
                box=self._box,
                actor=ACTOR,
                name=name or f"User {number}",
                sip_password=self.password(number),
            )
        self._changed(number)

    def dismiss(self) -> None:
        """Removes everybody and all groups, but for the account of the first start."""
        with self.store.transaction() as tx:
            groups = list(list_groups(tx.session))
            users = [user.number for user in list_users(tx.session) if user.number != ADMIN]
            for number in groups:
                remove_group(tx, number, actor=ACTOR)
            for number in users:
                remove_user(tx, number, actor=ACTOR)
        self._changed(*groups, *users)

    def add_device(self, number: str) -> tuple[str, str]:
        """A further account of a user: its SIP name and password."""
        with self.store.transaction() as tx:
            device = add_device(tx, number, box=self._box, actor=ACTOR)
        self._changed(number)
        return device.sip_name, device.sip_password

    def forward(self, number: str, kind: str, *targets: str, **options: Any) -> None:
        """`gorizont forward set`."""
        with self.store.transaction() as tx:
            set_rule(tx, number, kind, targets, actor=ACTOR, **options)
        self._changed(number)

    def clear_forwards(self, number: str) -> None:
        """`gorizont forward clear`."""
        with self.store.transaction() as tx:
            clear_rules(tx, number, actor=ACTOR)
        self._changed(number)

    def group(self, number: str, *members: str, strategy: str = "all") -> None:
        """`gorizont group set`."""
        with self.store.transaction() as tx:
            set_group(tx, number, members, strategy=strategy, actor=ACTOR)
        self._changed(number)

    def wait_record(self, *, timeout: float = DEADLINE, **values: object) -> dict[str, Any]:
        """The newest record in which these columns have these values, waited for until it is on disk."""
        deadline = time.monotonic() + timeout
        with FolderWatch(self.data.root) as watch:
            while True:
                for record in reversed(self.records()):
                    if all(record[name] == value for name, value in values.items()):
                        return record
                if time.monotonic() >= deadline:
                    raise PeerError(f"no record with {values}, but {self.records()}")
                watch.wait(LOOK_AGAIN)

    def wait_registered(self, number: str, *, timeout: float = DEADLINE) -> None:
        """Waits until a phone of this number can be reached."""
        deadline = time.monotonic() + timeout
        while True:
            phones = self.command("registrations", {"number": number})["registrations"]
            if any(phone["flow"] == "open" for phone in phones):
                return
            if time.monotonic() >= deadline:
                raise PeerError(f"no phone of {number} came back: {phones}")
            time.sleep(LOOK_AGAIN)

    def media(self, call: str) -> dict[str, Any] | None:
        """How the media of a call was, by party; None while that is not on disk, or where none passed here."""
        with self.store.reading() as session:
            row = session.get(CallMediaRow, call)
        return None if row is None else dict(json.loads(row.statistics))

    def wait_media(self, call: str, *, timeout: float = DEADLINE) -> dict[str, Any]:
        """How the media of a call was, by party, waited for until it is on disk."""
        deadline = time.monotonic() + timeout
        with FolderWatch(self.data.root) as watch:
            while True:
                if (media := self.media(call)) is not None:
                    return media
                if time.monotonic() >= deadline:
                    raise PeerError(f"no media statistics of call {call}")
                watch.wait(LOOK_AGAIN)

    def records(self) -> list[dict[str, Any]]:
        """The records of finished calls that are on disk, the oldest first, plan and events as values."""
        with self.store.reading() as session:
            rows = session.scalars(select(CallRecordRow).order_by(CallRecordRow.started_at)).all()
        found = []
        for row in rows:
            record = {column.name: getattr(row, column.name) for column in CallRecordRow.__table__.columns}
            found.append({**record, "plan": json.loads(row.plan), "events": json.loads(row.events)})
        return found
