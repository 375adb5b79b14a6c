"""What views and live events work with, joined once by the process root.

In a view: `services().read(...)`, `services().act(...)`; see `web.api` for the pattern.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any, TypeVar, cast

from flask import current_app
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from config.data import DataFolder
from config.settings import Settings
from pbx.bus.client import call
from pbx.bus.errors import BusError, NotRunning
from pbx.bus.lines import Values
from pbx.directory.current import CurrentDirectory
from pbx.directory.events import DirectoryChanged
from pbx.directory.secrets import SecretBox
from pbx.directory.snapshot import Directory
from pbx.storage.errors import DatabaseRefused
from pbx.storage.unit import Store, Transaction
from web.auth.uses import SessionUses
from web.calls_index import CallsIndex
from web.device_uses import DeviceUses
from web.live.browser_phones import BrowserPhones
from web.live.browsers import Browsers
from web.live.chat_members import ChatMembers
from web.live.chat_writer import ChatWriter
from web.live.dispatch import Dispatcher
from web.live.engine_events import EngineEvents
from web.live.presence import LivePresence
from web.live.rooms import Rooms
from web.looks import Looks
from web.pace import Pace
from web.provisioning import Tickets
from web.threads import Threads
from web.untold import Untold

if TYPE_CHECKING:
    from web.auth.sessions import Limits
    from web.auth.sign_in import SignIn

logger = logging.getLogger(__name__)

T = TypeVar("T")
Ask = Callable[[str, Mapping[str, object]], Values]

KEY = "gorizont"
ENGINE_PATIENCE = 5.0  # seconds


@dataclass
class Services:
    """Everything below the web process. `ask_engine` gives a command to the engine and waits for the reply."""

    settings: Settings
    data: DataFolder
    store: Store
    box: SecretBox
    directory_holder: CurrentDirectory
    threads: Threads
    events: Dispatcher
    rooms: Rooms
    limits: Limits
    sign_in: SignIn
    now: Callable[[], datetime]
    ask_engine: Ask
    version: str
    calls_index: CallsIndex = field(default_factory=CallsIndex)
    engine_events: EngineEvents = field(default_factory=EngineEvents)
    untold: Untold = field(default_factory=Untold)
    browser_phones: BrowserPhones = field(init=False)
    device_uses: DeviceUses = field(init=False)
    session_uses: SessionUses = field(init=False)
    tickets: Tickets = field(init=False)
    browsers: Browsers = field(default_factory=Browsers)
    presence: LivePresence = field(init=False)
    pace: Pace = field(init=False)
    looks: Looks = field(init=False)
    chat: ChatWriter = field(init=False)
    chat_members: ChatMembers = field(init=False)

    engine_metrics: tuple[datetime, list[str]] | None = None  # when the engine was asked, and what it said
    started_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.started_at = self.now()
        self.device_uses = DeviceUses(self.act, self.now)
        self.tickets = Tickets(self.now)
        self.chat = ChatWriter(self.store, self.threads)
        self.browser_phones = BrowserPhones(self.ask_engine, lambda: self.now().timestamp(), self.chat.after)
        self.presence = LivePresence(self.rooms, lambda: self.now().timestamp(), self.chat.after)
        self.session_uses = SessionUses(self.act, self.chat.after)
        self.looks = Looks(self.act, self.now)
        self.pace = Pace(self.settings.web.changes_per_second)
        self.chat_members = ChatMembers(self.read)

    # ---- the database, from the loop

    def read(self, query: Callable[[Session], T]) -> T:
        """What `query(session)` returns, run in a database thread; nothing may be changed in it.

        Rows that it returns are detached: load what is needed inside. Raises DatabaseRefused.
        """

        def work() -> T:
            with self.store.reading() as session:
                return query(session)

        return self.threads.run(work)

    def act(self, action: Callable[[Transaction], T]) -> T:
        """Runs `action(tx)` as one transaction in a database thread, and returns what it returned.

        Its events reach the handlers of `events` after the commit. A change of the directory is in force in the engine
        when this returns. The action may run twice: where PostgreSQL let somebody else make the same row between its
        look and its write, it looks again. Raises what the action raises, and DatabaseRefused.
        """

        def work() -> tuple[T, list[object]]:
            with self.store.transaction() as tx:
                result = action(tx)
            return result, tx.events

        def work_again() -> tuple[T, list[object]]:
            try:
                return work()
            except IntegrityError:
                return work()

        result, events = self.threads.run(work_again)
        self.take_over(number for event in events if isinstance(event, DirectoryChanged) for number in event.numbers)
        return result

    # ---- the directory

    @property
    def directory(self) -> Directory:
        """The people and groups that are in force, in memory; without devices."""
        return self.directory_holder.get()

    def take_over(self, numbers: Iterable[str]) -> None:
        """Puts a change of the directory in force, here and in the engine."""
        changed = list(dict.fromkeys(numbers))
        if not changed:
            return
        try:
            self.threads.run(lambda: self.directory_holder.refresh(changed))
        except DatabaseRefused as error:  # it is looked for again in a moment
            logger.warning("! the directory could not be read again: %s", error)
        try:
            self.ask_engine("directory.changed", {"numbers": changed})
        except NotRunning:
            pass  # it reads everything when it starts
        except BusError as error:
            logger.warning("! a change of the directory is stored, but not in force yet: %s", error)

    def name_of(self, number: str) -> str:
        """A user's name, "" where nobody here has the number."""
        user = self.directory.user(number)
        return user.name if user is not None else ""

    # ---- time

    @property
    def zone(self) -> tzinfo | None:
        """The time zone that forwarding rules mean; None is the machine's own."""
        return self.settings.calls.time_zone

    def local_now(self) -> datetime:
        """The time in that zone."""
        return self.now().astimezone(self.zone) if self.zone is not None else self.now().astimezone()


def engine_at(settings: Settings) -> Ask:
    """Asks the engine of an installation. Raises BusError."""
    path = settings.bus.socket

    def ask(command: str, data: Mapping[str, object]) -> Values:
        return call(path, command, data, ENGINE_PATIENCE)

    return ask


def services() -> Services:
    """Those of the application that handles this request."""
    return cast(Services, current_app.extensions[KEY])


def attach(app: Any, given: Services) -> None:
    """Makes services known to an application."""
    app.extensions[KEY] = given
