"""One party of a session: its streams, what carries them, and what was agreed with it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pbx.media.errors import NotAcceptable
from pbx.media.plane import Loss, MediaProfile, StreamStatistics
from pbx.media.relay import describe
from pbx.media.relay.describe import Place
from pbx.media.relay.dtls import Identity
from pbx.media.relay.hub import Hub
from pbx.media.relay.ports import Addressing, PortPool
from pbx.media.relay.readiness import Readiness
from pbx.media.relay.remote import Key, Remote, RemoteStream
from pbx.media.relay.rtp_leg import RtpTransport
from pbx.media.relay.statistics import mean_opinion
from pbx.media.relay.stream import Nowhere, Stream
from pbx.media.relay.suites import SUITES, MasterKey
from pbx.media.relay.webrtc_leg import WebRtcTransport
from sip.sdp.attributes import Setup


@dataclass(frozen=True, slots=True)
class Machinery:
    """What all legs of a process share."""

    loop: asyncio.AbstractEventLoop
    readiness: Readiness
    pool: PortPool
    hub: Hub
    addressing: Addressing


class Leg:
    """A party by its tag.

    Attributes:
        streams: one for each m= line that there ever was, in their order.
        offered: the party's last offer.
        remote: the party's description that is in force.
        host: the address of its signalling, "" for unknown.
    """

    def __init__(
        self, tag: str, machinery: Machinery, identity: Callable[[], Identity], on_lost: Callable[[Loss], None]
    ) -> None:
        self.tag = tag
        self.host = ""
        self.streams: list[Stream] = []
        self.offered: Remote | None = None
        self.remote: Remote | None = None
        self._on_lost = on_lost
        self._machinery = machinery
        self._identity = identity
        self._own: dict[Stream, RtpTransport] = {}
        self._webrtc: dict[int, WebRtcTransport] = {}  # by the first stream of those that share it
        self._address = ""
        self._keys: dict[Stream, tuple[Key, ...]] = {}  # ours, as we have offered them
        self._chosen: dict[Stream, Key | None] = {}
        self._encrypted: set[Stream] = set()  # those that we have offered with nothing but SRTP
        self._muxed: set[Stream] = set()

    # ---- what carries its streams

    def prepare(self, kinds: Sequence[str]) -> None:
        """Makes sure that there is a stream for each m= line."""
        for index, kind in enumerate(kinds):
            if index == len(self.streams):
                self.streams.append(Stream(kind, index))
            elif self.streams[index].kind != kind:
                self.release(self.streams[index])
                self.streams[index] = Stream(kind, index)

    def carry(self, stream: Stream, profile: MediaProfile, bundle: Sequence[int]) -> None:
        """Gives the stream what carries it, unless it has it. `bundle` are the streams that share one transport."""
        if profile is MediaProfile.WEBRTC:
            place = min(bundle, default=stream.index)
            transport = self._webrtc.get(place)
            if transport is None:
                machinery = self._machinery
                transport = WebRtcTransport(machinery.loop, machinery.hub, self._identity(), self._on_lost)
                self._webrtc[place] = transport
            if stream.transport is not transport:
                self.release(stream)
                transport.add(stream)
        elif stream not in self._own:
            self.release(stream)
            address = self.address()
            machinery = self._machinery
            host = machinery.addressing.bindable(address)
            made = RtpTransport(machinery.readiness, machinery.pool, host, stream)
            self._own[stream] = stream.transport = made

    def release(self, stream: Stream) -> None:
        """Takes away what carries the stream: it was turned down, or the party is gone."""
        own = self._own.pop(stream, None)
        if own is not None:
            own.close()
        for place, transport in list(self._webrtc.items()):
            if stream.transport is transport:
                transport.remove(stream)
                if transport.is_empty:
                    transport.close()
                    del self._webrtc[place]
        stream.transport = Nowhere()
        self._keys.pop(stream, None)
        self._chosen.pop(stream, None)

    def close(self) -> None:
        for stream in self.streams:
            self.release(stream)
            stream.across = None

    def address(self) -> str:
        """Our address towards the party: one for its whole life."""
        if not self._address:
            remote = self.offered or self.remote
            used = [one.address[0] for one in remote.streams if one.usable] if remote is not None else []
            # Where its signalling comes from says more than an address of a network behind NAT, or of no network.
            described = next((host for host in used if not host.startswith("127.") and host != "::1"), "")
            self._address = self._machinery.addressing.towards(self.host or described)
        return self._address

    # ---- what we say about it

    def bundle(self, remote: Remote | None, index: int, *, offering: bool) -> Sequence[int]:
        """The streams that share a transport with that one: all where we offer, else as the party groups them."""
        if remote is None or (offering and not remote.bundles):
            return range(len(self.streams))
        group = next((group for group in remote.bundles if index in group), None)
        if group is None and offering:
            return range(len(self.streams))
        return group or (index,)

    def place(self, stream: Stream, mid: str, *, offering: bool) -> Place:
        """How to reach the stream, as the party has to be told."""
        address = self.address()
        if isinstance(transport := stream.transport, WebRtcTransport):
            port = self._machinery.hub.port
            candidates = self._machinery.addressing.candidates(self.host)
            attributes = describe.webrtc_attributes(
                mid=mid,
                ufrag=transport.credentials.ufrag,
                password=transport.credentials.password,
                fingerprint=transport.identity.fingerprint,
                role=Setup.ACTPASS if offering else transport.role,
                candidates=[(host, port) for host in candidates],
                ssrc=stream.ssrc,
                name=stream.correspondence.name,
                kind=stream.kind,
            )
            return Place(address, port, attributes)
        port = self._own[stream].port
        if offering:
            keys = self._keys.get(stream, ())
        else:
            chosen = self._chosen.get(stream)
            keys = () if chosen is None else (chosen,)
        muxed = not offering and stream in self._muxed
        return Place(address, port, describe.rtp_attributes(port, muxed=muxed, keys=keys))

    def offer_keys(self, stream: Stream, profile: MediaProfile) -> None:
        """Makes the keys that an offer has; those that were offered before stay."""
        if profile is MediaProfile.SRTP:
            self._encrypted.add(stream)
        else:
            self._encrypted.discard(stream)
        if profile not in (MediaProfile.SRTP, MediaProfile.SRTP_OPTIONAL):
            self._keys.pop(stream, None)
        elif stream not in self._keys:
            before = self._chosen.get(stream)
            keys = []
            for number, suite in enumerate(SUITES, 1):
                known = before is not None and before.key.suite is suite
                keys.append(Key(number, before.key if known and before is not None else MasterKey.new(suite)))
            self._keys[stream] = tuple(keys)

    # ---- what it says

    def accept(self, remote: Remote, *, answering: bool) -> None:
        """The party's description is in force now. Raises NotAcceptable, and then nothing has changed."""
        pairs = list(zip(self.streams, remote.streams, strict=False))
        chosen = {
            stream: self._choose_keys(stream, described, answering=answering)
            for stream, described in pairs
            if described.usable and stream in self._own
        }
        for stream, described in pairs:
            if not described.usable:
                if not described.media.port:
                    self.release(stream)
                continue
            stream.exchange.direction = described.direction
            stream.exchange.theirs = described.codecs
            stream.exchange.feedback = described.all_feedback
            stream.exchange.learn(described.codecs)
            if (own := self._own.get(stream)) is not None:
                theirs, mine = chosen[stream]
                self._chosen[stream] = mine
                own.protect(theirs.key if theirs else None, mine.key if mine else None)
                muxed = described.muxed and not answering
                if muxed:
                    self._muxed.add(stream)
                else:
                    self._muxed.discard(stream)
                own.negotiated(described.address, described.rtcp, self.host, muxed=muxed)
            elif isinstance(transport := stream.transport, WebRtcTransport) and described.ice is not None:
                transport.negotiated(described.ice, described.fingerprints, described.setup)
                mid_extension = next((n for n, uri in described.extensions.items() if uri.endswith(":sdes:mid")), 0)
                transport.learn_sources(stream, described.sources, described.mid, mid_extension)
        self.remote = remote

    def restart_if_wanted(self, remote: Remote) -> None:
        """Before we answer an offer: a browser that restarts ICE gets new credentials."""
        for stream, described in zip(self.streams, remote.streams, strict=False):
            if isinstance(transport := stream.transport, WebRtcTransport) and described.ice is not None:
                transport.offered(described.ice)

    def _choose_keys(
        self, stream: Stream, described: RemoteStream, *, answering: bool
    ) -> tuple[Key | None, Key | None]:
        """The party's key and ours: of what it has answered, or of what it offers."""
        if not described.keys:
            if described.requires_keys or (answering and stream in self._encrypted):
                raise NotAcceptable("SRTP without a usable key")
            return None, None
        ours = self._keys.get(stream, ())
        if answering:
            theirs = described.keys[0]
            mine = next((key for key in ours if key.tag == theirs.tag and key.key.suite is theirs.key.suite), None)
            if mine is None:
                raise NotAcceptable("the answer takes up no key that was offered")
            return theirs, mine
        before = self._chosen.get(stream)
        if before is not None:
            for theirs in described.keys:
                if theirs.key.suite is before.key.suite:
                    return theirs, Key(theirs.tag, before.key)
        theirs = described.keys[0]
        # A key that we had offered for this suite before serves again.
        known = next((key.key for key in ours if key.key.suite is theirs.key.suite), None)
        return theirs, Key(theirs.tag, known or MasterKey.new(theirs.key.suite))

    # ---- what became of it

    def tick(self, now: float) -> None:
        for transport in list(self._webrtc.values()):
            transport.tick(now)
        for own in self._own.values():
            own.tick(now)

    def statistics(self) -> tuple[StreamStatistics, ...]:
        """Of each stream in use."""
        return tuple(_statistics(stream) for stream in self.streams if stream.exchange.theirs)


def _statistics(stream: Stream) -> StreamStatistics:
    reception, state = stream.reception, stream.correspondence
    codec = stream.exchange.current.name if stream.exchange.current is not None else ""
    trip = None if state.round_trip is None else 1000 * state.round_trip
    opinion = None
    if stream.kind == "audio" and reception.packets:
        loss = reception.lost / (reception.lost + reception.packets)
        opinion = mean_opinion(codec, loss=loss, jitter=reception.jitter_ms, round_trip=trip)
    return StreamStatistics(
        kind=stream.kind,
        codec=codec,
        packets=reception.packets,
        octets=reception.octets,
        lost=reception.lost,
        jitter=round(reception.jitter_ms, 3),
        round_trip=None if trip is None else round(trip, 3),
        mos=None if opinion is None else round(opinion, 2),
        sent_packets=stream.sent,
        sent_octets=stream.sent_octets,
        remote_lost=state.remote_lost,
    )
