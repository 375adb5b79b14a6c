"""A web process for unit tests: SQLite, no threads, no sockets, an engine that answers what it is told to."""

import json
import re
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from flask.testing import FlaskClient
from flask_socketio.test_client import SocketIOTestClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from config.data import DataFolder
from config.loader import load_settings
from pbx.audit.models import AuditEntry
from pbx.bus.base import Envelope
from pbx.bus.errors import CommandError, NotRunning
from pbx.directory.secrets import SecretBox
from pbx.directory.users import add_user
from pbx.storage.engine import open_database
from pbx.storage.unit import Store, Transaction
from web.auth.access import COOKIE, HEADER
from web.building import Web, build
from web.threads import InlineThreads

BEGIN = datetime(2026, 12, 1, 16, 30, tzinfo=UTC)
ORIGIN = "https://office.test:8443"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # the hash itself says how it was made

Command = Callable[[Mapping[str, object]], Mapping[str, Any]]


def password_of(number: str) -> str:
    return f"secret of {number}"


class Engine:
    """Answers commands. `asked` has all of them."""

    def __init__(self) -> None:
        self.running = True
        self.asked: list[tuple[str, dict[str, object]]] = []
        self.calls: list[dict[str, Any]] = []
        self.registrations: list[dict[str, Any]] = []
        self.blocks: list[dict[str, Any]] = []
        self.commands: dict[str, Command] = {
            "ready": lambda _: {"ready": True, "refusing": "", "refused": 0, "listening": [["UDP", "10.0.0.2", 5060]]},
            "registrations": self._registrations,
            "calls.live": lambda _: {"calls": self.calls},
            "calls.hangup": self._hang_up,
            "calls.pull": lambda asked: {"call": asked["call"]},
            "blocks": lambda _: {"blocks": self.blocks},
            "blocks.release": self._release,
            "directory.changed": lambda _: {"version": 1},
            "credentials.revoke": lambda _: {},
            "credentials.issue": lambda asked: {
                "username": f"{asked['number']}-web-7f3a",
                "password": "temporary",
                "expires_at": BEGIN.timestamp() + 3600,
            },
        }

    def ask(self, command: str, data: Mapping[str, object]) -> Mapping[str, Any]:
        self.asked.append((command, dict(data)))
        if not self.running:
            raise NotRunning("the server is not running")
        return self.commands[command](data)

    def _registrations(self, asked: Mapping[str, object]) -> Mapping[str, Any]:
        number = asked.get("number")
        return {"registrations": [one for one in self.registrations if number in (None, one["number"])]}

    def _hang_up(self, asked: Mapping[str, object]) -> Mapping[str, Any]:
        if asked["call"] not in [call["id"] for call in self.calls]:
            raise CommandError("not-found", f"no call {asked['call']} is in progress")
        return {"call": asked["call"]}

    def _release(self, asked: Mapping[str, object]) -> Mapping[str, Any]:
        kept = [block for block in self.blocks if block["what"] != asked["what"]]
        if len(kept) == len(self.blocks):
            raise CommandError("not-found", "nothing is known")
        self.blocks = kept
        return {"released": 1}


class Clock:
    """A time that stands still until it is moved."""

    def __init__(self) -> None:
        self.at = BEGIN

    def __call__(self) -> datetime:
        return self.at

    def wait(self, **duration: float) -> None:
        self.at += timedelta(**duration)


class Person:
    """Somebody at a browser. `number` None is nobody in particular."""

    def __init__(self, office: "WebOffice", number: str | None) -> None:
        self.office = office
        self.number = number
        self.client: FlaskClient = office.web.app.test_client()

    def sign_in(self, password: str | None = None, **more: object) -> "Person":
        assert self.number is not None
        answer = self.post("/session", user=self.number, password=password or password_of(self.number), **more)
        assert answer.status_code == 200, answer.text
        return self

    def request(self, method: str, path: str, **options: Any) -> TestResponse:
        headers = {HEADER: "1", "Origin": ORIGIN, **options.pop("headers", {})}
        full = path if path.startswith(("/api/", "/healthz", "/readyz", "/metrics", "/authority")) else f"/api/v1{path}"
        return self.client.open(full, method=method, base_url=ORIGIN, headers=headers, **options)

    def get(self, path: str, **query: object) -> TestResponse:
        return self.request("GET", path, query_string=query)

    def post(self, path: str, **body: object) -> TestResponse:
        return self.request("POST", path, json=body)

    def put(self, path: str, **body: object) -> TestResponse:
        return self.request("PUT", path, json=body)

    def patch(self, path: str, **body: object) -> TestResponse:
        return self.request("PATCH", path, json=body)

    def delete(self, path: str) -> TestResponse:
        return self.request("DELETE", path)

    @property
    def token(self) -> str | None:
        found = self.client.get_cookie(COOKIE, domain="office.test")
        return found.value if found is not None else None

    def connect(self, *, origin: str | None = ORIGIN) -> "Listener":
        """Opens Socket.IO with the cookie of this browser."""
        return Listener(self, origin)


class Listener:
    """A Socket.IO connection of a browser."""

    def __init__(self, person: Person, origin: str | None) -> None:
        headers = {"Host": "office.test:8443", "Cookie": f"{COOKIE}={person.token}"}
        if origin is not None:
            headers["Origin"] = origin
        self.client: SocketIOTestClient = person.office.web.socketio.test_client(person.office.web.app, headers=headers)

    @property
    def connected(self) -> bool:
        return bool(self.client.is_connected())

    def heard(self, kind: str | None = None) -> list[dict[str, Any]]:
        """The events since the last look, each {seq, type, data}."""
        received, self.client.queue = self.client.queue, []  # what came before the end can be read after it
        events = [one["args"][0] for one in received if one["name"] == "event"]
        return [event for event in events if kind in (None, event["type"])]

    def ask(self, name: str, body: object) -> dict[str, Any]:
        """A request and its acknowledgement."""
        answer: dict[str, Any] = self.client.emit(name, body, callback=True)
        return answer


class WebOffice:
    """The process, with users 101 Anna (admin), 102 Boris and 103 Clara, each with a password.

    Args:
        folder: which does not exist yet.
        template: database and storage key, as `furnish` has made them.
    """

    def __init__(self, folder: Path, template: DataFolder) -> None:
        self.data = DataFolder(folder)
        self.data.create()
        shutil.copy(template.database, self.data.database)
        shutil.copy(template.storage_key, self.data.storage_key)
        self.data.config_file.write_text('[sip]\ndomain = "office.test"\n[calls]\ntime_zone = "Europe/Moscow"\n')
        self.settings = load_settings(self.data, environ={})
        self.clock = Clock()
        self.store = Store(open_database(self.settings.database.url), now=self.clock)
        self.box = SecretBox.open(self.data.storage_key)
        self.engine = Engine()
        self.web: Web = build(
            self.settings,
            self.data,
            self.store,
            self.box,
            threads=InlineThreads(),
            ask_engine=self.engine.ask,
            now=self.clock,
        )
        self._seq = 0

    def add_user(self, number: str, name: str, role: str = "user") -> None:
        with self.store.transaction() as tx:
            _add_user(tx, self.box, number, name, role)

    def do(self, action: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """An action beside the web process, as the command line does it."""

        def run(tx: Transaction) -> Any:
            return action(tx, *arguments, actor="cli:root", **options)

        with self.store.transaction() as tx:
            return run(tx)

    def elsewhere(self, action: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """The same, and the web process has noticed it."""
        result = self.do(action, *arguments, **options)
        self.web.services.directory_holder.check()
        return result

    def hear(self, kind: str, **data: Any) -> None:
        """The engine tells something on the bus."""
        self._seq += 1
        self.web.services.engine_events.hear(Envelope("engine", self._seq, kind, data))

    def person(self, number: str | None = None) -> Person:
        """Somebody's browser, signed in if a number is given."""
        one = Person(self, number)
        return one if number is None else one.sign_in()

    def audit(self) -> list[tuple[str, str, str]]:
        """Actor, action and subject of every entry, the oldest first."""
        with self.store.reading() as session:
            rows = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        return [(row.actor, row.action, row.subject) for row in rows]

    def close(self) -> None:
        self.store.close()


def furnish(folder: Path, empty: Path) -> DataFolder:
    """A data folder whose database, a copy of the empty one, has the users that every office begins with."""
    data = DataFolder(folder)
    data.create()
    shutil.copy(empty, data.database)
    box = SecretBox.open_or_create(data.storage_key)
    store = Store(open_database(f"sqlite:///{data.database}"), now=lambda: BEGIN)
    with store.transaction() as tx:
        for number, name, role in (
            ("101", "Anna Orlova", "admin"),
            ("102", "Boris Petrov", "user"),
            ("103", "Clara", "user"),
        ):
            _add_user(tx, box, number, name, role)
    store.close()
    return data


def _add_user(tx: Transaction, box: SecretBox, number: str, name: str, role: str) -> None:
    password_hash = QUICK.hash(password_of(number))
    options = {"name": name, "role": role, "password_hash": password_hash, "sip_password": f"pw{number}"}
    add_user(tx, number, box=box, actor="cli:root", **options)


def error_of(answer: TestResponse) -> tuple[int, str]:
    """Status and code of a refusal, whose shape is the one."""
    body = json.loads(answer.text)
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "details"}
    assert re.fullmatch(r"[a-z][a-z-]*", body["error"]["code"])
    assert body["error"]["message"]
    return answer.status_code, body["error"]["code"]
