"""A party's description as the relay needs it: where each stream goes, in what form, under which keys."""

from dataclasses import dataclass, replace
from typing import NamedTuple

from pbx.media.errors import NotAcceptable
from pbx.media.plane import MediaProfile
from pbx.media.relay.latching import is_unspecified, plain_host
from pbx.media.relay.suites import BY_NAME, MasterKey
from sip.sdp.attributes import (
    Crypto,
    Fingerprint,
    IceCredentials,
    Setup,
    bundle,
    fingerprints,
    ice_credentials,
    rtcp,
    setup,
)
from sip.sdp.codecs import Codec, codecs
from sip.sdp.description import MediaDescription, SessionDescription, parse
from sip.sdp.errors import SdpError
from sip.sdp.lines import words
from sip.sdp.negotiation import Direction, direction

KINDS = ("audio", "video")
# That a description may use; a call has two or three. Each takes ports, of which the calls of a process share some
# thousands, so what is beyond is turned down.
MOST_STREAMS = 8
# What can be brought to the other side (RFC 4585, RFC 5104 and two drafts that all browsers have).
FEEDBACK = frozenset({"nack", "nack pli", "ccm fir", "goog-remb", "transport-cc"})


class Key(NamedTuple):
    """An a=crypto that we can use: its tag and the key."""

    tag: int
    key: MasterKey


@dataclass(frozen=True, slots=True)
class RemoteStream:
    """One m= line of a party. `usable` is false for what is rejected, and for what a relay of RTP can't carry.

    `offers_keys` says that SRTP is meant to be possible; `requires_keys` that nothing else is.
    """

    media: MediaDescription
    usable: bool
    profile: MediaProfile
    address: tuple[str, int]
    rtcp: tuple[str, int] | None
    muxed: bool
    codecs: tuple[Codec, ...]
    direction: Direction
    keys: tuple[Key, ...]
    ice: IceCredentials | None
    fingerprints: tuple[Fingerprint, ...]
    setup: Setup | None
    mid: str
    extensions: dict[int, str]
    feedback: dict[int, frozenset[str]]
    sources: tuple[int, ...]

    @property
    def kind(self) -> str:
        return self.media.kind

    @property
    def requires_keys(self) -> bool:
        return "SAVP" in self.media.protocol.upper()

    @property
    def all_feedback(self) -> frozenset[str]:
        """The kinds of feedback for any of its codecs."""
        return frozenset().union(*self.feedback.values()) if self.feedback else frozenset()


@dataclass(frozen=True, slots=True)
class Remote:
    """A whole description. `bundles` are groups of numbers of streams that share one transport."""

    description: SessionDescription
    streams: tuple[RemoteStream, ...]
    bundles: tuple[tuple[int, ...], ...]
    ice_lite: bool

    @property
    def profile(self) -> MediaProfile:
        """That of the first stream in use."""
        return next((stream.profile for stream in self.streams if stream.usable), MediaProfile.RTP)


def read(sdp: bytes) -> Remote:
    """Reads a description. Raises NotAcceptable."""
    try:
        description = parse(sdp)
        mids = {media.value("mid"): number for number, media in enumerate(description.media) if media.value("mid")}
        groups = tuple(tuple(mids[mid] for mid in group if mid in mids) for group in bundle(description))
        # RFC 9143 §7.1.3: only the first of a bundle says how to reach and believe it, in an answer and later offers.
        first = {number: description.media[group[0]] for group in groups for number in group}
        streams = tuple(
            _read_stream(description, media, first.get(number, media)) for number, media in enumerate(description.media)
        )
    except SdpError as error:
        raise NotAcceptable(str(error)) from error
    beyond = [number for number, stream in enumerate(streams) if stream.usable][MOST_STREAMS:]
    streams = tuple(
        replace(stream, usable=False) if number in beyond else stream for number, stream in enumerate(streams)
    )
    return Remote(description, streams, tuple(group for group in groups if group), description.has("ice-lite"))


def _read_stream(description: SessionDescription, media: MediaDescription, first: MediaDescription) -> RemoteStream:
    """`first` is the stream whose transport this one shares; itself for none."""
    known = codecs(media)
    prints = fingerprints(description, media) or fingerprints(description, first)
    ice = ice_credentials(description, media) or ice_credentials(description, first)
    keys = _keys(media)
    is_dtls = bool(prints) and "TLS" in media.protocol.upper()
    # Old browsers and gateways name the profile without TLS, and mean it (JSEP: RTP/SAVPF with a fingerprint).
    is_webrtc = ice is not None and bool(prints) and (is_dtls or (not keys and "SAVPF" in media.protocol.upper()))
    if is_webrtc:
        profile = MediaProfile.WEBRTC
    elif "SAVP" in media.protocol.upper():
        profile = MediaProfile.SRTP
    else:
        profile = MediaProfile.SRTP_OPTIONAL if keys else MediaProfile.RTP
    connection = description.connection_of(media)
    # As sockets write it, so that it can be compared with where packets come from.
    host = (plain_host(connection.address) or connection.address) if connection is not None else ""
    usable = not media.rejected and media.kind in KINDS and bool(known)
    # DTLS without ICE, or SRTP without a key that we know, is nothing to talk to.
    usable = usable and (is_webrtc or (not is_dtls and (profile is not MediaProfile.SRTP or bool(keys))))
    if usable and not is_webrtc and not host:
        raise NotAcceptable("SDP: c= is missing")
    return RemoteStream(
        media=media,
        usable=usable,
        profile=profile,
        address=(host, media.port),
        rtcp=_rtcp_address(media, host),
        muxed=media.has("rtcp-mux"),
        codecs=known,
        direction=direction(description, media),
        keys=keys,
        ice=ice if is_webrtc else None,
        fingerprints=prints,
        setup=(setup(description, media) or setup(description, first)) if is_webrtc else None,
        mid=media.value("mid") or "",
        extensions=_extensions(description, media),
        feedback=_feedback(media, known),
        sources=_sources(media),
    )


def _keys(media: MediaDescription) -> tuple[Key, ...]:
    """The a=crypto lines that we can use; one that is malformed counts as one that we don't know."""
    found = []
    for value in media.values("crypto"):
        try:
            crypto = Crypto.parse(value)
        except SdpError:
            continue
        suite = BY_NAME.get(crypto.suite)
        # RFC 4568 §6.3: session parameters that we don't follow (KDR, UNENCRYPTED_SRTP, ...) make it unusable; so do
        # several keys, which MKIs tell apart.
        harmless = all(one.startswith("WSH=") for one in crypto.parameters)
        if suite is not None and harmless and len(crypto.keys) == 1 and not crypto.keys[0].mki:
            found.append(Key(crypto.tag, MasterKey(suite, crypto.keys[0].material)))
    return tuple(found)


def _rtcp_address(media: MediaDescription, host: str) -> tuple[str, int] | None:
    """Without rtcp-mux, which both have to want. None for nowhere, and for a name: looking it up would hold up all."""
    where = rtcp(media.replacing(("rtcp-mux",)))
    described = plain_host(where.connection.address if where.connection is not None else host)
    if not where.port or where.port == media.port or not described or is_unspecified(described):
        return None
    return described, where.port


def _extensions(description: SessionDescription, media: MediaDescription) -> dict[int, str]:
    """a=extmap by number: which header extension it stands for (RFC 8285 §8)."""
    found: dict[int, str] = {}
    for value in (*description.values("extmap"), *media.values("extmap")):
        fields = words(value)
        number = fields[0].partition("/")[0] if len(fields) > 1 else ""
        if number.isascii() and number.isdigit() and 0 < int(number[:5]) < 256:
            found[int(number)] = fields[1]
    return found


def _feedback(media: MediaDescription, known: tuple[Codec, ...]) -> dict[int, frozenset[str]]:
    """a=rtcp-fb by payload type (RFC 4585 §4.2), of the kinds that we know."""
    found: dict[int, set[str]] = {codec.payload_type: set() for codec in known}
    for value in media.values("rtcp-fb"):
        number, _, rest = value.strip().partition(" ")
        kind = " ".join(words(rest))
        for payload_type, kinds in found.items():
            if number in ("*", str(payload_type)) and kind in FEEDBACK:
                kinds.add(kind)
    return {payload_type: frozenset(kinds) for payload_type, kinds in found.items()}


def _sources(media: MediaDescription) -> tuple[int, ...]:
    """The SSRCs that the party has announced (RFC 5576)."""
    texts = dict.fromkeys(value.partition(" ")[0] for value in media.values("ssrc"))
    return tuple(int(text) for text in texts if text.isascii() and text.isdigit() and len(text) <= 10)
