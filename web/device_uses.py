"""When each phone was last heard of: gathered from what the engine tells, noted a few seconds later.

The engine keeps a registration as long as it holds, and forgets it then. What a person wants to know of a phone that
is off is which one it was and since when it is silent, so that is kept beside the device.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from pbx.bus.lines import Values
from pbx.directory.uses import AT_ONCE, Use, note_ends, note_uses
from pbx.registrar.models import BindingRow
from pbx.storage.unit import Transaction
from web.live.engine_events import EngineEvents

BROWSER_ACCOUNT = "-web-"  # in the SIP names of pages, which are no devices
LOOK_EVERY = timedelta(minutes=10)  # how exactly it is known when a phone fell silent that did not say so


class DeviceUses:
    """Hears of registrations, and notes them when `note` is called.

    Args:
        act: runs an action as one transaction.
        now: the time.
    """

    def __init__(self, act: Callable[[Callable[[Transaction], None]], None], now: Callable[[], datetime]) -> None:
        self._act = act
        self._now = now
        self._came: dict[str, datetime | None] = {}  # since when, None: longer than we know
        self._went: dict[str, datetime] = {}
        self._looked_at: datetime | None = None

    def listen(self, events: EngineEvents) -> None:
        """Begins to hear."""
        events.on("snapshot", self._start_anew)
        events.on("registration.registered", self._registered)
        events.on("registration.unregistered", self._ended)
        events.on("registration.lost", self._ended)

    def note(self) -> None:
        """Writes what was heard since the last time; now and then, when every phone registered last."""
        now = self._now()
        looks = self._looked_at is None or now - self._looked_at >= LOOK_EVERY
        came, went = self._came, self._went
        if not (came or went or looks):
            return
        self._came, self._went = {}, {}

        def write(tx: Transaction) -> None:
            for rows in _bindings(tx.session, None if looks else list(came)):
                note_uses(tx, [_use(row, came.get(row.sip_name)) for row in rows])
            note_ends(tx, went)

        try:
            self._act(write)
        except Exception:
            self._came, self._went = {**came, **self._came}, {**went, **self._went}
            raise
        if looks:
            self._looked_at = now

    def _start_anew(self, data: Values) -> None:
        """Registrations that were there before we listened."""
        for one in data["registrations"]:
            if one["flow"] == "open" and BROWSER_ACCOUNT not in one["sip_name"]:
                self._came.setdefault(str(one["sip_name"]), None)

    def _registered(self, data: Values) -> None:
        if BROWSER_ACCOUNT not in data["sip_name"]:
            self._came[str(data["sip_name"])] = self._now()

    def _ended(self, data: Values) -> None:
        if BROWSER_ACCOUNT not in data["sip_name"]:
            self._went[str(data["sip_name"])] = self._now()


def _bindings(session: Session, names: Sequence[str] | None) -> Iterator[list[Row[Any]]]:
    """The last binding of each of these accounts, or of all, in lists of bounded length."""
    query = select(BindingRow.sip_name, BindingRow.user_agent, BindingRow.flow, BindingRow.updated_at)
    query = query.order_by(BindingRow.updated_at)
    if names is None:
        devices = query.where(~BindingRow.sip_name.contains(BROWSER_ACCOUNT, autoescape=True))
        yield _last(session.execute(devices))
        return
    for start in range(0, len(names), AT_ONCE):
        yield _last(session.execute(query.where(BindingRow.sip_name.in_(names[start : start + AT_ONCE]))))


def _last(rows: Iterable[Row[Any]]) -> list[Row[Any]]:
    """Of each account the last row."""
    return list({row.sip_name: row for row in rows}.values())


def _use(row: Row[Any], began_at: datetime | None) -> Use:
    transport, _, ends = row.flow.partition(" ")
    address = ends.rpartition(" ")[2].rpartition(":")[0].strip("[]")
    seen_at = datetime.fromtimestamp(row.updated_at, UTC)
    return Use(row.sip_name, row.user_agent or "", address, transport, began_at, seen_at)
