"""Services, application and Socket.IO, joined: by the process root, and by tests with other threads and times."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, version

from apiflask import APIFlask
from flask_socketio import SocketIO

from config.data import DataFolder
from config.settings import Settings
from pbx.directory.current import CurrentDirectory
from pbx.directory.secrets import SecretBox
from pbx.storage.base import utc_now
from pbx.storage.unit import Store
from web.app import create_app
from web.auth.sessions import Limits
from web.auth.sign_in import SignIn
from web.happenings import DirectoryTaken
from web.live.browsers import Browsers
from web.live.dispatch import Dispatcher
from web.live.gateway import check_sessions, make_socketio, open_gateway
from web.live.rooms import Rooms
from web.services import Ask, Services
from web.threads import Threads


@dataclass(frozen=True, slots=True)
class Web:
    """The parts of a web process that belong together."""

    services: Services
    app: APIFlask
    socketio: SocketIO


def build(
    settings: Settings,
    data: DataFolder,
    store: Store,
    box: SecretBox,
    *,
    threads: Threads,
    ask_engine: Ask,
    now: Callable[[], datetime] = utc_now,
) -> Web:
    """Everything but the listening sockets. Raises DatabaseRefused."""
    events = Dispatcher()
    store.listen(events.put)
    socketio = make_socketio()
    browsers = Browsers()

    def taken(_numbers: Collection[str]) -> None:
        events.put(DirectoryTaken())

    given = Services(
        settings=settings,
        data=data,
        store=store,
        box=box,
        directory_holder=CurrentDirectory(store, None, settings.calls.ring_seconds, taken),
        threads=threads,
        events=events,
        browsers=browsers,
        rooms=Rooms(socketio, browsers),
        limits=Limits(timedelta(hours=settings.web.session_idle_hours), timedelta(days=settings.web.session_days)),
        sign_in=SignIn(store, threads, lambda: now().timestamp()),
        now=now,
        ask_engine=ask_engine,
        version=own_version(),
    )
    app = create_app(given)
    open_gateway(app, socketio, given)
    given.device_uses.listen(given.engine_events)
    # A role or password that changed, here or by the command line, ends sessions; so does a user's end.
    events.on(DirectoryTaken, lambda _: check_sessions(given, socketio))
    return Web(given, app, socketio)


def own_version() -> str:
    """The version of this program."""
    try:
        return version("gorizont")
    except PackageNotFoundError:
        return "0"
