"""The web process of a server under test, and people who use it: HTTP by requests, Socket.IO by python-socketio.

    with WebProcess(folder, users=["101", "102"]) as web:
        anna = web.sign_in("101")
        anna.get("/people")
        with anna.listen() as ears:
            ears.wait_for_presence("102", "available")

`WebProcess` runs `python -m web.server` alone; without an engine the API says so where it needs one. For the whole
server, use `tests.support.server.Server`, and `Browser(server.https, server.data.authority, ...)`.
"""

import ssl
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests
import socketio
from argon2 import PasswordHasher

from config.data import DataFolder
from config.loader import load_settings
from pbx.directory.secrets import SecretBox
from pbx.directory.users import add_user
from pbx.first_start import prepare
from pbx.storage.base import utc_now
from pbx.storage.engine import open_database
from pbx.storage.unit import Store
from tests.support.ports import free_port
from tests.support.processes import PeerError, Process

COOKIE = "__Host-gorizont"
HEADER = "X-Gorizont"
PATIENCE = 10.0  # seconds
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # the hash itself says how it was made


def web_password(number: str) -> str:
    """The password for the web of a user that a test made."""
    return f"secret of {number}"


class Browser:
    """Somebody at a browser.

    Args:
        place: host and port of HTTPS, as "127.0.0.1:8443".
        authority: the certificate that the server's is checked by.
        number: whose browser it is.
    """

    def __init__(self, place: str, authority: Path, number: str | None = None) -> None:
        self.place = place
        self.origin = f"https://{place}"
        self.number = number
        self.authority = authority
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.verify = str(authority)
        self.http.headers.update({HEADER: "1", "Origin": self.origin})

    def sign_in(self, password: str | None = None, **more: object) -> Self:
        """Raises AssertionError where the server refuses."""
        assert self.number is not None
        body = {"user": self.number, "password": password or web_password(self.number), **more}
        answer = self.post("/session", **body)
        assert answer.status_code == 200, answer.text
        return self

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """A path that does not begin at the root is one of the API."""
        full = path if path.startswith(("/api/", "//")) else f"/api/v1{path}"
        return self.http.request(method, self.origin + full.replace("//", "/", 1), timeout=PATIENCE, **options)

    def get(self, path: str, **query: Any) -> requests.Response:
        return self.request("GET", path, params=query)

    def post(self, path: str, **body: Any) -> requests.Response:
        return self.request("POST", path, json=body)

    def put(self, path: str, **body: Any) -> requests.Response:
        return self.request("PUT", path, json=body)

    def patch(self, path: str, **body: Any) -> requests.Response:
        return self.request("PATCH", path, json=body)

    def delete(self, path: str) -> requests.Response:
        return self.request("DELETE", path)

    @property
    def token(self) -> str:
        """The session's token."""
        return str(self.http.cookies.get(COOKIE))

    def listen(self, *, reconnection: bool = False) -> "Ears":
        """A Socket.IO connection of this browser."""
        return Ears(self, reconnection=reconnection)


class Ears:
    """What a browser hears. Events are kept in the order in which they came."""

    def __init__(self, browser: Browser, *, reconnection: bool = False) -> None:
        self._changed = threading.Condition()
        self._events: list[dict[str, Any]] = []
        self.ended = False
        session = requests.Session()
        session.trust_env = False
        session.verify = str(browser.authority)
        self.client = socketio.Client(reconnection=reconnection, http_session=session, handle_sigint=False)
        self.client.on("event", self._hear)
        self.client.on("disconnect", self._end)
        context = ssl.create_default_context(cafile=str(browser.authority))
        self.client.eio.websocket_extra_options["sslopt"] = {"context": context}
        self.client.connect(
            browser.origin,
            transports=["websocket"],
            headers={"Cookie": f"{COOKIE}={browser.token}"},  # websocket-client adds the Origin
            wait_timeout=PATIENCE,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.client.disconnect()

    @property
    def events(self) -> list[dict[str, Any]]:
        """All events so far, each {seq, type, data}."""
        with self._changed:
            return list(self._events)

    def wait_for(self, kind: str, *, timeout: float = PATIENCE, since: int = 0, **data: object) -> dict[str, Any]:
        """The first event of this type (from number `since` on) whose data has these values. Raises PeerError."""
        return self.wait_until(
            lambda event: event["type"] == kind and all(event["data"].get(name) == data[name] for name in data),
            what=f"{kind} with {data}",
            timeout=timeout,
            since=since,
        )

    def wait_for_presence(
        self, number: str, presence: str, *, timeout: float = PATIENCE, since: int = 0
    ) -> dict[str, Any]:
        """The first event (from number `since` on) that tells so of somebody. Raises PeerError."""

        def tells(event: dict[str, Any]) -> bool:
            people = event["data"]["people"] if event["type"] == "presence.changed" else []
            return any((one["number"], one["presence"]) == (number, presence) for one in people)

        return self.wait_until(tells, what=f"{number} {presence}", timeout=timeout, since=since)

    def wait_until(
        self, wanted: Callable[[dict[str, Any]], bool], *, what: str, timeout: float = PATIENCE, since: int = 0
    ) -> dict[str, Any]:
        """The first event that is wanted. Raises PeerError at the deadline."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                for event in self._events[since:]:
                    if wanted(event):
                        return event
                if not self._changed.wait(deadline - time.monotonic()):
                    raise PeerError(f"no {what} in {timeout:g} s, but {self._events[since:]}")

    def wait_ended(self, *, timeout: float = PATIENCE) -> None:
        """Waits until the server ends the connection. Raises PeerError."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not self.ended:
                if not self._changed.wait(deadline - time.monotonic()):
                    raise PeerError(f"still connected after {timeout:g} s")

    def ask(self, name: str, body: Mapping[str, object]) -> dict[str, Any]:
        """A request and its acknowledgement."""
        answer: dict[str, Any] = self.client.call(name, dict(body), timeout=PATIENCE)
        return answer

    def _hear(self, event: dict[str, Any]) -> None:
        with self._changed:
            self._events.append(event)
            self._changed.notify_all()

    def _end(self, *_reason: object) -> None:
        with self._changed:
            self.ended = True
            self._changed.notify_all()


class WebProcess:
    """`python -m web.server` with a data folder of its own.

    Args:
        folder: an empty folder.
        users: numbers that exist from the start, the first of them an admin; each signs in by `web_password`.
        settings: further sections of the configuration, as TOML text.
    """

    def __init__(self, folder: Path, *, users: Sequence[str] = (), settings: str = "") -> None:
        self.folder = folder
        self.data = DataFolder(folder / "data")
        self.https = f"127.0.0.1:{free_port()}"
        self.http = f"127.0.0.1:{free_port()}"
        folder.mkdir(parents=True, exist_ok=True)
        self.data.create()
        lines = ['[sip]\ndomain = "office.test"', f'[web]\nhttps = "{self.https}"\nhttp = "{self.http}"', settings]
        self.data.config_file.write_text("\n".join(lines))
        self.settings = load_settings(self.data, environ={})
        prepare(self.data, self.settings, utc_now())
        self.store = Store(open_database(self.settings.database.url))
        self._box = SecretBox.open(self.data.storage_key)
        self.process: Process | None = None
        for place, number in enumerate(users):
            self.add_user(number, role="user" if place else "admin")

    def add_user(self, number: str, *, role: str = "user", name: str | None = None) -> None:
        with self.store.transaction() as tx:
            add_user(
                tx,
                number,
                box=self._box,
                actor="test",
                name=name or f"User {number}",
                role=role,
                password_hash=QUICK.hash(web_password(number)),
                sip_password=f"pw{number}",
            )

    def start(self) -> Self:
        """Starts it and waits until it is ready."""
        program = [sys.executable, "-m", "web.server", "--data", str(self.data.root)]
        root = Path(__file__).parents[2]
        environment = {"PYTHONPATH": str(root), "GORIZONT_LOG__LEVEL": "debug"}
        self.process = Process(program, name="web", folder=self.folder, environment=environment).start()
        self.process.wait_for("= ready", timeout=30)
        return self

    def stop(self) -> None:
        if self.process is not None:
            self.process.stop()
            self.process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self.store.close()

    def browser(self, number: str | None = None) -> Browser:
        """A browser in which nobody is signed in yet."""
        return Browser(self.https, self.data.authority, number)

    def sign_in(self, number: str) -> Browser:
        """A browser in which this user is signed in."""
        return self.browser(number).sign_in()
