"""What the attributes about transport and encryption say, as values that read and write themselves.

Each `parse` takes the attribute's value, what follows the first colon, and raises SdpError where that is malformed;
`text` is the opposite. Codecs have a module of their own.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from sip.sdp.description import MediaDescription, SessionDescription
from sip.sdp.errors import SdpError
from sip.sdp.lines import Connection, words

# RFC 4568 §6.2, RFC 6188 §4, RFC 7714 §14.2: octets of master key and salt together.
KEY_LENGTHS = {
    "AES_CM_128_HMAC_SHA1_80": 30,
    "AES_CM_128_HMAC_SHA1_32": 30,
    "F8_128_HMAC_SHA1_80": 30,
    "AES_192_CM_HMAC_SHA1_80": 38,
    "AES_192_CM_HMAC_SHA1_32": 38,
    "AES_256_CM_HMAC_SHA1_80": 46,
    "AES_256_CM_HMAC_SHA1_32": 46,
    "AEAD_AES_128_GCM": 28,
    "AEAD_AES_256_GCM": 44,
}

# RFC 8122 §5: octets of the digests that a fingerprint may have.
DIGEST_LENGTHS = {"sha-1": 20, "sha-224": 28, "sha-256": 32, "sha-384": 48, "sha-512": 64, "md5": 16, "md2": 16}

_HEX_PAIRS = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2})*")


@dataclass(frozen=True, slots=True)
class Rtcp:
    """a=rtcp: where RTCP goes when that is not the next port (RFC 3605); `connection` when it is another host."""

    port: int
    connection: Connection | None = None

    @classmethod
    def parse(cls, value: str) -> Self:
        fields = words(value)
        if len(fields) not in (1, 4):
            raise SdpError("a=rtcp wants a port, or a port and an address")
        port = _number(fields[0], 65_535, "a=rtcp has no usable port")
        return cls(port, Connection(fields[3], fields[2], fields[1]) if len(fields) == 4 else None)

    def text(self) -> str:
        return f"{self.port} {self.connection.text()[2:]}" if self.connection else str(self.port)


@dataclass(frozen=True, slots=True)
class Key:
    """One master key of a=crypto: `material` is key and salt, `lifetime` and `mki` are as they stand."""

    material: bytes = field(repr=False)
    lifetime: str = ""
    mki: str = ""

    @classmethod
    def parse(cls, value: str) -> Self:
        method, _, info = value.partition(":")
        if method.lower() != "inline":
            raise SdpError("a=crypto has a key method other than inline", status=488)
        encoded, *rest = info.split("|")
        try:
            # Some phones leave out the padding that the longer keys need.
            material = b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
        except (Base64Error, ValueError):
            raise SdpError("a=crypto has a key that is no base64") from None
        mki = rest.pop() if rest and ":" in rest[-1] else ""
        if len(rest) > 1:
            raise SdpError("a=crypto has a key with more than a lifetime and an MKI")
        return cls(material, rest[0] if rest else "", mki)

    def text(self) -> str:
        return "|".join(["inline:" + b64encode(self.material).decode(), *filter(None, (self.lifetime, self.mki))])


@dataclass(frozen=True, slots=True)
class Crypto:
    """a=crypto: an SRTP suite and its keys, in the clear (SDES, RFC 4568)."""

    tag: int
    suite: str
    keys: tuple[Key, ...]
    parameters: tuple[str, ...] = ()

    @classmethod
    def parse(cls, value: str) -> Self:
        """A key of the wrong length for a known suite is an error, an unknown suite is none."""
        fields = words(value)
        if len(fields) < 3:
            raise SdpError("a=crypto wants tag, suite and key")
        tag = _number(fields[0], 999_999_999, "a=crypto has no usable tag")
        keys = tuple(Key.parse(one) for one in fields[2].split(";"))
        wanted = KEY_LENGTHS.get(fields[1])
        if wanted is not None and any(len(key.material) != wanted for key in keys):
            raise SdpError(f"a=crypto has a key that is not the {wanted} octets of {fields[1]}")
        return cls(tag, fields[1], keys, tuple(fields[3:]))

    def text(self) -> str:
        keys = ";".join(key.text() for key in self.keys)
        return " ".join([str(self.tag), self.suite, keys, *self.parameters])


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """a=fingerprint: the digest of the certificate that DTLS will show (RFC 8122 §5). `algorithm` is lower case."""

    algorithm: str
    digest: bytes

    @classmethod
    def parse(cls, value: str) -> Self:
        fields = words(value)
        if len(fields) != 2:
            raise SdpError("a=fingerprint wants an algorithm and a digest")
        if not _HEX_PAIRS.fullmatch(fields[1]):
            raise SdpError("a=fingerprint is not hexadecimal")
        digest = bytes.fromhex(fields[1].replace(":", ""))
        algorithm = fields[0].lower()
        if len(digest) != DIGEST_LENGTHS.get(algorithm, len(digest)):
            raise SdpError(f"a=fingerprint has the wrong length for {algorithm}")
        return cls(algorithm, digest)

    def text(self) -> str:
        return f"{self.algorithm} {self.digest.hex(':').upper()}"


class Setup(StrEnum):
    """a=setup: who begins the DTLS or TCP connection (RFC 4145 §4, RFC 5763 §5)."""

    ACTIVE = "active"
    PASSIVE = "passive"
    ACTPASS = "actpass"
    HOLDCONN = "holdconn"


@dataclass(frozen=True, slots=True)
class Candidate:
    """a=candidate: an address at which a stream may be reached (RFC 8839 §5.1).

    `related` is raddr and rport; `extensions` are the pairs that follow, such as ("tcptype", "active").
    """

    foundation: str
    component: int
    transport: str
    priority: int
    address: str
    port: int
    kind: str
    related: tuple[str, int] | None = None
    extensions: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, value: str) -> Self:
        fields = words(value)
        if len(fields) < 8 or len(fields) % 2 or fields[6] != "typ":
            raise SdpError("a=candidate is incomplete")
        pairs = list(zip(fields[8::2], fields[9::2], strict=True))
        related = None
        if len(pairs) > 1 and pairs[0][0] == "raddr" and pairs[1][0] == "rport":
            related = pairs[0][1], _number(pairs[1][1], 65_535, "a=candidate has no usable rport")
            del pairs[:2]
        return cls(
            foundation=fields[0],
            component=_number(fields[1], 256, "a=candidate has no usable component"),
            transport=fields[2],
            priority=_number(fields[3], 2**32 - 1, "a=candidate has no usable priority"),
            address=fields[4],
            port=_number(fields[5], 65_535, "a=candidate has no usable port"),
            kind=fields[7],
            related=related,
            extensions=tuple(pairs),
        )

    def text(self) -> str:
        related = f" raddr {self.related[0]} rport {self.related[1]}" if self.related else ""
        extensions = "".join(f" {name} {value}" for name, value in self.extensions)
        return (
            f"{self.foundation} {self.component} {self.transport} {self.priority} {self.address} {self.port}"
            f" typ {self.kind}{related}{extensions}"
        )


@dataclass(frozen=True, slots=True)
class IceCredentials:
    """a=ice-ufrag and a=ice-pwd (RFC 8839 §5.4)."""

    ufrag: str
    password: str = field(repr=False)


def ice_credentials(description: SessionDescription, media: MediaDescription) -> IceCredentials | None:
    """The stream's ICE credentials, its own or the session's; None where the peer does no ICE for it."""
    ufrag = description.value_for(media, "ice-ufrag")
    password = description.value_for(media, "ice-pwd")
    if ufrag is None or password is None:
        return None
    return IceCredentials(ufrag, password)


def fingerprints(description: SessionDescription, media: MediaDescription) -> tuple[Fingerprint, ...]:
    """The stream's fingerprints, its own or else the session's (RFC 8122 §5). Raises SdpError."""
    values = list(media.values("fingerprint")) or list(description.values("fingerprint"))
    return tuple(Fingerprint.parse(value) for value in values)


def setup(description: SessionDescription, media: MediaDescription) -> Setup | None:
    """The stream's a=setup, its own or the session's. Raises SdpError for a role that nobody defined."""
    value = description.value_for(media, "setup")
    try:
        return None if value is None else Setup(value)
    except ValueError:
        raise SdpError(f"a=setup is none of {', '.join(Setup)}") from None


def rtcp(media: MediaDescription) -> Rtcp:
    """Where the stream's RTCP goes: with the RTP (RFC 5761 §5.1.1), as a=rtcp says, or to the next port.

    An offer of rtcp-mux is only that: until the answer has it too, read this without (`media.replacing`).
    """
    if media.has("rtcp-mux"):
        return Rtcp(media.port)
    value = media.value("rtcp")
    # RFC 3550 §11: the next higher, odd port. A port of 65535 has none, and so no RTCP.
    return Rtcp(min(media.port + 1, 65_535)) if value is None else Rtcp.parse(value)


def bundle(description: SessionDescription) -> tuple[tuple[str, ...], ...]:
    """The mids of each a=group:BUNDLE, in order (RFC 9143 §5)."""
    groups = [words(value) for value in description.values("group")]
    return tuple(tuple(group[1:]) for group in groups if group[:1] == ["BUNDLE"])


def _number(text: str, most: int, problem: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= most):
        raise SdpError(problem)
    return int(text)
