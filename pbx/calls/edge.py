"""Where the media of a party passes through the media plane: the edge of its leg.

To the rest of the call, a leg with an edge is a plain phone (RTP) at an address of ours; its own phone or browser
sees us as one of its kind. So forwarding, hold, transfer and forking know nothing of browsers. Two browsers get each
other's descriptions as they are, without an edge, so that their media is encrypted end to end; two phones that reach
each other likewise.

Descriptions go to a party by `outward` and come from it by `inward`, which both take the time that the media plane
needs, or none where nothing is to be done.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from pbx.calls.states import LegState
from pbx.media.errors import MediaError
from pbx.media.plane import MediaPlane, MediaProfile, SessionStatistics
from sip.identifiers import token
from sip.sdp.description import relabel_origin

if TYPE_CHECKING:
    from pbx.calls.leg import Leg

logger = logging.getLogger(__name__)

NEAR, FAR = "near", "far"
# What a browser is offered for somebody who is not known yet, for late offers are nothing that browsers are good at.
# Nothing is sent to port 9, which would discard it (RFC 863).
ANYBODY = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 9 8 0 101\r\n"
    b"a=rtpmap:9 G722/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
    b"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n"
)

Made = bytes | MediaError
Then = Callable[[Made], None]


def is_webrtc(body: bytes) -> bool:
    """Whether a description is a browser's: DTLS-SRTP with ICE (RFC 8827, RFC 8829)."""
    return body.find(b"\na=fingerprint:") >= 0 and body.find(b"\na=ice-ufrag:") >= 0


class Edge:
    """The media session of one leg; the near side is the party's, the far side the rest of the call.

    `profile` is how the party's media travels. One that `echoes` has no far side: what goes out is the party's own.
    `call_id` is the call whose record gets the statistics.
    """

    __slots__ = (
        "_known",
        "_leg",
        "_plane",
        "_waiting",
        "call_id",
        "echoes",
        "profile",
        "session",
    )

    def __init__(
        self, leg: Leg, plane: MediaPlane, profile: MediaProfile, *, session: str = "", echoes: bool = False
    ) -> None:
        self.session = session or token()
        self.profile = profile
        self.echoes = echoes
        self.call_id = ""
        self._leg = leg
        self._plane = plane
        # What became of the last description that came in, and who waits for it: a phone that several others are
        # called for has one offer for all of them.
        self._known: tuple[bytes, bytes] | None = None
        self._waiting: dict[bytes, list[Then]] = {}
        leg.switch.edges[self.session] = self

    @classmethod
    def restored(cls, leg: Leg, plane: MediaPlane, stored: list[str]) -> Edge:
        """As `to_list` has kept it. Raises ValueError."""
        session, profile, echoes, *known = stored
        edge = cls(leg, plane, MediaProfile(profile), session=session, echoes=bool(echoes))
        if known:
            said_by_party, seen_by_others = known
            edge._known = said_by_party.encode("latin-1"), seen_by_others.encode("latin-1")
        return edge

    def to_list(self) -> list[str]:
        """What a restarted engine needs to go on with the session."""
        known = [body.decode("latin-1") for body in self._known] if self._known is not None else []
        return [self.session, self.profile.value, "echoes" if self.echoes else "", *known]

    def outward(self, body: bytes, *, offer: bool, then: Then) -> None:
        """A description for the party, made of one from the rest of the call."""

        def done(result: Made) -> None:
            self._log(result)
            then(result)

        host = self._leg.flow.remote[0]
        if self.echoes:
            self._plane.echo(self.session, body, source=NEAR, done=done, source_host=host)
            if self._leg.state < LegState.CONFIRMED:  # at its beginning alone
                self._plane.play(self.session, target=NEAR, prompt="echo", repeat=False, done=_played)
        elif offer:
            self._plane.offer(
                self.session,
                body,
                source=FAR,
                target=NEAR,
                profile=self.profile,
                done=done,
                source_host=self._leg.other_host,
                target_host=host,
            )
        else:
            self._plane.answer(self.session, body, source=FAR, target=NEAR, done=done, source_host=self._leg.other_host)

    def inward(self, body: bytes, *, offer: bool, then: Then) -> None:
        """The party's description as the rest of the call is to see it."""
        if self.echoes:
            then(body)
            return
        if self._known is not None and self._known[0] == body:
            then(self._known[1])
            return
        waiting = self._waiting.setdefault(body, [])
        waiting.append(then)
        if len(waiting) > 1:
            return

        def done(result: Made) -> None:
            self._log(result)
            self._known = (body, result) if isinstance(result, bytes) else None
            for one in self._waiting.pop(body):
                one(result)

        host = self._leg.flow.remote[0]
        if offer:
            self._plane.offer(
                self.session,
                body,
                source=NEAR,
                target=FAR,
                profile=MediaProfile.RTP,
                done=done,
                source_host=host,
                target_host=self._leg.other_host,
            )
        else:
            self._plane.answer(self.session, body, source=NEAR, target=FAR, done=done, source_host=host)

    def original(self, body: bytes) -> bytes:
        """The party's own description, of which `body` was made."""
        return self._known[0] if self._known is not None and self._known[1] == body else body

    def settle(self, body: bytes) -> None:
        """The other party is there now, that was unknown when the party was offered `ANYBODY`, and has said `body`.

        The party need not hear of it: its side stays as it is.
        """
        answer = self._known[0] if self._known is not None else b""
        self.outward(body, offer=True, then=_unsaid)
        self._plane.answer(
            self.session, answer, source=NEAR, target=FAR, done=self._log, source_host=self._leg.flow.remote[0]
        )

    def close(self) -> None:
        """Ends the media; its statistics go to the record of the call."""
        switch = self._leg.switch
        if switch.edges.pop(self.session, None) is None:
            return
        if not self.call_id:
            self._plane.delete(self.session)
            return
        call_id, number = self.call_id, self._leg.number

        def measured(result: SessionStatistics | MediaError) -> None:
            if isinstance(result, SessionStatistics):
                switch.store.media(call_id, number, result)
            self._plane.delete(self.session)

        self._plane.query(self.session, measured)

    def lost(self, why: str) -> None:
        """The media plane has ended the session by itself."""
        self._leg.switch.edges.pop(self.session, None)
        self._leg.edge = None
        self._leg.lost(503, why)

    def _log(self, result: Made) -> None:
        if isinstance(result, MediaError):
            logger.warning("! media of a call of %s: %s", self._leg.number, result)


def said(made: Made) -> bytes:
    """The description that came out; none where that went wrong and nobody can be told."""
    return made if isinstance(made, bytes) else b""


def _played(error: MediaError | None) -> None:
    if error is not None:
        logger.warning("! the party hears no announcement: %s", error)


def _unsaid(_: Made) -> None:
    """A description that nobody needs."""


def open_edge(leg: Leg, profile: MediaProfile) -> Edge | None:
    """The edge of a leg, made where there is none; None without a media plane."""
    plane = leg.switch.media
    if leg.edge is None and plane is not None:
        leg.edge = Edge(leg, plane, profile)
    return leg.edge


def _describe(leg: Leg, source: bytes, body: bytes) -> bytes:
    """A description for the party as ours: our origin line, version up at a change. It was made of `source`.

    RFC 3264 §8 and RFC 4566 §5.2: within a dialog the origin stays and its version rises, even when the
    far party was replaced behind our back-to-back user agent.
    """
    if not leg.sdp_id:
        leg.sdp_id = int(token()[:12], 16)
    leg.sdp_source = source
    leg.sdp_version += 1
    leg.local_sdp = relabel_origin(body, leg.sdp_id, leg.sdp_version)
    return leg.local_sdp


def _is_told(leg: Leg, source: bytes) -> bool:
    """Whether the party knows what is made of `source`, and has been told nothing else since, be it in vain."""
    return source == leg.sdp_source and b"o=- %d %d " % (leg.sdp_id, leg.sdp_version) in leg.local_sdp


def outward(leg: Leg, body: bytes, *, offer: bool, then: Then) -> None:
    """Gives `then` what is to be sent to the party for `body`: b"" for b"", and the error where there is no way."""
    if not body or _is_told(leg, body):
        then(leg.local_sdp if body else body)
        return
    if leg.webrtc and is_webrtc(body) and not (leg.edge is not None and leg.edge.echoes):
        if leg.edge is not None:  # both are browsers now
            leg.remote_sdp = leg.edge.original(leg.remote_sdp)
            leg.edge.close()
            leg.edge = None
        then(_describe(leg, body, body))
        return
    if leg.webrtc and leg.edge is None:
        open_edge(leg, MediaProfile.WEBRTC)
    edge = leg.edge
    if edge is None:
        then(_describe(leg, body, body))
    else:

        def made(result: Made) -> None:
            then(result if isinstance(result, MediaError) else _describe(leg, body, result))

        edge.outward(body, offer=offer, then=made)


def inward(leg: Leg, body: bytes, *, offer: bool, asked: bool = False, then: Then) -> None:
    """Gives `then` what the rest of the call is to see of the party's description.

    `asked`: the party offers because we asked it to, without anybody known to take it.
    """
    if body and asked and leg.edge is None and leg.webrtc and is_webrtc(body):
        open_edge(leg, MediaProfile.WEBRTC)
    if not body or leg.edge is None:
        then(body)
    else:
        leg.edge.inward(body, offer=offer, then=then)


def offer_between(source: Leg | None, target: Leg, body: bytes, then: Then) -> None:
    """Gives `then` the offer of one party as another one is to get it; `outward` makes it the target's own."""
    switch = target.switch
    if source is not None:
        source.other_host, target.other_host = target.flow.remote[0], source.flow.remote[0]
    if not body and target.webrtc and switch.media is not None:
        then(ANYBODY)
        return
    if source is None or not body or switch.media is None:
        then(body)
        return
    if is_webrtc(body):
        if target.webrtc:
            then(body)
            return
        open_edge(source, MediaProfile.WEBRTC)
    elif source.edge is None and switch.anchors(source, target, body):
        open_edge(source, MediaProfile.RTP)

    def converted(made: Made) -> None:
        if isinstance(made, bytes) and made:
            source.remote_sdp = made
        then(made)

    inward(source, body, offer=True, then=converted)
