"""SRTP and SRTCP (RFC 3711, RFC 7714), in the packet buffer itself.

pylibsrtp's own methods copy each packet in and out and take no more than 1356 octets; its bindings, with which we
call libsrtp here, do neither. Keys never appear in a log or in a `repr`.
"""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from secrets import token_bytes

from pylibsrtp import Policy, Session

from pbx.media.relay.packet import AREA, BUFFER, LENGTH, LIBSRTP, load

REPLAY_WINDOW = 1024  # packets; a burst of video that comes out of order spans some hundreds

_protect, _unprotect = LIBSRTP.srtp_protect, LIBSRTP.srtp_unprotect
_protect_rtcp, _unprotect_rtcp = LIBSRTP.srtp_protect_rtcp, LIBSRTP.srtp_unprotect_rtcp


@dataclass(frozen=True, slots=True)
class Suite:
    """A way of protection: as SDES calls it (RFC 4568, RFC 7714), as DTLS does (RFC 5764), as libsrtp does."""

    name: str
    dtls_name: bytes
    profile: int
    key_length: int
    salt_length: int

    @property
    def length(self) -> int:
        return self.key_length + self.salt_length


AES_CM_80 = Suite(
    "AES_CM_128_HMAC_SHA1_80", b"SRTP_AES128_CM_SHA1_80", int(Policy.SRTP_PROFILE_AES128_CM_SHA1_80), 16, 14
)
AES_CM_32 = Suite(
    "AES_CM_128_HMAC_SHA1_32", b"SRTP_AES128_CM_SHA1_32", int(Policy.SRTP_PROFILE_AES128_CM_SHA1_32), 16, 14
)
GCM_128 = Suite("AEAD_AES_128_GCM", b"SRTP_AEAD_AES_128_GCM", int(Policy.SRTP_PROFILE_AEAD_AES_128_GCM), 16, 12)
GCM_256 = Suite("AEAD_AES_256_GCM", b"SRTP_AEAD_AES_256_GCM", int(Policy.SRTP_PROFILE_AEAD_AES_256_GCM), 32, 12)

# What we offer, in the order of offers: what every phone has stands first, since old ones look no further.
SUITES = (AES_CM_80, AES_CM_32, GCM_256, GCM_128)
BY_NAME = {suite.name: suite for suite in SUITES}
BY_DTLS_NAME = {suite.dtls_name: suite for suite in SUITES}
# In order of preference. SHA1_32 is not for DTLS: RFC 5764 keeps it for old equipment.
DTLS_SUITES = (GCM_128, AES_CM_80, GCM_256)


@dataclass(frozen=True, slots=True)
class MasterKey:
    """A master key with its salt, and for which suite."""

    suite: Suite
    material: bytes = field(repr=False)

    @classmethod
    def new(cls, suite: Suite) -> "MasterKey":
        return cls(suite, token_bytes(suite.length))

    @property
    def inline(self) -> str:
        """As a=crypto has it."""
        return "inline:" + b64encode(self.material).decode()


class Protection:
    """One direction's context: `key` is what it was made of, `context` is libsrtp's, as long as this object lives."""

    __slots__ = ("_session", "context", "key")

    def __init__(self, key: MasterKey, *, inbound: bool) -> None:
        self.key = key
        policy = Policy(
            key=key.material,
            ssrc_type=Policy.SSRC_ANY_INBOUND if inbound else Policy.SSRC_ANY_OUTBOUND,
            srtp_profile=key.suite.profile,
        )
        policy.window_size = REPLAY_WINDOW
        # A lost packet of video is sent again as it was (RFC 4585, NACK).
        policy.allow_repeat_tx = not inbound
        self._session = Session(policy)
        self.context = self._session._srtp[0]

    def protect(self, start: int, end: int) -> int:
        """Encrypts the RTP packet from `start` to `end` of the buffer. Its new end, or 0 if that fails."""
        LENGTH[0] = end - start
        if _protect(self.context, AREA + start if start else AREA, LENGTH):
            return 0
        return start + LENGTH[0]  # type: ignore[no-any-return]

    def unprotect(self, length: int) -> int:
        """Decrypts the RTP packet in the buffer. Its new length, or 0 for a forged, repeated or malformed one."""
        LENGTH[0] = length
        if _unprotect(self.context, AREA, LENGTH):
            return 0
        return LENGTH[0]  # type: ignore[no-any-return]

    def unprotect_rtcp(self, length: int) -> int:
        """As `unprotect`, for RTCP."""
        LENGTH[0] = length
        if _unprotect_rtcp(self.context, AREA, LENGTH):
            return 0
        return LENGTH[0]  # type: ignore[no-any-return]

    def protect_rtcp(self, packet: bytes) -> bytes:
        """A compound packet, encrypted; b"" if that fails. Uses the buffer."""
        LENGTH[0] = load(packet)
        if _protect_rtcp(self.context, AREA, LENGTH):
            return b""
        return bytes(BUFFER[: LENGTH[0]])


def usable(suites: Iterator[str]) -> Iterator[tuple[int, Suite]]:
    """Of the suites that a party names those that we have, with their places."""
    for place, name in enumerate(suites):
        if name in BY_NAME:
            yield place, BY_NAME[name]
