"""A media process: relays the sessions that the engine asks for.

    python -m pbx.media.worker [--data DIR] [--config FILE] --index N

Listens on run/media-N.sock in the data folder. When the engine goes away, the sessions go on: the next engine finds
them here. Started by the supervisor or by systemd, which it tells when it is ready.
"""

import argparse
import asyncio
import logging
import resource
import signal
import sys
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import cast

from config.data import DataFolder
from config.errors import ConfigError
from config.loader import load_settings
from config.settings import Media
from pbx.bus.errors import BadLine
from pbx.bus.lines import Values, decode, encode
from pbx.garbage import LOOK_EVERY as COLLECT_EVERY
from pbx.garbage import QuietCollection, settle
from pbx.log import set_up_logging
from pbx.media.control import HELLO, LOST, MAX_LINE
from pbx.media.errors import MediaError, NotAcceptable
from pbx.media.plane import Loss
from pbx.media.relay.hub import Hub
from pbx.media.relay.leg import Machinery
from pbx.media.relay.ports import Addressing, PortPool, free_everywhere, share
from pbx.media.relay.readiness import RelayLoop
from pbx.media.relay.switchroom import Switchroom
from pbx.supervisor.child import die_with_supervisor, report_ready

LOOK_EVERY = 60.0  # seconds between looks at the machine's addresses
MAX_QUEUED = 8 << 20  # octets that wait for an engine that doesn't read

logger = logging.getLogger(__name__)


class MediaWorker:
    """The process without its process: what `main` runs, and tests run beside themselves.

    `ports` are those of this worker alone; the first that is free is where browsers arrive. Raises MediaUnavailable
    where none is.
    """

    def __init__(
        self,
        loop: RelayLoop,
        path: Path,
        ports: tuple[int, int],
        addresses: Collection[str] = (),
    ) -> None:
        self.path = path
        self._loop = loop
        self._addressing = Addressing(tuple(addresses))
        port = free_everywhere(self._addressing.local(), *ports)
        self._hub = Hub(loop.readiness, port)
        self.pool = PortPool(port + 1, ports[1])
        machinery = Machinery(loop, loop.readiness, self.pool, self._hub, self._addressing)
        self.room = Switchroom(machinery, self._lost)
        self._engines: set[_Engine] = set()
        self._server: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Listens. Raises OSError and MediaError."""
        self._look()
        self.path.unlink(missing_ok=True)  # of a process that was killed; the supervisor starts one of each
        self._server = await self._loop.create_unix_server(lambda: _Engine(self), str(self.path))
        self.path.chmod(0o600)
        self.room.start()

    async def close(self) -> None:
        """Ends all sessions and connections."""
        if self._timer is not None:
            self._timer.cancel()
        if self._server is not None:
            self._server.close()
        for engine in list(self._engines):
            engine.hang_up()
        self.room.close()
        self._hub.close()
        self.path.unlink(missing_ok=True)

    def _look(self) -> None:
        """Follows the addresses of the machine, which come and go."""
        self._timer = self._loop.call_later(LOOK_EVERY, self._look)
        self._hub.listen(self._addressing.local())

    def _lost(self, sessions: Collection[str], loss: Loss) -> None:
        line = encode({"event": LOST, "sessions": list(sessions), "loss": loss.name})
        for engine in self._engines:
            engine.write(line)


class _Engine(asyncio.Protocol):
    """A connection from the engine."""

    def __init__(self, worker: MediaWorker) -> None:
        self._worker = worker
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._worker._engines.add(self)
        self.write(encode({"event": HELLO, "sessions": sorted(self._worker.room.sessions)}))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's signature
        self._transport = None
        self._worker._engines.discard(self)

    def data_received(self, data: bytes) -> None:
        self._received += data
        *lines, rest = self._received.split(b"\n")
        self._received = bytearray(rest)
        if len(rest) > MAX_LINE:
            logger.error("! the engine has sent a line without end")
            self.hang_up()
            return
        for line in lines:
            self._take(bytes(line))

    def write(self, line: bytes) -> None:
        if self._transport is None:
            return
        self._transport.write(line)
        if self._transport.get_write_buffer_size() > MAX_QUEUED:
            logger.error("! the engine doesn't read what it is told")
            self.hang_up()

    def hang_up(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _take(self, line: bytes) -> None:
        try:
            values = dict(decode(line))
            number, what = values.pop("id"), str(values.pop("do"))
        except (BadLine, KeyError) as error:
            logger.error("! the engine has sent what is no request: %r", error)
            self.hang_up()
            return
        try:
            self._worker.room.do(what, values, lambda reply: self._reply(number, reply))
        except MediaError as error:
            self._refuse(number, error)
        except Exception as error:  # the engine's other calls are on the same connection
            logger.exception("! a request to %s can't be carried out", what)
            self._refuse(number, NotAcceptable(f"{what}: {error!r}"))

    def _reply(self, number: object, reply: Values) -> None:
        self.write(encode({"id": number, "reply": reply}))

    def _refuse(self, number: object, error: MediaError) -> None:
        self.write(encode({"id": number, "error": {"code": error.code, "message": error.problem}}))


def ports_of(media: Media, index: int) -> tuple[int, int]:
    """The share of the configured ports that belongs to one worker."""
    return share(media.ports.first, media.ports.last, index, media.workers)


def _raise_file_limit() -> None:
    """Every stream has two sockets, and the usual limit is 1024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _main(loop: RelayLoop, media: Media, data: DataFolder, index: int) -> None:
    worker = MediaWorker(loop, data.media_socket(index), ports_of(media, index), media.address)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await worker.start()
    try:
        settle()
        collection = QuietCollection()

        def look() -> None:
            collection.look()
            loop.call_later(COLLECT_EVERY, look)

        look()
        report_ready()
        await stopped.wait()
    finally:
        await worker.close()


def main() -> int:
    """Runs the process; the exit status is 0 after a clean stop."""
    parser = argparse.ArgumentParser(prog="python -m pbx.media.worker", description="A media process of Gorizont.")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--index", type=int, default=0)
    options = parser.parse_args()
    die_with_supervisor()
    data = DataFolder.locate(options.data)
    try:
        settings = load_settings(data, options.config)
        set_up_logging(f"media-{options.index}", settings.log.level)
        _raise_file_limit()
        if settings.media.sounds is not None:
            # Loads FFmpeg, which others do only when a call has to be transcoded.
            from pbx.media.relay.prompts import use_recorded
            from pbx.media.relay.recorded import read_folder

            use_recorded(read_folder(settings.media.sounds))
        loop = RelayLoop()
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(_main(loop, settings.media, data, options.index))
    except ConfigError as error:
        print(f"media: {error}", file=sys.stderr)
        return 1
    except (OSError, MediaError) as error:
        logger.error("! %s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
