"""Descriptions as phones and browsers send them, shortened to what media is about."""


def text(*lines: str) -> bytes:
    return ("\r\n".join(lines) + "\r\n").encode()


HEAD = ("v=0", "o=- 46117317 2 IN IP4 127.0.0.1", "s=-", "t=0 0")

# As Chrome 120 offers audio and video; keys, names and most codecs left out.
CHROME = text(
    *HEAD,
    "a=group:BUNDLE 0 1",
    "a=extmap-allow-mixed",
    "a=msid-semantic: WMS stream",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126",
    "c=IN IP4 0.0.0.0",
    "a=rtcp:9 IN IP4 0.0.0.0",
    "a=candidate:1 1 udp 2113937151 4f3c7d2e-1b1f-4c55-9d54-1a0a9ac0a54e.local 51203 typ host generation 0",
    "a=ice-ufrag:Xq2d",
    "a=ice-pwd:3NWkWj1f6cqvLrX9EDT4tWmQ",
    "a=ice-options:trickle",
    "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
    "a=setup:actpass",
    "a=mid:0",
    "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
    "a=sendrecv",
    "a=msid:stream track",
    "a=rtcp-mux",
    "a=rtcp-rsize",
    "a=rtpmap:111 opus/48000/2",
    "a=rtcp-fb:111 transport-cc",
    "a=fmtp:111 minptime=10;useinbandfec=1",
    "a=rtpmap:63 red/48000/2",
    "a=fmtp:63 111/111",
    "a=rtpmap:9 G722/8000",
    "a=rtpmap:0 PCMU/8000",
    "a=rtpmap:8 PCMA/8000",
    "a=rtpmap:13 CN/8000",
    "a=rtpmap:110 telephone-event/48000",
    "a=rtpmap:126 telephone-event/8000",
    "a=ssrc:1001 cname:chrome",
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97 103 104 107",
    "c=IN IP4 0.0.0.0",
    "a=ice-ufrag:Xq2d",
    "a=ice-pwd:3NWkWj1f6cqvLrX9EDT4tWmQ",
    "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
    "a=setup:actpass",
    "a=mid:1",
    "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
    "a=sendrecv",
    "a=rtcp-mux",
    "a=rtpmap:96 VP8/90000",
    "a=rtcp-fb:96 goog-remb",
    "a=rtcp-fb:96 transport-cc",
    "a=rtcp-fb:96 ccm fir",
    "a=rtcp-fb:96 nack",
    "a=rtcp-fb:96 nack pli",
    "a=rtpmap:97 rtx/90000",
    "a=fmtp:97 apt=96",
    "a=rtpmap:103 H264/90000",
    "a=fmtp:103 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
    "a=rtpmap:104 rtx/90000",
    "a=fmtp:104 apt=103",
    "a=rtpmap:107 H264/90000",
    "a=fmtp:107 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f",
    "a=ssrc-group:FID 2002 2003",
    "a=ssrc:2002 cname:chrome",
    "a=ssrc:2003 cname:chrome",
)


def phone(*formats: str, port: int = 4000, protocol: str = "RTP/AVP", more: tuple[str, ...] = ()) -> bytes:
    """A phone's description; `formats` are rtpmaps like "8 PCMA/8000"."""
    numbers = " ".join(one.split()[0] for one in formats)
    return text(
        *HEAD[:3],
        "c=IN IP4 127.0.0.1",
        "t=0 0",
        f"m=audio {port} {protocol} {numbers}",
        *(f"a=rtpmap:{one}" for one in formats),
        *more,
    )


G711 = ("8 PCMA/8000", "0 PCMU/8000", "101 telephone-event/8000")

VIDEO_PHONE = phone(
    *G711,
    more=(
        "m=video 4002 RTP/AVP 99",
        "a=rtpmap:99 H264/90000",
        "a=fmtp:99 packetization-mode=0;profile-level-id=42e01f",
    ),
)
