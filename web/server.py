"""The web process.

    python -m web.server [--data DIR] [--config FILE]

HTTPS for browsers, with the API, Socket.IO and the SIP tunnel on one origin; plain HTTP leads there. Started by the
supervisor or by systemd, which it tells when it is ready. SIGTERM lets requests in progress end, SIGINT stops at once.
"""

import sys

from gevent import monkey

monkey.patch_all()

# Socket.IO's client, which this process is not, takes these along wherever they happen to be installed: 5 MB.
sys.modules.update(dict.fromkeys(("requests", "websocket")))  # type: ignore[arg-type]  # None: can't be imported

# Everything below is imported patched, so the order is meant.
import argparse  # noqa: E402
import logging  # noqa: E402
import resource  # noqa: E402
import signal  # noqa: E402
from collections.abc import Callable, Sequence  # noqa: E402
from contextlib import suppress  # noqa: E402
from pathlib import Path  # noqa: E402

import gevent  # noqa: E402
from gevent.event import Event  # noqa: E402

from config.data import DataFolder  # noqa: E402
from config.errors import ConfigError  # noqa: E402
from config.loader import load_settings  # noqa: E402
from config.settings import Settings  # noqa: E402
from pbx.directory.errors import DirectoryError  # noqa: E402
from pbx.directory.secrets import SecretBox  # noqa: E402
from pbx.garbage import LOOK_EVERY, QuietCollection, settle  # noqa: E402
from pbx.log import set_up_logging  # noqa: E402
from pbx.storage.engine import open_database  # noqa: E402
from pbx.storage.errors import StorageError  # noqa: E402
from pbx.storage.unit import Store  # noqa: E402
from pbx.supervisor.child import die_with_supervisor, report_ready  # noqa: E402
from pbx.tls import ServerTls  # noqa: E402
from web.auth.sessions import forget_ended  # noqa: E402
from web.building import Web, build  # noqa: E402
from web.listening import Listener, http_server, https_server  # noqa: E402
from web.live.chat_worker import WorkerNews  # noqa: E402
from web.live.gateway import check_sessions, end_all_connections, note_uses  # noqa: E402
from web.proxies import Proxies  # noqa: E402
from web.services import engine_at  # noqa: E402
from web.sip_tunnel import end_all as end_tunnels  # noqa: E402
from web.threads import GeventThreads  # noqa: E402

logger = logging.getLogger(__name__)

DIRECTORY_EVERY = 1.0  # seconds
CERTIFICATE_EVERY = 10.0
SESSIONS_EVERY = 60.0
NOTE_USES_EVERY = 600.0
DEVICES_EVERY = 3.0
FORGET_EVERY = 3600.0
LAST_REQUESTS = 5.0  # seconds that requests in progress have at a stop


class Server:
    """Everything that the process holds, joined."""

    def __init__(self, settings: Settings, data: DataFolder) -> None:
        self.settings = settings
        self._threads = GeventThreads()
        self._store = Store(open_database(settings.database.url))
        self.web: Web = build(
            settings,
            data,
            self._store,
            SecretBox.open(data.storage_key),
            threads=self._threads,
            ask_engine=engine_at(settings),
        )
        self._sip_socket = data.sip_socket
        self._tls = ServerTls(settings.sip.certificate, settings.sip.private_key)
        self._tls.context.set_alpn_protocols(["http/1.1"])
        self._listeners: list[Listener] = []
        self._stopped = Event()

    def start(self) -> None:
        """Listens, and begins to follow what happens. Raises OSError when an address is taken."""
        driver = self.web.socketio.server.eio._async["websocket"].__module__
        # simple-websocket cuts large frames short under gevent; it is taken where gevent-websocket is missing.
        assert driver == "engineio.async_drivers.gevent", f"the WebSocket driver is {driver}"
        web = self.settings.web
        app, sip, proxies = self.web.app, self._sip_socket, Proxies(web.trusted_proxies)
        for address in web.https:
            server = https_server(address, app, self._tls.context, sip, proxies)
            server.start()
            self._listeners.append(server)
        port = self._listeners[0].server_port if self._listeners else 0
        for address in web.http:
            server = http_server(address, app, port, sip, proxies)
            server.start()
            self._listeners.append(server)
        given, socketio = self.web.services, self.web.socketio
        given.events.start()
        gevent.spawn(given.engine_events.follow, self.settings.bus.socket)
        gevent.spawn(WorkerNews(given).follow)
        self._every(DIRECTORY_EVERY, lambda: self._threads.run(given.directory_holder.check))
        self._every(CERTIFICATE_EVERY, self._tls.look)
        self._every(SESSIONS_EVERY, lambda: check_sessions(given, socketio))
        self._every(NOTE_USES_EVERY, lambda: note_uses(given))
        self._every(DEVICES_EVERY, given.device_uses.note)
        self._every(LOOK_EVERY, QuietCollection().look)
        self._every(FORGET_EVERY, lambda: given.act(lambda tx: forget_ended(tx, given.limits)))

    def run_until_stopped(self) -> None:
        """Returns when the process is to end."""
        self._stopped.wait()

    def stop(self) -> None:
        """Ends soon: nothing new is taken."""
        self._stopped.set()

    def close(self, *, patience: float) -> None:
        """Closes everything; requests in progress have `patience` seconds."""
        for listener in self._listeners:
            listener.stop_taking()
        end_tunnels()
        gevent.spawn(end_all_connections, self.web.socketio).join(patience)
        gevent.joinall([gevent.spawn(listener.stop, patience) for listener in self._listeners])
        self._store.close()

    def _every(self, seconds: float, action: Callable[[], object]) -> None:
        def run() -> None:
            while True:
                gevent.sleep(seconds)
                try:
                    action()
                except StorageError as error:
                    logger.warning("! %s", error)
                except Exception:
                    logger.exception("! a chore failed")

        gevent.spawn(run)


def _tell_of_defects() -> None:
    """Has what goes wrong in a greenlet told in the log's own form, rather than as a traceback on standard error."""

    def tell(context: object, kind: type[BaseException], error: BaseException, trace: object) -> None:
        del context, kind, trace
        logger.error("! a greenlet failed", exc_info=error)

    gevent.get_hub().print_exception = tell


def _raise_file_limit() -> None:
    """As many open files as the system lets us have: every browser is one, and the usual limit is 1024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _run(settings: Settings, data: DataFolder) -> None:
    gevent.config.track_greenlet_tree = False  # nobody asks what has spawned what, and each would keep it
    server = Server(settings, data)
    patience = LAST_REQUESTS
    try:
        server.start()

        def at_once() -> None:
            nonlocal patience
            patience = 0.0
            server.stop()

        gevent.signal_handler(signal.SIGTERM, server.stop)
        gevent.signal_handler(signal.SIGINT, at_once)
        settle(middle=20)
        logger.info("= ready: %s", ", ".join(map(str, settings.web.https)) or "nowhere")
        report_ready()
        server.run_until_stopped()
    finally:
        server.close(patience=patience)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the web process; the exit status is 0 after a clean stop."""
    parser = argparse.ArgumentParser(prog="python -m web.server", description="The web server of Gorizont.")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--config", type=Path)
    options = parser.parse_args(arguments)
    die_with_supervisor()
    data = DataFolder.locate(options.data)
    try:
        settings = load_settings(data, options.config)
        set_up_logging("web", settings.log.level)
        _raise_file_limit()
        _tell_of_defects()
        _run(settings, data)
    except ConfigError as error:
        print(f"web: {error}", file=sys.stderr)
        return 1
    except (OSError, StorageError, DirectoryError) as error:
        logger.error("! %s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
