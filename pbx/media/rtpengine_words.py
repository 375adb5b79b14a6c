"""rtpengine's words for what we want of it, and ours for what it tells."""

from collections.abc import Mapping
from typing import Any

from pbx.media import bencode
from pbx.media.errors import MediaError
from pbx.media.plane import MediaProfile, StreamStatistics
from pbx.media.relay.remote import read
from pbx.media.relay.statistics import mean_opinion

_PROTOCOLS = {
    MediaProfile.RTP: "RTP/AVP",
    MediaProfile.SRTP: "RTP/SAVP",
    MediaProfile.SRTP_OPTIONAL: "RTP/AVP",
    MediaProfile.WEBRTC: "UDP/TLS/RTP/SAVPF",
}
# Not in our list of suites, so not offered.
_NO_SUITES = ("AES_192_CM_HMAC_SHA1_80", "AES_192_CM_HMAC_SHA1_32", "AES_256_CM_HMAC_SHA1_80", "F8_128_HMAC_SHA1_80",
              "AES_256_CM_HMAC_SHA1_32", "F8_128_HMAC_SHA1_32", "NULL_HMAC_SHA1_80", "NULL_HMAC_SHA1_32")  # fmt: skip


def offer_flags(source: MediaProfile, target: MediaProfile) -> dict[str, bencode.Value]:
    """What an offer to a party of that profile is to be like."""
    flags = _flags(target)
    if target is MediaProfile.WEBRTC and source is not MediaProfile.WEBRTC:
        flags["rtcp-mux"] = ["offer", "require"]
        flags["generate mid"] = 1
        flags["flags"] = ["generate mid", "trust address"]
    elif target is not MediaProfile.WEBRTC:
        flags["rtcp-mux"] = ["demux"]
    return flags


def answer_flags(target: MediaProfile) -> dict[str, bencode.Value]:
    """What an answer to a party of that profile is to be like. No `DTLS`: rtpengine knows its role by then."""
    flags = _flags(target)
    flags.pop("DTLS", None)
    if target is MediaProfile.WEBRTC:
        flags["rtcp-mux"] = ["require"]
    return flags


def _flags(target: MediaProfile) -> dict[str, bencode.Value]:
    flags: dict[str, bencode.Value] = {
        "transport-protocol": _PROTOCOLS[target],
        "flags": ["trust address"],
        "SDES": ["no-" + suite for suite in _NO_SUITES],
    }
    if target is MediaProfile.WEBRTC:
        flags["ICE"] = "force"
        flags["ICE-lite"] = "forward"
        flags["SDES"] = ["off"]
    else:
        flags["ICE"] = "remove"
        flags["DTLS"] = "off"
        if target is MediaProfile.RTP:
            flags["SDES"] = ["off"]
    return flags


def profile_of(sdp: bytes, otherwise: MediaProfile) -> MediaProfile:
    """The profile of a description that rtpengine will judge itself; `otherwise` for one that we can't read."""
    try:
        return read(sdp).profile
    except MediaError:
        return otherwise


def with_bundle(answer: bytes, offer: bytes) -> bytes:
    """A browser's answer with the group of its offer, where rtpengine has left it out.

    Only for a single stream: rtpengine 10 gives each stream a port of its own and would not find the second one on
    the port of the first.
    """
    streams = [section for section in answer.split(b"\nm=")[1:] if section.split(b" ", 2)[1:2] != [b"0"]]
    if len(streams) != 1 or b"\na=group:BUNDLE" in answer or b"\na=group:BUNDLE" not in offer:
        return answer
    mid = next((line[6:].strip() for line in streams[0].split(b"\n") if line.startswith(b"a=mid:")), b"")
    at = answer.find(b"\nm=") + 1
    return answer[:at] + b"a=group:BUNDLE " + mid + b"\r\n" + answer[at:] if mid else answer


def statistics_of(reply: Mapping[str, Any]) -> dict[str, tuple[StreamStatistics, ...]]:
    """The answer to `query`, by tag."""
    ssrcs = reply.get("SSRC", {})
    found: dict[str, tuple[StreamStatistics, ...]] = {}
    for tag, party in reply.get("tags", {}).items():
        found[tag] = tuple(_stream(media, ssrcs) for media in party.get("medias", ()) if media.get("streams"))
    return found


def _stream(media: Mapping[str, Any], ssrcs: Mapping[str, Any]) -> StreamStatistics:
    stream = media["streams"][0]
    came, went = stream.get("stats", {}), stream.get("stats_out", {})
    kind = media.get("type", b"").decode("ascii", "replace")
    codec = media.get("codec", b"").decode("ascii", "replace").partition("/")[0]
    told = ssrcs.get(str(stream.get("SSRC", "")), {}).get("average MOS", {})
    jitter, lost = float(told.get("jitter", 0)), int(told.get("packet loss", 0))
    trip = told.get("round-trip time")
    packets = int(came.get("packets", 0))
    share = lost / 100
    opinion = mean_opinion(codec, loss=share, jitter=jitter, round_trip=trip and trip / 1000)
    return StreamStatistics(
        kind=kind,
        codec=codec,
        packets=packets,
        octets=int(came.get("bytes", 0)),
        lost=round(packets * share / max(1 - share, 0.01)),
        jitter=jitter,
        round_trip=None if trip is None else trip / 1000,
        mos=round(opinion, 2) if kind == "audio" and packets else None,
        sent_packets=int(went.get("packets", 0)),
        sent_octets=int(went.get("bytes", 0)),
        remote_lost=0,
    )
