"""The media of one call: the parties, and what goes between them.

An offer is only remembered for the party that makes it; what it says is in force once it is answered. So an offer
that is refused changes nothing about the media that flows.
"""

from collections.abc import Callable
from functools import partial

from pbx.media.errors import NotAcceptable, UnknownSession
from pbx.media.plane import Loss, MediaProfile, SessionStatistics
from pbx.media.relay import describe, formats, reports
from pbx.media.relay.codings import loading
from pbx.media.relay.describe import PROTOCOLS, Content
from pbx.media.relay.dtls import Identity
from pbx.media.relay.latching import plain_host
from pbx.media.relay.leg import Leg, Machinery
from pbx.media.relay.player import Player
from pbx.media.relay.prompts import samples
from pbx.media.relay.remote import Remote, RemoteStream, read
from pbx.media.relay.stream import Stream
from sip.sdp.description import MediaDescription
from sip.sdp.negotiation import answer_direction

Played = Callable[[], None]
MOST_LEGS = 64  # of a session: phones that ring at once


class Session:
    """A session by its name. `on_lost` is called when a party is gone; the session is still there then."""

    def __init__(self, name: str, machinery: Machinery, on_lost: Callable[["Session", Loss], None]) -> None:
        self.name = name
        self.legs: dict[str, Leg] = {}
        self._machinery = machinery
        self._on_lost = on_lost
        self._identity: Identity | None = None
        self._players: dict[str, Player] = {}

    # ---- offer and answer

    def offer(
        self, sdp: bytes, *, source: str, target: str, profile: MediaProfile, source_host: str, target_host: str
    ) -> bytes:
        """The description to offer to `target`. Raises MediaError."""
        remote = read(sdp)
        giver = self._leg(source, source_host)
        self._take_offer(giver, remote)
        taker = self._leg(target, target_host)
        taker.prepare([one.kind for one in remote.streams])
        media = []
        mids: list[str] = []
        for stream, described in zip(taker.streams, remote.streams, strict=False):
            before = self._before(taker, stream.index)
            kind = before.profile if before is not None else profile
            codecs = formats.offerable(described.kind, described.codecs, described.profile, kind)
            protocol = before.media.protocol if before is not None else PROTOCOLS[kind]
            mid = self._mid(taker, stream, described) if kind is MediaProfile.WEBRTC else ""
            if not described.usable or not any(not codec.is_companion for codec in codecs):
                media.append(describe.turned_down(described.media, protocol, taker.address(), mid))
                continue
            taker.carry(stream, kind, taker.bundle(taker.remote, stream.index, offering=True))
            taker.offer_keys(stream, kind)
            ours = stream.exchange.numbered(codecs)
            feedback = describe.feedback_for(described.kind, ours, described.all_feedback, protocol)
            extensions = describe.extensions_for(described, kind)
            content = Content(described.media, protocol, ours, described.direction, feedback, extensions)
            stream.exchange.ours = ours
            if mid:
                mids.append(mid)
            media.append(describe.stream(content, taker.place(stream, mid, offering=True)))
        if all(not one.port for one in media) and any(not one.media.rejected for one in remote.streams):
            raise NotAcceptable("nothing in the offer can be brought to the other party")
        return describe.session(remote.description, media, bundle=mids, lite=bool(mids))

    def answer(self, sdp: bytes, *, source: str, target: str, source_host: str) -> bytes:
        """The answer for `target`, whose offer `source` has answered. Raises MediaError."""
        remote = read(sdp)
        giver, taker = self._known(source), self._known(target)
        offered = taker.offered
        if offered is None:
            raise UnknownSession(f"{target} has offered nothing")
        if len(remote.streams) != len(offered.streams):
            raise NotAcceptable(f"{len(remote.streams)} streams answer {len(offered.streams)}")
        giver.host = plain_host(source_host) or giver.host
        giver.accept(remote, answering=True)
        self._accept_offer(taker)
        media: list[MediaDescription] = []
        for stream, asked, told in zip(taker.streams, offered.streams, remote.streams, strict=False):
            across = giver.streams[stream.index]
            # What an earlier answer to the same offer has turned down, is gone: 183 of one phone, 200 of another.
            wanted = told.usable and asked.usable and stream.is_carried and across.is_carried
            codecs = formats.answerable(asked.kind, asked.codecs, told.codecs) if wanted else ()
            if not codecs:
                media.append(self._turn_down(taker, stream, asked))
                if told.usable:
                    giver.release(across)
                continue
            stream.exchange.ours = codecs
            same_kind = (asked.profile is MediaProfile.WEBRTC) is (told.profile is MediaProfile.WEBRTC)
            extensions = {n: uri for n, uri in told.extensions.items() if same_kind and asked.extensions.get(n) == uri}
            kept = frozenset(extensions)
            stream.keeps = across.keeps = kept
            feedback = describe.feedback_for(
                asked.kind, codecs, told.all_feedback, asked.media.protocol, asked.all_feedback
            )
            stream.exchange.feedback &= frozenset().union(*feedback.values()) | frozenset(describe.KEY_FRAMES)
            content = Content(told.media, asked.media.protocol, codecs, told.direction, feedback, extensions)
            media.append(describe.stream(content, taker.place(stream, asked.mid, offering=False)))
            self._join(stream, across)
        if all(not one.port for one in media) and any(one.usable for one in offered.streams):
            raise NotAcceptable("the parties have no codec in common")
        return self._written(offered, media)

    def attend(self, sdp: bytes, *, source: str, source_host: str, echo: bool) -> bytes:
        """Our own answer to an offer: as an echo of the party, or silent until something is played."""
        remote = read(sdp)
        leg = self._leg(source, source_host)
        self._take_offer(leg, remote)
        self._accept_offer(leg)
        media: list[MediaDescription] = []
        for stream, asked in zip(leg.streams, remote.streams, strict=False):
            known = formats.offerable(asked.kind, asked.codecs, asked.profile, MediaProfile.WEBRTC)
            codecs = tuple(codec for codec in asked.codecs if any(codec == one for one in known))
            # Silence is only spoken: what can't be encoded can't be played.
            able = formats.convertible(codecs) if not echo else next((c for c in codecs if not c.is_companion), None)
            if not asked.usable or able is None or (not echo and asked.kind != "audio"):
                media.append(self._turn_down(leg, stream, asked))
                continue
            if not echo:
                codecs = (able, *(c for c in codecs if c.is_telephone_event and c.rate == able.rate))
            stream.exchange.ours = stream.exchange.theirs = codecs
            stream.keeps = frozenset()
            feedback = describe.feedback_for(
                asked.kind, codecs, asked.all_feedback, asked.media.protocol, asked.all_feedback
            )
            direction = answer_direction(asked.direction)
            content = Content(asked.media, asked.media.protocol, codecs, direction, feedback, {})
            media.append(describe.stream(content, leg.place(stream, asked.mid, offering=False)))
            stream.exchange.current = codecs[0]
            stream.set_rate(codecs[0].rate)
            stream.connect(stream if echo else None)
            stream.map = formats.routes(stream.exchange, stream.exchange, kind=stream.kind)
        if all(not one.port for one in media):
            raise NotAcceptable("nothing in the offer can be answered here")
        return self._written(remote, media)

    # ---- playing

    def play(self, target: str, prompt: str, *, repeat: bool, done: Played) -> None:
        """Plays to a party; `done` comes at the end. Raises MediaError."""
        leg = self._known(target)
        stream = next((one for one in leg.streams if one.kind == "audio" and one.exchange.theirs), None)
        codec = stream.exchange.playable() if stream is not None else None
        if stream is None or codec is None:
            raise NotAcceptable("the party has no speech that can be played to")
        if not samples(prompt):
            done()
            return
        player = Player(self._machinery.loop, stream, codec, prompt, repeat=repeat, done=done)
        self.stop_play(target)
        self._players[target] = player
        player.start()

    def stop_play(self, target: str) -> None:
        player = self._players.pop(target, None)
        if player is not None:
            player.stop()

    # ---- life

    def drop(self, tag: str) -> None:
        """Lets go of one party."""
        self.stop_play(tag)
        leg = self.legs.pop(tag, None)
        if leg is None:
            return
        for other in self.legs.values():
            for stream in other.streams:
                if stream.across in leg.streams:
                    stream.connect(None)
        leg.close()

    def close(self) -> None:
        for tag in list(self.legs):
            self.drop(tag)

    def tick(self, now: float) -> None:
        """Once a second."""
        for leg in list(self.legs.values()):
            leg.tick(now)
            for stream in leg.streams:
                if stream.exchange.theirs:
                    reports.report(stream, now)

    def statistics(self) -> SessionStatistics:
        return SessionStatistics({tag: leg.statistics() for tag, leg in self.legs.items()})

    # ---- inside

    def _leg(self, tag: str, host: str) -> Leg:
        leg = self.legs.get(tag)
        if leg is None:
            if len(self.legs) >= MOST_LEGS:
                raise NotAcceptable("too many parties in one session")
            leg = Leg(tag, self._machinery, self._own_identity, lambda loss: self._on_lost(self, loss))
            self.legs[tag] = leg
        leg.host = plain_host(host) or leg.host
        return leg

    def _known(self, tag: str) -> Leg:
        leg = self.legs.get(tag)
        if leg is None:
            raise UnknownSession(f"no party {tag} in session {self.name}")
        return leg

    def _own_identity(self) -> Identity:
        """One certificate for a session: a browser that is moved to another one sees that it has to begin anew."""
        if self._identity is None:
            self._identity = Identity()
        return self._identity

    def _take_offer(self, leg: Leg, remote: Remote) -> None:
        """Remembers a party's offer and makes what carries its streams."""
        if remote.ice_lite and remote.profile is MediaProfile.WEBRTC:
            raise NotAcceptable("neither side would look for the other: both do ICE-lite")
        leg.offered = remote
        leg.prepare([one.kind for one in remote.streams])
        for stream, described in zip(leg.streams, remote.streams, strict=False):
            if described.usable:
                leg.carry(stream, described.profile, leg.bundle(remote, stream.index, offering=False))

    def _accept_offer(self, leg: Leg) -> None:
        assert leg.offered is not None
        leg.restart_if_wanted(leg.offered)
        leg.accept(leg.offered, answering=False)

    @staticmethod
    def _before(leg: Leg, index: int) -> RemoteStream | None:
        """The party's own description of a stream, where there is one in use: its form stays."""
        if leg.remote is None or index >= len(leg.remote.streams):
            return None
        described = leg.remote.streams[index]
        return described if described.usable else None

    @staticmethod
    def _mid(leg: Leg, stream: Stream, described: RemoteStream) -> str:
        """The name of a stream towards a browser: as it was, else the other party's, else its number."""
        if leg.remote is not None and stream.index < len(leg.remote.streams):
            known = leg.remote.streams[stream.index].mid
            if known:
                return known
        return described.mid or str(stream.index)

    @staticmethod
    def _turn_down(leg: Leg, stream: Stream, asked: RemoteStream) -> MediaDescription:
        leg.release(stream)
        mid = asked.mid if asked.profile is MediaProfile.WEBRTC else ""
        return describe.turned_down(asked.media, asked.media.protocol, leg.address(), mid)

    @staticmethod
    def _written(offered: Remote, media: list[MediaDescription]) -> bytes:
        """An answer: the streams that are taken up stay in the group in which they were offered."""
        taken = {one.value("mid") for one in media if one.port}
        groups = [[offered.streams[number].mid for number in group] for group in offered.bundles]
        group = next(([mid for mid in group if mid in taken] for group in groups), [])
        lite = any(stream.ice is not None for stream in offered.streams)
        return describe.session(offered.description, media, bundle=group, lite=lite)

    def _join(self, one: Stream, other: Stream) -> None:
        """Two streams go to each other from now on."""
        for stream, across in ((one, other), (other, one)):
            new = stream.across is not across
            stream.connect(across)
            codec = stream.exchange.current = formats.spoken(stream.exchange, across.exchange)
            if codec is not None:
                stream.set_rate(codec.rate)
            stream.map = formats.routes(stream.exchange, across.exchange, kind=stream.kind)
            stream.convert = None
            if formats.CONVERT in stream.map:
                loading.then(self._machinery.loop, partial(_convert, stream, across))
            if new:
                reports.ask_for_key_frame(stream)


def _convert(source: Stream, target: Stream) -> None:
    """Makes speech of what goes from one to the other, if it still does and has to."""
    if source.across is target and formats.CONVERT in source.map:
        from pbx.media.relay.transcoder import Transcoder

        source.convert = Transcoder(source, target).convert
