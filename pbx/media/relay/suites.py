"""The ways of protecting media, and their keys (RFC 3711, RFC 7714): what descriptions say of them.

Loads no library, so whoever only reads descriptions knows them too. Keys never appear in a log or in a `repr`.
"""

from base64 import b64encode
from dataclasses import dataclass, field
from secrets import token_bytes


@dataclass(frozen=True, slots=True)
class Suite:
    """A way of protection: as SDES calls it (RFC 4568, RFC 7714), as DTLS does (RFC 5764), as libsrtp does.

    `profile` is libsrtp's number, which is the one of RFC 5764 §4.1.2 and RFC 7714 §14.2.
    """

    name: str
    dtls_name: bytes
    profile: int
    key_length: int
    salt_length: int

    @property
    def length(self) -> int:
        return self.key_length + self.salt_length


AES_CM_80 = Suite("AES_CM_128_HMAC_SHA1_80", b"SRTP_AES128_CM_SHA1_80", 1, 16, 14)
AES_CM_32 = Suite("AES_CM_128_HMAC_SHA1_32", b"SRTP_AES128_CM_SHA1_32", 2, 16, 14)
GCM_128 = Suite("AEAD_AES_128_GCM", b"SRTP_AEAD_AES_128_GCM", 7, 16, 12)
GCM_256 = Suite("AEAD_AES_256_GCM", b"SRTP_AEAD_AES_256_GCM", 8, 32, 12)

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
