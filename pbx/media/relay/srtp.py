"""SRTP and SRTCP (RFC 3711, RFC 7714), in the packet buffer itself.

pylibsrtp's own methods copy each packet in and out and take no more than 1356 octets; its bindings, with which we
call libsrtp here, do neither.
"""

from pylibsrtp import Policy, Session

from pbx.media.relay.packet import AREA, BUFFER, LENGTH, LENGTH_AREA, LIBSRTP, LONGEST, WORDS, load
from pbx.media.relay.suites import MasterKey

# Packets that may come late (RFC 3711 §3.3.2). A burst of video that comes out of order spans some hundreds; libsrtp
# shifts the whole window for each packet, so speech, which is 50 packets a second, gets no more than it can use.
REPLAY_WINDOW = 1024
SPEECH_WINDOW = 128

MOST_SOURCES = 64  # SSRCs of a party whose contexts libsrtp keeps; it looks through all of them for each packet

_protect, _unprotect = LIBSRTP.srtp_protect, LIBSRTP.srtp_unprotect
_protect_rtcp, _unprotect_rtcp = LIBSRTP.srtp_protect_rtcp, LIBSRTP.srtp_unprotect_rtcp


class Protection:
    """One direction's context: `key` is what it was made of, `context` is libsrtp's, as long as this object lives."""

    __slots__ = ("_session", "_sources", "context", "key")

    def __init__(self, key: MasterKey, *, inbound: bool, window: int = REPLAY_WINDOW) -> None:
        self.key = key
        policy = Policy(
            key=key.material,
            ssrc_type=Policy.SSRC_ANY_INBOUND if inbound else Policy.SSRC_ANY_OUTBOUND,
            srtp_profile=key.suite.profile,
        )
        policy.window_size = window
        # A lost packet of video is sent again as it was (RFC 4585, NACK).
        policy.allow_repeat_tx = not inbound
        self._session = Session(policy)
        self.context = self._session._srtp[0]
        self._sources: dict[int, None] = {}

    def protect(self, start: int, end: int) -> int:
        """Encrypts the RTP packet from `start` to `end` of the buffer. Its new end, or 0 if that fails."""
        LENGTH[0] = end - start
        if _protect(self.context, AREA + start if start else AREA, LENGTH_AREA):
            return 0
        return start + LENGTH[0]

    def unprotect(self, length: int) -> int:
        """Decrypts the RTP packet in the buffer. Its new length, or 0 for a forged, repeated or malformed one."""
        LENGTH[0] = length
        if _unprotect(self.context, AREA, LENGTH_AREA):
            return 0
        return LENGTH[0]

    def unprotect_rtcp(self, length: int) -> int:
        """As `unprotect`, for RTCP."""
        LENGTH[0] = length
        if _unprotect_rtcp(self.context, AREA, LENGTH_AREA):
            return 0
        self.remember(WORDS[1])
        return LENGTH[0]

    def remember(self, source: int) -> None:
        """To be told of the SSRC of a decrypted packet that may be a new one, as it stands in the buffer.

        libsrtp makes a context for every SSRC that it meets and never lets go of it. Here it does of the oldest.
        """
        if source in self._sources:
            return
        self._sources[source] = None
        if len(self._sources) > MOST_SOURCES:
            oldest = next(iter(self._sources))
            del self._sources[oldest]
            LIBSRTP.srtp_remove_stream(self.context, oldest)

    def protect_rtcp(self, packet: bytes) -> bytes:
        """A compound packet, encrypted; b"" if that fails. Uses the buffer."""
        if len(packet) > LONGEST:  # libsrtp would write beyond the buffer
            return b""
        LENGTH[0] = load(packet)
        if _protect_rtcp(self.context, AREA, LENGTH_AREA):
            return b""
        return bytes(BUFFER[: LENGTH[0]])
