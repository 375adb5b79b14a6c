"""The carrier that asks media processes of our own: the engine's side of their sockets.

A session belongs to one process for its life; a new one goes to the process that has the fewest. A connection that
breaks is made again at once. If the process lives, its sessions are still there; if it died, they are lost, and
that is said.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from pbx.bus.errors import BadLine
from pbx.bus.lines import decode, encode
from pbx.media.control import MAX_LINE, read_statistics, sdp_bytes, sdp_text
from pbx.media.errors import MediaError, MediaUnavailable, UnknownSession, media_error
from pbx.media.plane import Described, Loss, Lost, Measured, MediaProfile, Played

PATIENCE = 5.0  # seconds for a reply; a process answers within milliseconds or is stuck
RETRY = 0.1  # seconds between tries to reach a process; doubles
RETRY_MAX = 2.0
AWAY = 3.0  # seconds that a process may be out of reach before its sessions count as lost

logger = logging.getLogger(__name__)

Values = Mapping[str, Any]
Reply = Callable[[Values | MediaError], None]


class EmbeddedMedia:
    """The media plane by processes of our own (a `MediaPlane`).

    `sockets` are those of the processes. Lives in one event loop, where everything is called.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, sockets: Sequence[Path]) -> None:
        self.on_lost: Lost = _unheard
        self._where: dict[str, _Process] = {}
        self._processes = [_Process(loop, path, self) for path in sockets]
        self._wanted: frozenset[str] | None = None  # what `keep` asked for, until every process has been asked

    def start(self) -> None:
        """Begins to look for the processes, for as long as this lives."""
        for process in self._processes:
            process.connect()

    def close(self) -> None:
        """Leaves the processes with what they do; the next engine takes them over."""
        for process in self._processes:
            process.close()

    # ---- the verbs

    def offer(
        self,
        session: str,
        sdp: bytes,
        *,
        source: str,
        target: str,
        profile: MediaProfile,
        done: Described,
        source_host: str = "",
        target_host: str = "",
    ) -> None:
        values = {
            "sdp": sdp_text(sdp),
            "source": source,
            "target": target,
            "profile": profile.value,
            "source_host": source_host,
            "target_host": target_host,
        }
        self._describe("offer", session, values, done, opens=True)

    def answer(
        self, session: str, sdp: bytes, *, source: str, target: str, done: Described, source_host: str = ""
    ) -> None:
        values = {"sdp": sdp_text(sdp), "source": source, "target": target, "source_host": source_host}
        self._describe("answer", session, values, done)

    def echo(self, session: str, sdp: bytes, *, source: str, done: Described, source_host: str = "") -> None:
        values = {"sdp": sdp_text(sdp), "source": source, "source_host": source_host, "echo": True}
        self._describe("attend", session, values, done, opens=True)

    def attend(self, session: str, sdp: bytes, *, source: str, done: Described, source_host: str = "") -> None:
        values = {"sdp": sdp_text(sdp), "source": source, "source_host": source_host, "echo": False}
        self._describe("attend", session, values, done, opens=True)

    def play(self, session: str, *, target: str, prompt: str, repeat: bool, done: Played) -> None:
        def ended(reply: Values | MediaError) -> None:
            done(reply if isinstance(reply, MediaError) else None)

        values = {"target": target, "prompt": prompt, "repeat": repeat}
        self._ask("play", session, values, ended, patient=True)

    def stop_play(self, session: str, *, target: str) -> None:
        self._ask("stop_play", session, {"target": target}, _not_asked)

    def drop(self, session: str, *, leg: str) -> None:
        self._ask("drop", session, {"leg": leg}, _not_asked)

    def delete(self, session: str) -> None:
        process = self._where.pop(session, None)
        if process is not None:
            process.forget(session)
            if process.ready.is_set():
                process.ask("delete", {"session": session}, _not_asked)
            else:
                process.ended.add(session)

    def query(self, session: str, done: Measured) -> None:
        def measured(reply: Values | MediaError) -> None:
            done(reply if isinstance(reply, MediaError) else read_statistics(reply))

        self._ask("query", session, {}, measured)

    def keep(self, sessions: Collection[str]) -> None:
        self._wanted = frozenset(sessions)
        for process in self._processes:
            if process.ready.is_set():
                self._tidy(process)

    # ---- what the processes report

    def _greeted(self, process: "_Process", holds: Collection[str]) -> None:
        """A process is there, with what it holds: new, or the one that was there before."""
        for session in holds:
            self._where.setdefault(session, process)
        for session in process.ended.intersection(holds):
            self.delete(session)
        process.ended.clear()
        gone = [one for one, where in self._where.items() if where is process and one not in holds]
        self._report(gone, Loss.WORKER)
        process.sessions = {one for one, where in self._where.items() if where is process}
        self._tidy(process)

    def _tidy(self, process: "_Process") -> None:
        """After a restart of the engine: ends what a process holds that nobody wants, reports what nobody holds."""
        if self._wanted is None:
            return
        for session in list(process.sessions):
            if session not in self._wanted:
                self.delete(session)
        process.tidied = True
        if all(one.tidied for one in self._processes):
            missing = [session for session in self._wanted if session not in self._where]
            self._wanted = None
            self._report(missing, Loss.WORKER)

    def _gone(self, process: "_Process") -> None:
        """A process has died, or can't be reached any more."""
        self._report([one for one, where in self._where.items() if where is process], Loss.WORKER)
        process.sessions.clear()
        process.ended.clear()
        if self._wanted is not None:
            self._tidy(process)

    def _report(self, sessions: Collection[str], loss: Loss) -> None:
        for session in sessions:
            process = self._where.pop(session, None)
            if process is not None:
                process.forget(session)
        if sessions:
            self.on_lost(sessions, loss)

    # ---- inside

    def _describe(self, what: str, session: str, values: Values, done: Described, *, opens: bool = False) -> None:
        def described(reply: Values | MediaError) -> None:
            done(reply if isinstance(reply, MediaError) else sdp_bytes(reply["sdp"]))

        if opens and session not in self._where:
            process = min(
                (one for one in self._processes if one.ready.is_set()),
                key=lambda one: len(one.sessions),
                default=self._processes[0],
            )
            self._where[session] = process
            process.sessions.add(session)
            if self._wanted is not None:
                self._wanted |= {session}
        self._ask(what, session, values, described)

    def _ask(self, what: str, session: str, values: Values, reply: Reply, *, patient: bool = False) -> None:
        process = self._where.get(session)
        if process is None:
            asyncio.get_running_loop().call_soon(reply, UnknownSession(f"there is no session {session}"))
            return
        process.ask(what, {"session": session, **values}, reply, patient=patient)


class _Process(asyncio.Protocol):
    """The connection to one media process, over all its lives."""

    def __init__(self, loop: asyncio.AbstractEventLoop, path: Path, plane: EmbeddedMedia) -> None:
        self.ready = asyncio.Event()
        self.sessions: set[str] = set()
        self.ended: set[str] = set()  # that were deleted while it was out of reach
        self.tidied = False
        self._loop = loop
        self._path = path
        self._plane = plane
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._waiting: dict[int, tuple[Reply, asyncio.TimerHandle | None]] = {}
        self._count = 0
        self._retry = RETRY
        self._away_since: float | None = None
        self._closed = False
        self._connecting: asyncio.Task[None] | None = None

    def connect(self) -> None:
        if not self._closed:
            self._connecting = self._loop.create_task(self._connect())

    def close(self) -> None:
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
        if self._transport is not None:
            self._transport.close()

    def forget(self, session: str) -> None:
        self.sessions.discard(session)

    def ask(self, what: str, values: Values, reply: Reply, *, patient: bool = False) -> None:
        """Sends a request. `reply` is called once; a `patient` one waits for as long as it takes."""
        if self._transport is None or not self.ready.is_set():
            self._loop.call_soon(reply, MediaUnavailable("the media process is not there"))
            return
        self._count += 1
        number = self._count
        timer = None if patient else self._loop.call_later(PATIENCE, self._give_up, number, what)
        self._waiting[number] = reply, timer
        self._transport.write(encode({"id": number, "do": what, **values}))

    async def _connect(self) -> None:
        wait = self._retry
        while True:
            try:
                await self._loop.create_unix_connection(lambda: self, str(self._path))
            except OSError as error:
                if isinstance(error, ConnectionRefusedError | FileNotFoundError):
                    self._lose()  # nobody listens: the process that held the sessions is no more
                elif self._away_since is not None and self._loop.time() - self._away_since > AWAY:
                    self._lose()
            else:
                return
            await asyncio.sleep(wait)
            wait = min(2 * wait, RETRY_MAX)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it
        self._received.clear()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's signature
        self._transport = None
        self.ready.clear()
        if self._away_since is None:
            self._away_since = self._loop.time()
        waiting, self._waiting = self._waiting, {}
        for reply, timer in waiting.values():
            if timer is not None:
                timer.cancel()
            self._tell(reply, MediaUnavailable("the media process went away"))
        if not self._closed:
            logger.warning("! the media process at %s went away", self._path.name)
            self.connect()

    def data_received(self, data: bytes) -> None:
        self._received += data
        *lines, rest = self._received.split(b"\n")
        self._received = bytearray(rest)
        try:
            if len(rest) > MAX_LINE:
                raise BadLine("a line without end")
            for line in lines:
                self._take(decode(bytes(line)))
        except (BadLine, KeyError, ValueError) as error:
            logger.error("! the media process at %s says what makes no sense: %r", self._path.name, error)
            if self._transport is not None:
                self._transport.abort()

    def _take(self, values: Values) -> None:
        match values.get("event"):
            case None:
                reply, timer = self._waiting.pop(values["id"], (_not_asked, None))
                if timer is not None:
                    timer.cancel()
                self._tell(reply, values.get("reply") or _error_in(values))
            case "hello":
                self._away_since = None
                self.tidied = False
                self.ready.set()
                self._plane._greeted(self, set(values["sessions"]))
            case "lost":
                known = [one for one in values["sessions"] if one in self.sessions]
                self._plane._report(known, Loss[values["loss"]])

    def _give_up(self, number: int, what: str) -> None:
        reply, _ = self._waiting.pop(number)
        logger.error("! the media process at %s did not answer to %s", self._path.name, what)
        reply(MediaUnavailable("the media process does not answer"))

    @staticmethod
    def _tell(reply: Reply, result: Values | MediaError) -> None:
        try:
            reply(result)
        except Exception:  # whoever asked has a defect; the other sessions go on
            logger.exception("! an answer of the media process can't be used")

    def _lose(self) -> None:
        if self.sessions or not self.tidied:
            self._plane._gone(self)


def _error_in(values: Values) -> Values | MediaError:
    """What a process refuses with; an empty reply is none."""
    if "error" not in values:
        return {}
    return media_error(str(values["error"]["code"]), str(values["error"]["message"]))


def _not_asked(reply: Values | MediaError) -> None:
    """For requests after which nobody waits."""


def _unheard(sessions: Collection[str], loss: Loss) -> None:
    logger.warning("! %d media sessions ended: %s", len(sessions), loss.value)
