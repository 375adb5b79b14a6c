"""All sessions of a media process, and what may be asked of them by name."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from typing import Any

from pbx.media.control import sdp_bytes, sdp_text, statistics_values
from pbx.media.errors import NotAcceptable, UnknownSession
from pbx.media.plane import Loss, MediaProfile
from pbx.media.relay.leg import Machinery
from pbx.media.relay.session import Session

MOST_SESSIONS = 5000  # of a process, which would be ten times what it can relay
NAME_LENGTH = 255
TURNS = 10  # the sessions are looked after in so many parts: packets would wait while all of them send reports

logger = logging.getLogger(__name__)

Values = dict[str, Any]
Done = Callable[[Values], None]


class Switchroom:
    """The sessions. `on_lost` is told of those that have ended by themselves."""

    def __init__(self, machinery: Machinery, on_lost: Callable[[Collection[str], Loss], None]) -> None:
        self.sessions: dict[str, Session] = {}
        self._machinery = machinery
        self._on_lost = on_lost
        self._timer: asyncio.TimerHandle | None = None
        self._turn = 0

    def start(self) -> None:
        """Begins to look after the sessions, after each of them once a second."""
        self._timer = self._machinery.loop.call_later(1.0 / TURNS, self.start)
        self._turn = (self._turn + 1) % TURNS
        now = time.monotonic()
        for name, session in list(self.sessions.items()):
            if hash(name) % TURNS == self._turn:
                session.tick(now)

    def close(self) -> None:
        """Ends everything."""
        if self._timer is not None:
            self._timer.cancel()
        for session in list(self.sessions.values()):
            session.close()
        self.sessions.clear()

    def do(self, what: str, values: Values, done: Done) -> None:
        """Carries out a request; `done` gets the reply, for `play` at the end. Raises MediaError."""
        action = self._ACTIONS.get(what)
        if action is None:
            raise NotAcceptable(f"nobody knows how to {what}")
        action(self, values, done)

    def _offer(self, values: Values, done: Done) -> None:
        with_new = self._opened(values["session"])
        try:
            sdp = with_new.offer(
                sdp_bytes(values["sdp"]),
                source=values["source"],
                target=values["target"],
                profile=MediaProfile(values["profile"]),
                source_host=values["source_host"],
                target_host=values["target_host"],
            )
        finally:
            self._forget_if_unused(with_new)
        done({"sdp": sdp_text(sdp)})

    def _answer(self, values: Values, done: Done) -> None:
        sdp = self._session(values["session"]).answer(
            sdp_bytes(values["sdp"]),
            source=values["source"],
            target=values["target"],
            source_host=values["source_host"],
        )
        done({"sdp": sdp_text(sdp)})

    def _attend(self, values: Values, done: Done) -> None:
        session = self._opened(values["session"])
        try:
            sdp = session.attend(
                sdp_bytes(values["sdp"]),
                source=values["source"],
                source_host=values["source_host"],
                echo=values["echo"],
            )
        finally:
            self._forget_if_unused(session)
        done({"sdp": sdp_text(sdp)})

    def _play(self, values: Values, done: Done) -> None:
        session = self._session(values["session"])
        session.play(values["target"], values["prompt"], repeat=values["repeat"], done=lambda: done({}))

    def _stop_play(self, values: Values, done: Done) -> None:
        self._session(values["session"]).stop_play(values["target"])
        done({})

    def _drop(self, values: Values, done: Done) -> None:
        self._session(values["session"]).drop(values["leg"])
        done({})

    def _delete(self, values: Values, done: Done) -> None:
        session = self.sessions.pop(values["session"], None)
        if session is not None:
            session.close()
        done({})

    def _query(self, values: Values, done: Done) -> None:
        done(statistics_values(self._session(values["session"]).statistics()))

    _ACTIONS = {  # noqa: RUF012  never changed
        "offer": _offer,
        "answer": _answer,
        "attend": _attend,
        "play": _play,
        "stop_play": _stop_play,
        "drop": _drop,
        "delete": _delete,
        "query": _query,
    }

    def _session(self, name: str) -> Session:
        session = self.sessions.get(name)
        if session is None:
            raise UnknownSession(f"there is no session {name}")
        return session

    def _opened(self, name: str) -> Session:
        session = self.sessions.get(name)
        if session is None:
            if len(self.sessions) >= MOST_SESSIONS or not 0 < len(name) <= NAME_LENGTH:
                raise NotAcceptable("too many sessions, or a name that is none")
            session = self.sessions[name] = Session(name, self._machinery, self._lost)
        return session

    def _forget_if_unused(self, session: Session) -> None:
        """A first offer that failed leaves nothing behind."""
        if all(leg.remote is None and not any(s.exchange.ours for s in leg.streams) for leg in session.legs.values()):
            session.close()
            self.sessions.pop(session.name, None)

    def _lost(self, session: Session, loss: Loss) -> None:
        if self.sessions.get(session.name) is session:
            logger.warning("! session %s: %s", session.name, loss.value)
            del self.sessions[session.name]
            session.close()
            self._on_lost([session.name], loss)
