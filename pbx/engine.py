"""The engine: the process that speaks SIP.

    python -m pbx.engine [--data DIR] [--config FILE]

Builds everything below it and joins it. Started by the supervisor or by systemd, which it
tells when it is ready. SIGTERM drains: no new calls, those in progress may end. A second signal, or SIGINT,
ends at once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import resource
import signal
import socket
import ssl
import sys
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvloop
from sqlalchemy import Engine as DatabaseEngine
from sqlalchemy import Table, select

from config.data import DataFolder
from config.errors import ConfigError
from config.loader import load_settings
from config.settings import Settings
from pbx.bus.errors import BusError
from pbx.bus.socket import BusServer
from pbx.calls.anchoring import Anchoring
from pbx.calls.manager import CallManager
from pbx.calls.models import DELETE_LIVE_CALL, LiveCallRow
from pbx.calls.records import DatabaseCallStore, restore
from pbx.calls.switch import CallSettings, Switch
from pbx.clock import LocalClock
from pbx.commands import Commands
from pbx.directory.current import CurrentDirectory
from pbx.directory.errors import SecretsError
from pbx.directory.secrets import SecretBox
from pbx.fairness import Fairness
from pbx.garbage import LOOK_EVERY, QuietCollection, settle
from pbx.health import Health
from pbx.heap import keep_large_blocks_apart
from pbx.log import set_up_logging
from pbx.media.embedded import EmbeddedMedia
from pbx.media.policy import Anchor
from pbx.messages.inbox import SipInbox
from pbx.messages.relay import MessageRelay
from pbx.messages.waiting import WaitingMessages
from pbx.registrar.accounts import Accounts
from pbx.registrar.authenticator import Authenticator
from pbx.registrar.bindings import Binding, Bindings
from pbx.registrar.contacts import Policy
from pbx.registrar.events import Lost, Registered, RegistrationEvent
from pbx.registrar.guard import Guard
from pbx.registrar.nonces import Nonces
from pbx.registrar.persistence import Persistence
from pbx.registrar.reach import route_of
from pbx.registrar.registrar import Registrar
from pbx.storage.engine import open_database
from pbx.storage.errors import StorageError
from pbx.storage.unit import Store
from pbx.storage.writer import WriteBehind
from pbx.supervisor.child import die_with_supervisor, report_ready, report_stopping
from pbx.supervisor.sockets import inherited, listeners
from pbx.switchboard import Switchboard
from pbx.tls import ServerTls
from sip.endpoint import Endpoint
from sip.errors import TransportError
from sip.timers import Timers
from sip.transport.base import DEFAULT_PORT, Address, Flow, LostFlow
from sip.transport.layer import TransportLayer

if TYPE_CHECKING:
    from pbx.media.rtpengine import RtpengineMedia

logger = logging.getLogger(__name__)

SESSIONS_EVERY = 5.0  # s
DIRECTORY_EVERY = 2.0
HEALTH_EVERY = 0.1
MESSAGES_EVERY = 3600.0
DRAINED_EVERY = 0.2
BLOCKS_EVERY = 1.0
CERTIFICATE_EVERY = 60.0

# A phone may be told the machine's name in the place of the domain.
_OWN_NAMES = frozenset((socket.gethostname().lower(), "localhost"))


class Engine:
    """Everything that the process holds, joined."""

    def __init__(self, settings: Settings, data: DataFolder, loop: asyncio.AbstractEventLoop) -> None:
        self.settings = settings
        self._loop = loop
        self._sip_socket = data.sip_socket
        sip = settings.sip
        self.database: DatabaseEngine = open_database(settings.database.url, patience=1.0)
        self.store = Store(self.database)
        self.writer = WriteBehind(self.database)
        box = SecretBox.open(data.storage_key)
        self.directory = CurrentDirectory(self.store, box, settings.calls.ring_seconds, self._directory_changed)
        self.endpoint = Endpoint(loop, timers=Timers(t1=sip.t1))
        self._certificate = ServerTls(sip.certificate, sip.private_key)
        self.layer = TransportLayer(
            self.endpoint,
            server_tls=self._certificate.context,
            client_tls=_client_tls(data),
            inherited=inherited(),
        )
        self.endpoint.network = self.layer
        self.bindings = Bindings()
        self.guard = Guard()
        self._blocked: frozenset[str] = frozenset()
        accounts = Accounts(self.directory.get, box.derive("browser accounts"), time.time)
        authenticator = Authenticator(
            self.directory.get, sip.domain, Nonces(), self.guard, self.bindings, devices=accounts.device
        )
        self.persistence = Persistence(self.writer, self.store)
        self.registrar = Registrar(
            authenticator,
            self.bindings,
            self.persistence,
            self.directory.get,
            sip.domain,
            self._registration_event,
            Policy(sip.expires_min, sip.expires_default, sip.expires_max),
        )
        media = settings.media
        self._own_media = EmbeddedMedia(loop, [data.media_socket(index) for index in range(media.workers)])
        self._media: EmbeddedMedia | RtpengineMedia = self._own_media
        if media.carrier == "rtpengine":
            # Loads FFmpeg, for prompts in files.
            from pbx.media.rtpengine import RtpengineMedia

            self._media = RtpengineMedia(loop, (media.rtpengine.host, media.rtpengine.port), self._own_media)
        self.switch = Switch(
            self.endpoint,
            CallSettings(sip.domain, session_expires=sip.session_expires, min_se=sip.session_min_se),
            directory=self.directory.get,
            bindings_of=lambda number: self.bindings.of(number, time.time()),
            route_of=self._flow_to,
            flow_again=self._flow_again,
            clock=LocalClock(settings.calls.time_zone).now,
            store=DatabaseCallStore(self.writer, loop.call_later, self._publish),
            addresses_us=lambda host: host.lower() in _OWN_NAMES or self.layer.is_ours(host),
            publish=self._publish,
            listened=lambda: self.bus.listening,
            media=self._media,
            anchors=Anchoring(Anchor(media.anchor)),
        )
        self.health = Health(
            self.layer.backlog, lambda: self.writer.error, lambda: len(self.switch.calls), settings.calls.max_calls
        )
        self.fairness = Fairness(sip.stranger_rate, self._known_addresses, time.time)
        self.calls = CallManager(self.switch, authenticator, self.health.refusing)
        waiting = WaitingMessages(
            self.writer,
            time.time,
            keep_seconds=settings.messages.keep_days * 86_400.0,
            most=settings.messages.max_waiting,
        )
        self.waiting = waiting
        has_chat = bool(settings.web.https or settings.web.http)
        inbox = SipInbox(self.writer, self._publish) if has_chat else None
        self.messages = MessageRelay(self.switch, authenticator, waiting, time.time, inbox)
        self.endpoint.user = Switchboard(self.endpoint, self.registrar, self.calls, self.messages, time.time)
        commands = Commands(
            self.directory,
            self.bindings,
            self.guard,
            self.fairness,
            self.switch,
            time.time,
            self._state,
            accounts,
            self.registrar,
            self.messages,
        )
        self.bus = BusServer(settings.bus.socket, "engine", commands.snapshot, commands.table())
        self._stopped = asyncio.Event()
        self._timers: list[asyncio.TimerHandle] = []

    # ---- life

    async def start(self) -> None:
        """Takes up what an earlier engine left, then listens. Raises OSError or BusError when an address is taken."""
        self._own_media.start()
        if self._media is not self._own_media:
            self._media.start()
        await self.layer.listen(listeners(self.settings.sip))
        self._take_up()
        await self.bus.start()
        await self.layer.listen_for_tunnel(self._sip_socket)  # which replaces another engine's: the bus knows of one
        self._every(1.0, self._expire)
        self._every(HEALTH_EVERY, self._look_at_load)
        self._every(BLOCKS_EVERY, self._look_at_blocks)
        self._every(SESSIONS_EVERY, lambda: self.calls.tick(self.endpoint.now()))
        self._every(MESSAGES_EVERY, self.waiting.expire)
        self._every(DIRECTORY_EVERY, self._check_directory)
        self._every(CERTIFICATE_EVERY, self._certificate.look)
        self._every(LOOK_EVERY, QuietCollection().look)

    def _take_up(self) -> None:
        """Bindings, waiting messages and calls in progress, as the database has them."""
        now = time.time()
        registered = self.registrar.load(now, self._flow_between)
        self.waiting.load(self.database)
        self._drop_messages_of_nobody(())
        table = LiveCallRow.__table__
        assert isinstance(table, Table)
        with self.database.connect() as connection:
            rows = connection.execute(select(table)).all()
        for row in rows:
            self._take_up_call(row.call_id, row.state)
        self.switch.recovery.look_over()
        self._media.keep(list(self.switch.edges))
        if registered or rows:
            logger.info("= taken up: %d registrations, %d calls", registered, len(self.switch.calls))

    def _take_up_call(self, call_id: str, state: str) -> None:
        """One call in progress; nothing is left of one that can't be taken up, whatever is wrong with it."""
        legs, edges = self.switch.legs, self.switch.edges
        legs_before, edges_before = set(legs), set(edges)
        try:
            restore(self.switch, json.loads(state), self._flow_of_leg)
        except Exception as error:
            logger.error("! call %s can't be taken up again: %r", call_id, error)
            for leg in legs.keys() - legs_before:
                del legs[leg]
            for edge in edges.keys() - edges_before:
                del edges[edge]
            self.writer.put(DELETE_LIVE_CALL, (call_id,))

    async def run_until_stopped(self) -> None:
        """Returns when the engine is to end."""
        await self._stopped.wait()

    def stop(self, *, drain: bool) -> None:
        """Ends: at once, or once the calls in progress have ended or the time for that is up."""
        if not drain or self.health.draining:
            self._stopped.set()
            return
        self.health.draining = True
        deadline = self._loop.time() + self.settings.calls.drain_seconds
        report_stopping(self.settings.calls.drain_seconds)
        logger.info("= draining: %d calls", len(self.switch.calls))

        def look() -> None:
            if not self.switch.calls or self._loop.time() >= deadline:
                self._stopped.set()
            else:
                self._loop.call_later(DRAINED_EVERY, look)

        look()

    async def close(self) -> None:
        """Closes everything; what was acknowledged is on disk."""
        for timer in self._timers:
            timer.cancel()
        await self.bus.close()
        await self.layer.close()
        self._media.close()
        self._own_media.close()
        await asyncio.to_thread(self.writer.close)
        self.store.close()

    def _every(self, seconds: float, action: Callable[[], object]) -> None:
        slot = len(self._timers)

        def run() -> None:
            self._timers[slot] = self._loop.call_later(seconds, run)
            action()

        self._timers.append(self._loop.call_later(seconds, run))

    # ---- now and then

    def _expire(self) -> None:
        self.registrar.expire(time.time())

    def _look_at_load(self) -> None:
        self.health.look()
        self.layer.guard(self.fairness if self.fairness.look(self.health.backlog) else None)

    def _known_addresses(self) -> set[Address]:
        """Where phones are that have signed in: registered ones, and those in a call."""
        known = {binding.source for binding in self.bindings.all(time.time())}
        return known | {leg.flow.remote for leg in self.switch.legs.values()}

    def _look_at_blocks(self) -> None:
        """Tells others when somebody has to wait from now on, or no longer."""
        now = time.time()
        blocked = frozenset(block.what for block in (*self.guard.blocks(now), *self.fairness.blocks(now)))
        if blocked != self._blocked:
            self._blocked = blocked
            self.bus.publish("blocks.changed", {"blocks": sorted(blocked)})

    def _check_directory(self) -> None:
        self._loop.run_in_executor(None, self.directory.check)

    def _state(self) -> dict[str, Any]:
        """How the engine stands, and what it has counted since the start."""
        return {
            "listening": self.layer.addresses(),
            "refusing": self.health.reason(),
            "refused": self.health.refused,
            "endpoint": self.endpoint.counters,
            "transport": self.layer.counters(),
            "database": {"error": self.writer.error, "rejected": self.writer.rejected},
        }

    def _directory_changed(self, numbers: Collection[str]) -> None:
        self._loop.call_soon_threadsafe(self._drop_removed, numbers)

    def _drop_removed(self, numbers: Collection[str]) -> None:
        self.bus.publish("directory.changed", {"numbers": sorted(numbers)})
        self.registrar.drop_removed(numbers, time.time())
        self._drop_messages_of_nobody(numbers)

    def _drop_messages_of_nobody(self, numbers: Collection[str]) -> None:
        """`numbers` are those whose users may be gone; none means that any may be."""
        for number in numbers or self.waiting.numbers():
            if self.directory.get().user(number) is None:
                self.waiting.drop(number)

    def _publish(self, kind: str, data: Mapping[str, object]) -> None:
        self.bus.publish(kind, data)

    def _registration_event(self, event: RegistrationEvent) -> None:
        if isinstance(event, Registered):
            # After the 200 to its REGISTER has gone out.
            self._loop.call_soon(self.messages.registered, event.number)
            if self.switch.recovery.awaits(event.number):
                self._loop.call_soon(self.switch.recovery.registered, event.number)
        elif isinstance(event, Lost):
            self.switch.recovery.lost(event.number)
        self.bus.publish(
            f"registration.{type(event).__name__.lower()}",
            {"number": event.number, "sip_name": event.sip_name, "contact": event.contact},
        )

    # ---- ways to phones

    def _flow_to(self, binding: Binding) -> Flow | None:
        route = route_of(binding)
        if route is None:
            return None
        if route.flow is not None:
            return route.flow
        port = route.port or DEFAULT_PORT[route.transport]
        return self.layer.flow_to(route.transport, route.host, port, prefer=binding.flow)

    def _flow_again(self, number: str, contact: str) -> Flow | None:
        for binding in self.bindings.of(number, time.time()):
            if contact in (binding.contact, binding.gruu):
                with suppress(TransportError):  # only the phone can connect, and it has not
                    return self._flow_to(binding)
        return None

    def _flow_between(self, transport: str, local: Address, remote: Address) -> Flow | None:
        return self.layer.flow_between(local, remote) if transport == "UDP" else None

    def _flow_of_leg(self, transport: str, host: str, port: int, remote_host: str, remote_port: int) -> Flow:
        flow = self._flow_between(transport, (host, port), (remote_host, remote_port))
        return flow or LostFlow(transport, (host, port), (remote_host, remote_port))


def _client_tls(data: DataFolder) -> ssl.SSLContext:
    """For phones that we connect to: they sign by our authority or by the system's, and have no host names."""
    context = ssl.create_default_context(cafile=data.authority if data.authority.exists() else None)
    context.check_hostname = False
    return context


def _raise_file_limit() -> None:
    """As many open files as the system lets us have: every connection is one, and the usual limit is 1024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _main(settings: Settings, data: DataFolder) -> None:
    loop = asyncio.get_running_loop()
    engine = Engine(settings, data, loop)
    try:
        await engine.start()
        loop.add_signal_handler(signal.SIGTERM, lambda: engine.stop(drain=True))
        loop.add_signal_handler(signal.SIGINT, lambda: engine.stop(drain=False))
        settle()
        # The writer's thread must get at the interpreter soon even when the loop is busy: rows are due on disk.
        sys.setswitchinterval(0.001)
        report_ready()
        await engine.run_until_stopped()
    finally:
        await engine.close()


def main() -> int:
    """Runs the engine; the exit status is 0 after a clean stop."""
    parser = argparse.ArgumentParser(prog="python -m pbx.engine", description="The SIP engine of Gorizont.")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--config", type=Path)
    options = parser.parse_args()
    data = DataFolder.locate(options.data)
    try:
        settings = load_settings(data, options.config)
        set_up_logging("engine", settings.log.level)
        die_with_supervisor()
        keep_large_blocks_apart()
        _raise_file_limit()
        uvloop.run(_main(settings, data))
    except ConfigError as error:
        print(f"engine: {error}", file=sys.stderr)
        return 1
    except (OSError, BusError, SecretsError, StorageError) as error:
        logger.error("! %s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
