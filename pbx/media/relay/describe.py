"""Descriptions as we write them: what each kind of party can read, and nothing else.

Nothing of the other party's transport goes through: no address, no key, no candidate, no SSRC, no attribute that the
reader might take for an ability of ours. What is left of its own is the order of the streams, their codecs, their
direction, packet times and bandwidths.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from pbx.media.plane import MediaProfile
from pbx.media.relay.remote import Key, RemoteStream
from sip.sdp.attributes import Candidate, Fingerprint, Setup
from sip.sdp.codecs import Codec
from sip.sdp.description import MediaDescription, SessionDescription
from sip.sdp.lines import Attribute, Connection, Field, Line, Origin
from sip.sdp.negotiation import Direction, rejected

PROTOCOLS = {
    MediaProfile.RTP: "RTP/AVP",
    MediaProfile.SRTP: "RTP/SAVP",
    MediaProfile.SRTP_OPTIONAL: "RTP/AVP",
    MediaProfile.WEBRTC: "UDP/TLS/RTP/SAVPF",
}

# They say how speech is cut into packets and how pictures are made, which is so on both sides.
_PASSED_ON = ("ptime", "maxptime", "framerate", "content", "label")

# We translate between the two, so both can be had from every party.
KEY_FRAMES = ("nack pli", "ccm fir")

# They name streams by what is different on the other side.
_OWN_EXTENSIONS = (
    "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stream of ours is reached, and the attributes that say how."""

    address: str
    port: int
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True)
class Content:
    """What a stream carries towards one party.

    `like` is the other party's m= line, from which everything is taken that isn't about transport. `feedback` gives
    the kinds of a=rtcp-fb by payload type.
    """

    like: MediaDescription
    protocol: str
    codecs: tuple[Codec, ...]
    direction: Direction
    feedback: dict[int, Collection[str]]
    extensions: dict[int, str]


def stream(content: Content, place: Place) -> MediaDescription:
    """The m= line with all that belongs to it."""
    like = content.like
    lines: list[Line] = [Connection(place.address, "IP6" if ":" in place.address else "IP4")]
    lines += [line for line in like.lines if isinstance(line, Field) and line.letter == "b"]
    for codec in content.codecs:
        lines += codec.attributes()
        lines += [
            Attribute("rtcp-fb", f"{codec.payload_type} {kind}")
            for kind in sorted(content.feedback.get(codec.payload_type, ()))
        ]
    lines += [Attribute(name, value) for name in _PASSED_ON if (value := like.value(name)) is not None]
    lines += [Attribute("extmap", f"{number} {uri}") for number, uri in sorted(content.extensions.items())]
    lines.append(Attribute(content.direction.value))
    lines += place.attributes
    return MediaDescription(
        lines=tuple(lines),
        kind=like.kind,
        port=place.port,
        protocol=content.protocol,
        formats=tuple(str(codec.payload_type) for codec in content.codecs),
    )


def turned_down(like: MediaDescription, protocol: str, address: str, mid: str) -> MediaDescription:
    """A stream that isn't there. `mid` is kept for a browser (RFC 8843 §7.3), else it is ""."""
    media = rejected(like)
    lines: tuple[Line, ...] = (Connection(address, "IP6" if ":" in address else "IP4"),)
    if mid:
        lines = (*lines, Attribute("mid", mid))
    return MediaDescription(lines=lines, kind=media.kind, port=0, protocol=protocol, formats=media.formats)


def session(
    like: SessionDescription, media: Sequence[MediaDescription], *, bundle: Sequence[str] = (), lite: bool = False
) -> bytes:
    """The whole. `bundle` are the mids that share a transport, `lite` says that we do ICE, and which (RFC 8445)."""
    times = [line for line in like.lines if isinstance(line, Field) and line.letter == "t"]
    lines: list[Line] = [Field("v", "0"), _origin(like.origin), Field("s", "-"), *(times or [Field("t", "0 0")])]
    if lite:
        lines.append(Attribute("ice-lite"))
    if bundle:
        lines.append(Attribute("group", " ".join(("BUNDLE", *bundle))))
        lines.append(Attribute("msid-semantic", "WMS *"))
    return SessionDescription(lines=tuple(lines), media=tuple(media)).to_bytes()


def _origin(origin: Origin) -> Origin:
    """The o= line with nothing in it that a strict reader stumbles over; whoever sends it on makes it his own."""
    return Origin("-", origin.session_id, origin.version, origin.address, origin.address_type, origin.net_type)


# ---- attributes of transports


def rtp_attributes(port: int, *, muxed: bool, keys: Iterable[Key]) -> tuple[Attribute, ...]:
    """Those of a stream on ports of its own."""
    return (
        Attribute("rtcp", str(port if muxed else port + 1)),
        *((Attribute("rtcp-mux"),) if muxed else ()),
        *(Attribute("crypto", f"{key.tag} {key.key.suite.name} {key.key.inline}") for key in keys),
    )


def webrtc_attributes(
    *,
    mid: str,
    ufrag: str,
    password: str,
    fingerprint: Fingerprint,
    role: Setup,
    candidates: Sequence[tuple[str, int]],
    ssrc: int,
    name: str,
    kind: str,
) -> tuple[Attribute, ...]:
    """Those of a browser's stream. `name` is our CNAME, by which the browser also groups its streams."""
    return (
        Attribute("mid", mid),
        Attribute("ice-ufrag", ufrag),
        Attribute("ice-pwd", password),
        Attribute("fingerprint", fingerprint.text()),
        Attribute("setup", role.value),
        Attribute("rtcp-mux"),
        Attribute("msid", f"{name} {kind}-{mid}"),
        Attribute("ssrc", f"{ssrc} cname:{name}"),
        *(Attribute("candidate", one.text()) for one in _candidates(candidates)),
        Attribute("end-of-candidates"),
    )


def _candidates(addresses: Sequence[tuple[str, int]]) -> Iterator[Candidate]:
    """Host candidates, the first preferred (RFC 8445 §5.1.2.1)."""
    for number, (host, port) in enumerate(addresses):
        yield Candidate(
            foundation=str(number + 1),
            component=1,
            transport="udp",
            priority=126 << 24 | (65_535 - number) << 8 | 255,
            address=host,
            port=port,
            kind="host",
        )


def extensions_for(source: RemoteStream, target: MediaProfile) -> dict[int, str]:
    """The header extensions that may go through: between two of a kind all but those about the sender's own streams."""
    if (source.profile is MediaProfile.WEBRTC) is not (target is MediaProfile.WEBRTC):
        return {}
    return {number: uri for number, uri in source.extensions.items() if uri not in _OWN_EXTENSIONS}


def feedback_for(
    kind: str, codecs: Iterable[Codec], theirs: Collection[str], protocol: str, asked: Collection[str] | None = None
) -> dict[int, Collection[str]]:
    """The kinds of feedback to describe for each codec.

    Args:
        theirs: the kinds that the other party takes.
        asked: the kinds that the reader has offered; None when it is we who offer.
    """
    early = protocol.upper().endswith("AVPF")
    if kind != "video":
        passed = {"transport-cc"} & set(theirs) if early else set()
    elif early:
        passed = {*theirs, *KEY_FRAMES}
    else:
        # RTP/AVP has no early feedback; phones that write it beside RTP/AVP all mean requests for key frames.
        passed = set(KEY_FRAMES)
    if asked is not None:
        passed &= set(asked)
    return {codec.payload_type: passed for codec in codecs if not codec.is_companion}
