"""A stream on ports of its own: plain RTP, or SRTP with keys from the descriptions.

While the party's address is being learned, each packet's source is looked at. Then the socket is connected to it:
the kernel lets nobody else in, and neither reading nor sending handles addresses any more.
"""

import ctypes
import logging
import time
from collections.abc import Callable

from pbx.media.relay import reports
from pbx.media.relay.express import short_way
from pbx.media.relay.latching import Address, Latch, is_behind_nat, is_unspecified
from pbx.media.relay.packet import BUFFER, HEADER_LENGTH, LONGEST, VIEW, WORDS
from pbx.media.relay.ports import Pair, PortPool
from pbx.media.relay.readiness import Readiness
from pbx.media.relay.srtp import REPLAY_WINDOW, SPEECH_WINDOW, Protection
from pbx.media.relay.stream import Stream
from pbx.media.relay.suites import MasterKey

logger = logging.getLogger(__name__)

BURST = 64  # packets that are read before other sockets get their turn

_libc = ctypes.CDLL(None)
_NOBODY = bytes(16)  # a sockaddr of family AF_UNSPEC


class RtpTransport:
    """The two sockets of a stream.

    Attributes:
        dropped: packets that came from elsewhere, were malformed, or failed authentication.
        muxed: RTCP goes with the RTP (RFC 5761).
    """

    def __init__(self, readiness: Readiness, pool: PortPool, host: str, stream: Stream) -> None:
        self._readiness = readiness
        self._pool = pool
        self._pair: Pair = pool.take(host)
        self._stream = stream
        self._rtp, self._rtcp = self._pair.rtp, self._pair.rtcp
        self._latch: Latch | None = None
        self._rtcp_address: Address | None = None
        self._rtcp_latched: Address | None = None
        self._inbound: Protection | None = None
        self._connected = False
        self._emptied = False  # since it was connected
        self._closed = False
        self.muxed = False
        self.dropped = 0
        readiness.watch(self._rtp.fileno(), self._first_packets)
        readiness.watch(self._rtcp.fileno(), self._rtcp_packet)

    @property
    def port(self) -> int:
        return self._pair.port

    @property
    def is_open(self) -> bool:
        return self._stream.write is not None

    # ---- negotiation

    def negotiated(self, address: Address, rtcp: Address | None, signalling: str, *, muxed: bool) -> None:
        """The party has described itself. The same address as before changes nothing while it is heard from there.

        Args:
            rtcp: where its RTCP goes; None for nowhere.
            signalling: the IP address of its SIP, "" for unknown.
        """
        self.muxed = muxed
        self._rtcp_address = rtcp
        now, latch = time.monotonic(), self._latch
        same = latch is not None and (latch.negotiated == address or is_unspecified(address[0]))
        if latch is not None and same and latch.behind_nat is is_behind_nat(latch.negotiated[0], signalling):
            self.tick(now)
            latch.renew(signalling, now)
            self.tick(now)  # it may have been silent already
            return
        former = latch.locked if latch is not None else None
        self._latch = Latch(address, signalling, now, former)
        self._rtcp_latched = None
        self._listen_to(None)

    def protect(self, inbound: MasterKey | None, outbound: MasterKey | None) -> None:
        """The keys for both directions; None for none. A key that is in use already goes on."""
        if inbound != (self._inbound.key if self._inbound else None):
            window = SPEECH_WINDOW if self._stream.kind == "audio" else REPLAY_WINDOW
            self._inbound = Protection(inbound, inbound=True, window=window) if inbound else None
        stream = self._stream
        if outbound != (stream.outbound.key if stream.outbound else None):
            stream.outbound = Protection(outbound, inbound=False) if outbound else None
        self._arrange()

    def tick(self, now: float) -> None:
        """Once a second: is it heard from where it was?"""
        if self._latch is not None and self._latch.look(self._stream.reception.packets, now):
            self._listen_to(None)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._stream.write = self._stream.outbound = None
            self._readiness.forget(self._rtp.fileno())
            self._readiness.forget(self._rtcp.fileno())
            self._pool.give_back(self._pair)

    # ---- packets that come

    def _take(self, length: int) -> None:
        """The packet in the buffer, which comes from the party for sure: nobody else gets into its socket."""
        if length < HEADER_LENGTH or length > LONGEST or BUFFER[0] & 0xC0 != 0x80:
            self._refuse()
            return
        if 191 < BUFFER[1] < 224:
            self._take_rtcp(length)
            return
        if self._inbound is not None:
            length = self._inbound.unprotect(length)
            if not length:
                self._refuse()
                return
            self._inbound.remember(WORDS[2])
        self._stream.receive(length)

    def _refuse(self) -> None:
        self.dropped += 1

    def _first_packets(self) -> None:
        """While nothing has come, or where the party sends from elsewhere than it listens.

        And until the socket is empty once it is connected: the kernel keeps what it had let in before.
        """
        for _ in range(BURST):
            try:
                length, source = self._rtp.recvfrom_into(BUFFER)
            except OSError as error:
                if self._connected and isinstance(error, BlockingIOError):
                    self._emptied = True
                    self._arrange()
                return
            self._take_first(length, source[:2])
            if not self._connected:
                return

    def _take_first(self, length: int, source: Address) -> None:
        """The packet in the buffer, from anybody."""
        latch = self._latch
        if latch is None or length < HEADER_LENGTH or length > LONGEST or BUFFER[0] & 0xC0 != 0x80:
            self.dropped += 1
            return
        if source != latch.locked and not latch.admits(source, time.monotonic()):
            self.dropped += 1
            return
        if 191 < BUFFER[1] < 224:
            if source == latch.locked or source == latch.negotiated:
                self._take_rtcp(length)
            return
        if self._inbound is not None:
            length = self._inbound.unprotect(length)
            if not length:
                self.dropped += 1
                return
            self._inbound.remember(WORDS[2])
        if source != latch.locked or latch.doubted:
            if not self._stream.exchange.expects(BUFFER[1] & 0x7F):
                self.dropped += 1
                return
            if source != latch.locked:
                self._rtcp_latched = None
                if source != latch.negotiated:
                    logger.info("= stream at port %d: media comes from %s:%d", self.port, *source)
            latch.take(source)
            self._listen_to(source if latch.destination == source else None)
        self._stream.receive(length)

    def _listen_to(self, source: Address | None) -> None:
        """Connects the RTP socket to the party; None lets go of whom it was connected to."""
        assert self._latch is not None
        if self._connected:
            _libc.connect(self._rtp.fileno(), _NOBODY, len(_NOBODY))
            self._connected = False
        self._emptied = False
        if source is not None:
            try:
                self._rtp.connect(source)
            except OSError as error:
                logger.warning("! stream at port %d can't be connected to %s:%d: %s", self.port, *source, error)
            else:
                self._connected = True
        self._stream.write = self._rtp.send if self._connected else self._unconnected(self._latch.destination)
        self._arrange()

    def _arrange(self) -> None:
        """Puts together what packets go through, of what is agreed now."""
        if self._closed:
            return
        descriptor, reader = self._rtp.fileno(), self._first_packets
        if self._connected and self._emptied:
            reader = short_way(descriptor, self._stream, self._inbound, self._take, self._refuse)
        self._readiness.watch(descriptor, reader)

    def _unconnected(self, destination: Address | None) -> Callable[[memoryview], object] | None:
        if destination is None or not destination[1]:
            return None
        send = self._rtp.sendto
        return lambda packet: send(packet, destination)

    def _rtcp_packet(self) -> None:
        try:
            length, source = self._rtcp.recvfrom_into(BUFFER)
        except OSError:
            return
        source = source[:2]
        latch = self._latch
        party = None if latch is None else latch.locked or latch.negotiated
        if party is None or not 0 < length <= LONGEST or BUFFER[0] & 0xC0 != 0x80:
            self.dropped += 1
            return
        # RTCP of a party behind NAT, or that isn't symmetric: from the same host, and then always the same port.
        is_known = source in (self._rtcp_latched, self._rtcp_address)
        if not is_known and (source[0] != party[0] or self._rtcp_latched is not None):
            self.dropped += 1
            return
        if self._take_rtcp(length):
            self._rtcp_latched = source

    def _take_rtcp(self, length: int) -> bool:
        """False for what is no RTCP, or none of the party."""
        if self._inbound is not None:
            length = self._inbound.unprotect_rtcp(length)
            if not length:
                self.dropped += 1
                return False
        return reports.receive(bytes(VIEW[:length]), (self._stream,))

    # ---- packets that go

    def send(self, start: int, end: int) -> None:
        """Sends the packet from `start` to `end` of the buffer."""
        write, outbound = self._stream.write, self._stream.outbound
        if write is None:  # its address isn't known
            return
        if outbound is not None:
            end = outbound.protect(start, end)
            if not end:
                return
        try:
            write(VIEW[start:end])
        except OSError:  # its port is closed, or the queue of the interface is full: a lost packet either way
            return

    def send_rtcp(self, packet: bytes) -> None:
        """Sends a compound packet, to where the party takes RTCP."""
        if self._closed or self._latch is None:
            return
        write, outbound = self._stream.write, self._stream.outbound
        if outbound is not None:
            packet = outbound.protect_rtcp(packet)
        try:
            if self.muxed:
                if write is not None:
                    write(memoryview(packet))
            elif (where := self._rtcp_destination()) is not None:
                self._rtcp.sendto(packet, where)
        except OSError:
            return

    def _rtcp_destination(self) -> Address | None:
        assert self._latch is not None
        if self._rtcp_latched is not None:
            return self._rtcp_latched
        if not self._latch.behind_nat:
            return self._rtcp_address
        locked = self._latch.locked
        return None if locked is None or locked[1] >= 65_535 else (locked[0], locked[1] + 1)
