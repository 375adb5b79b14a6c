"""The call engine on a wire in memory: everything from the endpoint up is real, as `pbx.engine` joins it."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import create_engine

from pbx.calls.manager import CallManager
from pbx.calls.models import CallRecordRow, LiveCallRow, StoredMessageRow
from pbx.calls.records import DatabaseCallStore, read_event, restore
from pbx.calls.switch import CallSettings, Switch
from pbx.directory.snapshot import Device, Directory
from pbx.health import Health
from pbx.messages.relay import MessageRelay
from pbx.messages.waiting import WaitingMessage, WaitingMessages
from pbx.registrar.authenticator import Authenticator
from pbx.registrar.bindings import Binding, Bindings
from pbx.registrar.events import Lost, Registered, RegistrationEvent
from pbx.registrar.guard import Guard
from pbx.registrar.nonces import Nonces
from pbx.registrar.persistence import Persistence
from pbx.registrar.reach import route_of
from pbx.registrar.registrar import Registrar
from pbx.routing.explain import Happened, explain
from pbx.routing.outcome import Outcome
from pbx.routing.record import from_dict
from pbx.routing.route import RoutePlan
from pbx.storage.statements import Statement
from pbx.storage.unit import Store
from pbx.switchboard import Switchboard
from sip.endpoint import Endpoint
from sip.errors import TransportError
from sip.timers import TimerQueues
from sip.transport.base import DEFAULT_PORT, Address, Flow, LostFlow
from tests.support.clock import FakeClock
from tests.support.phones import Phone
from tests.support.talks import Talk
from tests.support.wire import FakeFlow, Wire
from tests.unit.pbx.routing.office import NOW, office

DOMAIN = "pbx.example"
SERVER: Address = ("192.0.2.1", 5060)
EPOCH = NOW.timestamp() - 1000.0  # the fake clock begins at 1000
SESSIONS_EVERY = 5.0


class MemoryWriter:
    """Keeps the rows that would be written, by table and primary key."""

    def __init__(self) -> None:
        self.error: str | None = None
        self.tables: dict[str, dict[object, tuple[object, ...]]] = {}
        self.written: list[str] = []

    @property
    def healthy(self) -> bool:
        return self.error is None

    def put(self, statement: Statement, parameters: tuple[object, ...]) -> None:
        assert len(parameters) == len(statement.columns)
        self.written.append(statement.table)
        table = self.tables.setdefault(statement.table, {})
        if statement.head.startswith("DELETE"):
            table.pop(parameters[0], None)
        else:
            table[parameters[0]] = parameters

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        return list(self.tables.get(table, {}).values())


@dataclass(frozen=True)
class Record:
    """What was kept of a call that has ended; `story` is its explanation."""

    caller: str
    dialled: str
    answered_by: str | None
    talked: float | None
    outcome: Outcome
    cause: str
    plan: RoutePlan
    events: list[Happened]
    notes: list[str]

    @property
    def outcomes(self) -> list[tuple[str, str]]:
        """Who was rung, and what came of it."""
        return [(event.target, event.outcome.value) for event in self.events]

    @property
    def story(self) -> list[str]:
        return explain(self.plan, self.events)


class Office:
    """An engine with people, and phones for them.

    The people are written as `tests.unit.pbx.routing.office` reads them. A user's first phone signs in by the
    number, further ones by `101-b`, `101-c`.
    """

    def __init__(
        self,
        people: str = "101\n102\n103\n104",
        *,
        settings: CallSettings | None = None,
        server: Address = SERVER,
        most_calls: int = 100,
        **patterns: list[int],
    ) -> None:
        self.clock = FakeClock()
        self.wire = Wire(self.clock, delay=0.001, **patterns)  # type: ignore[arg-type]
        self.server = server
        self.settings = settings or CallSettings(DOMAIN)
        self.directory = _with_phones(office(people))
        self.writer = MemoryWriter()
        self.bindings = Bindings()
        self.backlog = 0.0
        self.most_calls = most_calls
        self.phones: dict[str, Phone] = {}
        self.events: list[RegistrationEvent] = []
        self._build()
        self._every(SESSIONS_EVERY, lambda: self.calls.tick(self.endpoint.now()))
        self._every(0.1, lambda: self.health.look())

    def _build(self) -> None:
        self.endpoint = Endpoint(self.clock)
        self.station = self.wire.attach(self.endpoint, *self.server)
        self.endpoint.network = self.station
        authenticator = Authenticator(lambda: self.directory, DOMAIN, Nonces(), Guard(), self.bindings)
        persistence = Persistence(self.writer, Store(create_engine("sqlite://")))
        self.registrar = Registrar(
            authenticator, self.bindings, persistence, lambda: self.directory, DOMAIN, self._registration
        )
        self.store = DatabaseCallStore(
            self.writer,  # type: ignore[arg-type]  # as much of it as is used
            lambda seconds, callback: self.clock.call_at(self.clock.time() + seconds, callback),
        )
        self.switch = Switch(
            self.endpoint,
            self.settings,
            directory=lambda: self.directory,
            bindings_of=lambda number: self.bindings.of(number, self.now()),
            route_of=self._flow_to,
            flow_again=self._flow_again,
            clock=self.time,
            store=self.store,
            addresses_us=lambda host: host == self.server[0],
        )
        self.health = Health(
            lambda: self.backlog, lambda: self.writer.error, lambda: len(self.switch.calls), self.most_calls
        )
        self.calls = CallManager(self.switch, authenticator, self.health.refusing)
        self.waiting = WaitingMessages(self.writer, self.now, keep_seconds=86_400.0, most=3)
        self.messages = MessageRelay(self.switch, authenticator, self.waiting, self.now)
        self.endpoint.user = Switchboard(self.endpoint, self.registrar, self.calls, self.messages, self.now)

    # ---- time

    def now(self) -> float:
        """Seconds of the Unix epoch."""
        return EPOCH + self.clock.time()

    def time(self) -> datetime:
        return NOW + timedelta(seconds=self.clock.time() - 1000.0)

    def run(self, seconds: float) -> None:
        """Lets time pass."""
        self.clock.advance(seconds)

    def _every(self, seconds: float, action: Any) -> None:
        def run() -> None:
            action()
            self.clock.call_at(self.clock.time() + seconds, run)

        self.clock.call_at(self.clock.time() + seconds, run)

    def obey(self, people: str) -> None:
        """The directory changes to this."""
        self.directory = replace(_with_phones(office(people)), version=self.directory.version + 1)

    def rename(self, number: str, name: str) -> None:
        user = replace(self.directory.users[number], name=name)
        self.directory = self.directory.with_changes(self.directory.version + 1, users={number: user})

    # ---- phones

    def phone(
        self, name: str, *, transport: str = "UDP", registers: bool = True, host: str = "", **headers: str
    ) -> Phone:
        """A phone that signs in as `name`, registered unless the test says otherwise."""
        place = len(self.phones) + 10
        host = host or (f"2001:db8::{place}" if ":" in self.server[0] else f"192.0.2.{place}")
        phone = Phone(self.wire, host, 5060 + place, server=self.server, domain=DOMAIN, name=name, transport=transport)
        self.phones[name] = phone
        if registers:
            assert phone.register().status == 200
        return phone

    def three(self) -> tuple[Phone, Phone, Phone]:
        return self.phone("101"), self.phone("102"), self.phone("103")

    def two(self) -> tuple[Phone, Phone]:
        return self.phone("101"), self.phone("102")

    # ---- what the engine knows

    @property
    def records(self) -> list[Record]:
        """The calls that have ended, in order."""
        rows = [dict(zip(_columns(CallRecordRow), row, strict=True)) for row in self.writer.rows("call_records")]
        return [_record(row) for row in rows]

    @property
    def record(self) -> Record:
        (record,) = self.records
        return record

    @property
    def live(self) -> list[dict[str, Any]]:
        """The calls in progress, as they are stored."""
        rows = [dict(zip(_columns(LiveCallRow), row, strict=True)) for row in self.writer.rows("live_calls")]
        return [json.loads(row["state"]) for row in rows]

    @property
    def stored_messages(self) -> list[bytes]:
        place = _columns(StoredMessageRow).index("body")
        return [row[place] for row in self.writer.rows("stored_messages")]

    def restart(self) -> None:
        """The engine dies, and another takes up what is stored: all connections are gone."""
        self.run(0.1)  # what was acknowledged is on disk by then
        if self.endpoint._armed is not None:
            self.endpoint._armed.cancel()
        self.endpoint._queues = TimerQueues()
        for phone in self.phones.values():
            if phone.flow.reliable:
                self.wire.cut(phone.flow)
        stored, kept = self.live, self.writer.rows("stored_messages")
        self._build()
        columns = _columns(StoredMessageRow)[: len(fields(WaitingMessage))]
        for row in kept:
            self.waiting.put_back(WaitingMessage(**dict(zip(columns, row, strict=False))))
        for state in stored:
            restore(self.switch, state, self._flow_of_leg)
        self.switch.recovery.look_over()

    # ---- as pbx.engine does it

    def _registration(self, event: RegistrationEvent) -> None:
        self.events.append(event)
        if isinstance(event, Registered):
            self.clock.call_at(self.clock.time(), lambda: self.messages.registered(event.number))
            if self.switch.recovery.awaits(event.number):
                self.clock.call_at(self.clock.time(), lambda: self.switch.recovery.registered(event.number))
        elif isinstance(event, Lost):
            self.switch.recovery.lost(event.number)

    def _flow_to(self, binding: Binding) -> Flow | None:
        route = route_of(binding)
        if route is None or route.flow is not None:
            return None if route is None else route.flow
        if route.transport in ("WS", "WSS"):
            raise TransportError("only the peer can connect")
        port = route.port or DEFAULT_PORT[route.transport]
        return self.station.flow_to(route.transport, route.host, port, prefer=binding.flow)

    def _flow_again(self, number: str, contact: str) -> Flow | None:
        for binding in self.bindings.of(number, self.now()):
            if contact in (binding.contact, binding.gruu):
                with suppress(TransportError):
                    return self._flow_to(binding)
        return None

    def _flow_of_leg(self, transport: str, host: str, port: int, remote_host: str, remote_port: int) -> Flow:
        if transport == "UDP":
            return FakeFlow(self.wire, "UDP", (host, port), (remote_host, remote_port))
        return LostFlow(transport, (host, port), (remote_host, remote_port))


def _columns(model: Any) -> list[str]:
    return [column.name for column in model.__table__.columns]


def _record(row: dict[str, Any]) -> Record:
    events = [read_event(event) for event in json.loads(row["events"])]
    answered = row["answered_at"]
    return Record(
        row["caller"],
        row["dialled"],
        row["answered_by"],
        None if answered is None else round(row["ended_at"] - answered, 1),
        Outcome(row["outcome"]),
        row["cause"],
        from_dict(json.loads(row["plan"])),
        [event for event in events if isinstance(event, Happened)],
        [event.text for event in events if not isinstance(event, Happened)],
    )


def _with_phones(people: Directory) -> Directory:
    names = {number: f"User {number}" for number in people.users}
    users = {number: replace(user, name=names[number]) for number, user in people.users.items()}
    devices = {}
    for number in people.users:
        for name in (number, f"{number}-b", f"{number}-c"):
            devices[name] = Device(name, number, "phone", f"secret-{name}")
    return replace(people, users=users, devices=devices)


def connected(caller: Phone, callee: Phone) -> tuple[Talk, Talk]:
    """A call between two phones that talk: as the caller and as the callee has it."""
    call = caller.call(callee.number)
    ring = callee.rung()
    ring.ring()
    ring.answer()
    assert call.live
    assert ring.acks
    return call, ring
