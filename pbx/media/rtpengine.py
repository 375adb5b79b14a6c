"""The carrier that asks rtpengine, which runs beside us or elsewhere: its ng protocol, bencoded datagrams.

A request carries a cookie under which rtpengine repeats its answer, so asking again does no harm. Echo and our own
answers to a caller are not among its verbs; those sessions go to a media process of ours.

What it takes to get along with browsers, learned the hard way: an answer must not ask for `DTLS=passive`, which
rtpengine takes for the far side; a browser with max-bundle needs `a=group:BUNDLE` in it, which rtpengine leaves out
when the far side has none.
"""

import asyncio
import logging
from collections.abc import Collection
from dataclasses import dataclass, field

from pbx.media import bencode
from pbx.media.errors import MediaError, NotAcceptable, UnknownSession
from pbx.media.ng import NgClient, Reply, Values
from pbx.media.plane import (
    Described,
    Loss,
    Lost,
    Measured,
    MediaPlane,
    MediaProfile,
    Played,
    SessionStatistics,
)
from pbx.media.relay.prompt_files import as_file
from pbx.media.rtpengine_words import (
    answer_flags,
    offer_flags,
    profile_of,
    statistics_of,
    with_bundle,
)

HEARTBEAT = 5.0  # seconds between looks at whether it lives, and has been restarted

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Known:
    """A session: which profile each party has, and who offered last."""

    profiles: dict[str, MediaProfile] = field(default_factory=dict)
    offered: dict[str, bytes] = field(default_factory=dict)
    players: dict[str, tuple[asyncio.TimerHandle | None, Played]] = field(default_factory=dict)


class RtpengineMedia:
    """The media plane by rtpengine (a `MediaPlane`).

    Args:
        address: of its ng socket.
        own: the media processes, for echo and `attend`.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, address: tuple[str, int], own: MediaPlane) -> None:
        self.on_lost: Lost = _unheard
        self._loop = loop
        self._own = own
        self._own.on_lost = self._own_lost
        self._sessions: dict[str, _Known] = {}
        self._with_own: set[str] = set()
        self._ng = NgClient(loop, address)
        self._timer: asyncio.TimerHandle | None = None
        self._started: object = None

    def start(self) -> None:
        """Begins to look whether rtpengine is there."""
        self._ng.open()
        self._look()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for known in self._sessions.values():
            for timer, _ in known.players.values():
                if timer is not None:
                    timer.cancel()
        self._ng.close()

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
        target_host: str = "",  # noqa: ARG002  rtpengine chooses by its own interfaces
    ) -> None:
        known = self._sessions.setdefault(session, _Known())
        known.profiles[source] = profile_of(sdp, known.profiles.get(source, MediaProfile.RTP))
        wanted = known.profiles.setdefault(target, profile)
        known.offered[source] = sdp
        request: dict[str, bencode.Value] = {
            "command": "offer",
            "call-id": session,
            "from-tag": source,
            "to-tag": target,
            "sdp": sdp,
            **offer_flags(known.profiles[source], wanted),
            **_received_from(source_host),
        }
        if not any(tag != source and tag in known.offered for tag in known.profiles):
            del request["to-tag"]  # rtpengine takes it for a branch that exists, until there was an answer
        self._ng.ask(request, _description(done))

    def answer(
        self, session: str, sdp: bytes, *, source: str, target: str, done: Described, source_host: str = ""
    ) -> None:
        known = self._sessions.get(session)
        if known is None or target not in known.offered:
            self._loop.call_soon(done, UnknownSession(f"{target} has offered nothing in session {session}"))
            return
        offered = known.offered[target]

        def described(result: bytes | MediaError) -> None:
            if isinstance(result, bytes) and known.profiles[target] is MediaProfile.WEBRTC:
                result = with_bundle(result, offered)
            known.offered.setdefault(source, b"")
            done(result)

        known.profiles[source] = profile_of(sdp, known.profiles.get(source, MediaProfile.RTP))
        request = {
            "command": "answer",
            "call-id": session,
            "from-tag": target,
            "to-tag": source,
            "sdp": sdp,
            **answer_flags(known.profiles[target]),
            **_received_from(source_host),
        }
        self._ng.ask(request, _description(described))

    def echo(self, session: str, sdp: bytes, *, source: str, done: Described, source_host: str = "") -> None:
        self._with_own.add(session)
        self._own.echo(session, sdp, source=source, done=done, source_host=source_host)

    def attend(self, session: str, sdp: bytes, *, source: str, done: Described, source_host: str = "") -> None:
        self._with_own.add(session)
        self._own.attend(session, sdp, source=source, done=done, source_host=source_host)

    def play(self, session: str, *, target: str, prompt: str, repeat: bool, done: Played) -> None:
        if session in self._with_own:
            self._own.play(session, target=target, prompt=prompt, repeat=repeat, done=done)
            return
        known = self._sessions.get(session)
        if known is None or target not in known.profiles:
            self._loop.call_soon(done, UnknownSession(f"there is no session {session} with {target}"))
            return
        try:
            sound, seconds = as_file(prompt)
        except MediaError as error:
            self._loop.call_soon(done, error)
            return
        self._end_play(known, target)
        known.players[target] = None, done

        def begun(reply: Values | MediaError) -> None:
            if known.players.get(target) != (None, done):
                return
            if isinstance(reply, MediaError):
                del known.players[target]
                done(reply)
            elif not repeat:
                timer = self._loop.call_later(seconds, self._end_play, known, target)
                known.players[target] = timer, done

        request: dict[str, bencode.Value] = {
            "command": "play media",
            "call-id": session,
            "from-tag": target,
            "blob": sound,
        }
        if repeat:
            request["repeat-times"] = 10_000
        self._ng.ask(request, begun)

    def stop_play(self, session: str, *, target: str) -> None:
        if session in self._with_own:
            self._own.stop_play(session, target=target)
            return
        known = self._sessions.get(session)
        if known is not None and target in known.players:
            self._ng.ask({"command": "stop media", "call-id": session, "from-tag": target}, _not_asked)
            self._end_play(known, target)

    def drop(self, session: str, *, leg: str) -> None:
        if session in self._with_own:
            self._own.drop(session, leg=leg)
            return
        known = self._sessions.get(session)
        # rtpengine knows branches that have answered only; the others end with the session.
        if known is not None and known.profiles.pop(leg, None) is not None and leg in known.offered:
            del known.offered[leg]
            request: dict[str, bencode.Value] = {
                "command": "delete",
                "call-id": session,
                "from-tag": leg,
                "delete-delay": 0,
            }
            if len(known.profiles) > 1:
                self._ng.ask(request, _not_asked)

    def delete(self, session: str) -> None:
        if session in self._with_own:
            self._with_own.discard(session)
            self._own.delete(session)
        known = self._sessions.pop(session, None)
        if known is not None:
            for target in list(known.players):
                self._end_play(known, target)
            self._ng.ask({"command": "delete", "call-id": session, "delete-delay": 0}, _not_asked)

    def query(self, session: str, done: Measured) -> None:
        if session in self._with_own:
            self._own.query(session, done)
            return

        def measured(reply: Values | MediaError) -> None:
            done(reply if isinstance(reply, MediaError) else SessionStatistics(statistics_of(reply)))

        self._ng.ask({"command": "query", "call-id": session}, measured)

    def keep(self, sessions: Collection[str]) -> None:
        wanted = set(sessions)

        def listed(reply: Values | MediaError) -> None:
            if isinstance(reply, MediaError):
                return
            there = {name.decode("utf-8", "replace") for name in reply.get("calls", ())}
            for session in there - wanted - self._sessions.keys():
                self._ng.ask({"command": "delete", "call-id": session, "delete-delay": 0}, _not_asked)
            for session in there & wanted:
                self._sessions.setdefault(session, _Known())
            missing = wanted - there
            # Those of our own are judged by the media processes.
            self._own.keep(missing)

        self._ng.ask({"command": "list", "limit": 100_000}, listed)

    # ---- inside

    def _end_play(self, known: _Known, target: str) -> None:
        timer, done = known.players.pop(target, (None, None))
        if timer is not None:
            timer.cancel()
        if done is not None:
            done(None)

    def _own_lost(self, sessions: Collection[str], loss: Loss) -> None:
        self._with_own.difference_update(sessions)
        self.on_lost(sessions, loss)

    def _look(self) -> None:
        """Whether it lives; one that was restarted has forgotten everything."""
        self._timer = self._loop.call_later(HEARTBEAT, self._look)
        asked = list(self._sessions)

        def listed(reply: Values | MediaError) -> None:
            if isinstance(reply, MediaError):
                logger.error("! rtpengine does not answer")
                return
            there = {name.decode("utf-8", "replace") for name in reply.get("calls", ())}
            gone = [one for one in asked if one in self._sessions and one not in there]
            for session in gone:
                known = self._sessions.pop(session)
                for target in list(known.players):
                    self._end_play(known, target)
            if gone:
                self.on_lost(gone, Loss.WORKER)

        self._ng.ask({"command": "list", "limit": 100_000}, listed)


def _description(done: Described) -> Reply:
    def described(reply: Values | MediaError) -> None:
        if isinstance(reply, MediaError):
            done(reply)
        else:
            sdp = reply.get("sdp")
            done(sdp if isinstance(sdp, bytes) else NotAcceptable("rtpengine has answered without a description"))

    return described


def _received_from(host: str) -> dict[str, bencode.Value]:
    """Where the party's signalling comes from, for a party behind NAT."""
    return {"received-from": ["IP6" if ":" in host else "IP4", host]} if host else {}


def _not_asked(reply: Values | MediaError) -> None:
    """For requests after which nobody waits."""


def _unheard(sessions: Collection[str], loss: Loss) -> None:
    logger.warning("! %d media sessions ended: %s", len(sessions), loss.value)
