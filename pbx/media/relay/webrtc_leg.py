"""The transport of a browser: ICE finds it, DTLS agrees with it on keys, SRTP and SRTCP of all its streams share it.

The browser checks all the time whether it is still wanted (RFC 7675). Where its checks stay away, nobody is there.
"""

import asyncio
import time
from collections.abc import Callable, Sequence

from pbx.media.plane import Loss
from pbx.media.relay import ice, reports
from pbx.media.relay.dtls import Handshake, Identity, State
from pbx.media.relay.hub import Hub, Path
from pbx.media.relay.packet import BUFFER, VIEW, WORDS, extension
from pbx.media.relay.srtp import Protection
from pbx.media.relay.stream import Stream
from sip.sdp.attributes import Fingerprint, IceCredentials, Setup

CONSENT = 29.0  # seconds; RFC 7675 §5.1 has 30, and we look once a second
FRESH = 10.0  # seconds for which a check tells where the browser is; they come every two or three, or every five
SET_UP = 30.0  # seconds from the browser's description until its media is encrypted
LONGEST_HELLO = 4  # datagrams; with keys that withstand quantum computers a greeting takes two
MOST_SOURCES = 64  # SSRCs that are remembered; a browser that begins anew takes another one


class WebRtcTransport:
    """One transport of a browser and the streams on it.

    Attributes:
        credentials: our side of ICE.
        identity: our certificate.
        dropped: packets that failed authentication or belong to no stream.
        on_lost: called once when the browser is gone or is somebody else.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, hub: Hub, identity: Identity, on_lost: Callable[[Loss], None]
    ) -> None:
        self.credentials = ice.Credentials.new()
        self.identity = identity
        self.dropped = 0
        self.on_lost = on_lost
        self._loop = loop
        self._hub = hub
        self._streams: list[Stream] = []
        self._remote: IceCredentials | None = None
        self._prints: tuple[Fingerprint, ...] = ()
        self._server = True
        self._handshake: Handshake | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._selected: Path | None = None
        self._early: tuple[str, Path] | None = None
        self._hello: list[tuple[bytes, Path]] = []
        self._inbound: Protection | None = None
        self._outbound: Protection | None = None
        self._by_source: dict[int, Stream] = {}
        self._mid_extension = 0
        self._mids: dict[bytes, Stream] = {}
        self._described = 0.0  # when the browser's description came; 0 for not yet
        self._consent = 0.0
        self._lost = False
        hub.admit(self)

    # ---- negotiation

    def add(self, stream: Stream) -> None:
        """The stream goes by this transport."""
        if stream not in self._streams:
            self._streams.append(stream)
            stream.transport = self

    def remove(self, stream: Stream) -> None:
        """The stream goes by this transport no more."""
        if stream in self._streams:
            self._streams.remove(stream)
        self._by_source = {ssrc: one for ssrc, one in self._by_source.items() if one is not stream}

    @property
    def is_empty(self) -> bool:
        return not self._streams

    def offered(self, remote: IceCredentials) -> None:
        """The browser offers; if it restarts ICE, so do we (RFC 8445 §2.5, RFC 8839 §4.4.1.1.1)."""
        if self._remote is not None and self._remote != remote:
            self._hub.forget_name(self.credentials.ufrag)
            self.credentials = ice.Credentials.new()
            self._hub.admit(self)

    def negotiated(self, remote: IceCredentials, prints: Sequence[Fingerprint], role: Setup | None) -> None:
        """The browser has described itself, as offerer or as answerer.

        `role` is its a=setup; actpass or none makes us the server at first.
        """
        self._remote = remote
        if self._early is not None and self._early[0] == remote.ufrag:
            self._selected = self._early[1]
        self._early = None
        now = time.monotonic()
        self._consent = now
        # actpass leaves it to us, and in a further offer we stay what we are (RFC 8842 §5.3).
        server = self._server if role in (None, Setup.ACTPASS) else role is not Setup.PASSIVE
        if set(prints) != set(self._prints) or (self._handshake is not None and server is not self._server):
            # RFC 8842 §5: another certificate, another association.
            self._prints = tuple(prints)
            self._server = server
            self._inbound = self._outbound = None
            self._handshake = Handshake(self.identity, self._prints, server=server)
            self._described = now
            if self._selected is not None:
                self._begin()
            for datagram, path in self._hello:
                self.take_dtls(datagram, path)
        self._hello.clear()

    @property
    def is_open(self) -> bool:
        return self._selected is not None and self._outbound is not None

    @property
    def role(self) -> Setup:
        """Our a=setup in an answer."""
        return Setup.PASSIVE if self._server else Setup.ACTIVE

    def learn_sources(self, stream: Stream, ssrcs: Sequence[int], mid: str, mid_extension: int) -> None:
        """By what the packets of a stream are known among those of the others (RFC 9143 §9.2)."""
        for ssrc in ssrcs[:MOST_SOURCES]:
            self._learn(ssrc, stream)
        if mid:
            self._mids[mid.encode()] = stream
        self._mid_extension = mid_extension

    def tick(self, now: float) -> None:
        """Once a second: is it still there?"""
        if self._lost or not self._described:
            return
        if self._inbound is None and now - self._described > SET_UP:
            self._lose(Loss.SETUP)
        elif now - self._consent > CONSENT:
            self._lose(Loss.CONSENT if self._selected is not None else Loss.SETUP)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._handshake is not None and self._selected is not None:
            for datagram in self._handshake.goodbye():
                _transmit(datagram, self._selected)
        self._lost = True
        self._hub.dismiss(self)

    # ---- what comes

    def checked(self, check: ice.Check, path: Path) -> None:
        """An authentic check: consent, and perhaps the address to use from now on."""
        if self._remote is None or check.theirs != self._remote.ufrag:
            # Ahead of its description, which it may not nominate again after; or of before a restart.
            if check.nominates:
                self._early = check.theirs, path
            return
        self._consent = time.monotonic()
        if check.nominates and path != self._selected:
            first = self._selected is None
            self._selected = path
            if first and self._handshake is not None:
                self._begin()

    def lives_at(self, source: ice.Address) -> bool:
        """As a guest of the hub."""
        selected = self._selected
        return selected is not None and selected.address == source and time.monotonic() - self._consent < FRESH

    def take_dtls(self, datagram: bytes, path: Path) -> None:
        """DTLS may come by an address that was checked and not nominated yet."""
        handshake = self._handshake
        if handshake is None:
            if len(self._hello) < LONGEST_HELLO:
                # It is faster than its description, and would repeat this after a second.
                self._hello.append((datagram, path))
            return
        for answer in handshake.take(datagram):
            _transmit(answer, path)
        self._look_at(handshake)

    def take_media(self, length: int) -> None:
        """RTP or RTCP: the packet in the buffer."""
        inbound = self._inbound
        if inbound is None:
            return
        if 191 < BUFFER[1] < 224:
            length = inbound.unprotect_rtcp(length)
            if length:
                reports.receive(bytes(VIEW[:length]), self._streams)
            else:
                self.dropped += 1
            return
        length = inbound.unprotect(length)
        if not length:
            self.dropped += 1
            return
        stream = self._by_source.get(int.from_bytes(BUFFER[8:12], "big"))
        if stream is None:
            inbound.remember(WORDS[2])
            stream = self._whose(length)
            if stream is None:
                self.dropped += 1
                return
        stream.receive(length)

    # ---- what goes

    def send(self, start: int, end: int) -> None:
        """Sends the RTP packet that stands there in the buffer."""
        target = self._selected
        if target is None or self._outbound is None:
            return
        end = self._outbound.protect(start, end)
        if end:
            _transmit(VIEW[start:end], target)

    def send_rtcp(self, packet: bytes) -> None:
        """Sends a compound packet."""
        if self._selected is not None and self._outbound is not None:
            _transmit(self._outbound.protect_rtcp(packet), self._selected)

    # ---- inside

    def _begin(self) -> None:
        """We speak first where we are the client; as the server we wait."""
        handshake = self._handshake
        if handshake is None or self._server or self._selected is None:
            return
        for datagram in handshake.begin():
            _transmit(datagram, self._selected)
        self._look_at(handshake)

    def _look_at(self, handshake: Handshake) -> None:
        """What the handshake's state means for the media, and when to repeat a flight."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if handshake.state is State.CONNECTED and self._inbound is None and handshake.keys is not None:
            self._inbound = Protection(handshake.keys.inbound, inbound=True)
            self._outbound = Protection(handshake.keys.outbound, inbound=False)
            for stream in self._streams:
                if stream.across is not None:
                    reports.ask_for_key_frame(stream.across)
        elif handshake.state is State.FORGED:
            self._lose(Loss.FINGERPRINT)
        elif handshake.state is State.FAILED:
            self._lose(Loss.SETUP)
        elif (wait := handshake.timeout) is not None:
            self._timer = self._loop.call_later(wait + 0.01, self._repeat, handshake)

    def _repeat(self, handshake: Handshake) -> None:
        if handshake is not self._handshake or self._selected is None:
            return
        for datagram in handshake.timed_out():
            _transmit(datagram, self._selected)
        self._look_at(handshake)

    def _whose(self, length: int) -> Stream | None:
        """The stream of an SSRC that nobody has announced: by the mid in its header, else by its payload type."""
        stream = None
        if self._mid_extension:
            stream = self._mids.get(extension(length, self._mid_extension))
        if stream is None:
            payload_type = BUFFER[1] & 0x7F
            able = [one for one in self._streams if one.exchange.expects(payload_type)]
            stream = able[0] if len(able) == 1 else None
        if stream is not None:
            self._learn(int.from_bytes(BUFFER[8:12], "big"), stream)
        return stream

    def _learn(self, ssrc: int, stream: Stream) -> None:
        """From now on that SSRC is the stream's; the oldest are forgotten."""
        while ssrc not in self._by_source and len(self._by_source) >= MOST_SOURCES:
            self._by_source.pop(next(iter(self._by_source)))
        self._by_source[ssrc] = stream

    def _lose(self, loss: Loss) -> None:
        if not self._lost:
            self._lost = True
            self.on_lost(loss)


def _transmit(datagram: bytes | memoryview, path: Path) -> None:
    """One that can't be sent is a lost one."""
    try:
        path.send(datagram, path.address)
    except OSError:
        return
