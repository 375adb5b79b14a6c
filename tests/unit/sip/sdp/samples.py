"""Session descriptions of our own making, each with something that real phones and browsers do."""

from sip.sdp.description import SessionDescription, parse


def sdp(*lines: str) -> bytes:
    """Lines as they go over the wire."""
    return "".join(line + "\r\n" for line in lines).encode("latin-1")


def session(*media: str, address: str = "192.0.2.10", level: tuple[str, ...] = ()) -> bytes:
    """A description with these lines from the first m= on, and `level` at the session level."""
    kind = "IP6" if ":" in address else "IP4"
    head = ("v=0", f"o=- 1 1 IN {kind} {address}", "s=-", f"c=IN {kind} {address}", "t=0 0")
    return sdp(*head, *level, *media)


def described(*media: str, address: str = "192.0.2.10", level: tuple[str, ...] = ()) -> SessionDescription:
    return parse(session(*media, address=address, level=level))


DESK_PHONE = sdp(
    "v=0",
    "o=- 20000 20000 IN IP4 192.0.2.10",
    "s=SDP data",
    "c=IN IP4 192.0.2.10",
    "t=0 0",
    "m=audio 11780 RTP/AVP 0 8 18 9 101",
    "a=rtpmap:0 PCMU/8000",
    "a=rtpmap:8 PCMA/8000",
    "a=rtpmap:18 G729/8000",
    "a=fmtp:18 annexb=no",
    "a=rtpmap:9 G722/8000",
    "a=fmtp:101 0-15",  # before its rtpmap
    "a=rtpmap:101 telephone-event/8000",
    "a=ptime:20",
    "a=sendrecv",
)

SDES_PHONE = sdp(
    "v=0",
    "o=phone 1975181172 1106161735 IN IP6 2001:db8::10",
    "s= ",  # RFC 4566 §5.3: one blank, when there is no name
    "c=IN IP6 2001:db8::10",
    "t=0 0",
    "a=tool:phone 1.0",
    "m=audio 16796 RTP/SAVP 8 101",
    "a=rtpmap:8 PCMA/8000",
    "a=rtpmap:101 telephone-event/8000",
    "a=fmtp:101 0-15,66",
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5|2^20|1:4 UNENCRYPTED_SRTCP",
    "a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5",
)

FINGERPRINT = "sha-256 " + ":".join(["AB"] * 32)

BROWSER = sdp(
    "v=0",
    "o=- 4962303333179871722 1 IN IP4 127.0.0.1",
    "s=-",
    "t=0 0",
    "a=group:BUNDLE 0 1",
    "a=msid-semantic: WMS",
    f"a=fingerprint:{FINGERPRINT}",
    "a=ice-options:trickle",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 0 8 110 126",
    "c=IN IP4 0.0.0.0",  # with ICE no hold: the candidates are to come
    "a=rtcp:9 IN IP4 0.0.0.0",
    "a=candidate:1162875081 1 udp 2113937151 192.0.2.20 60017 typ host generation 0",
    "a=candidate:3289912957 1 udp 1845501695 203.0.113.5 60017 typ srflx raddr 192.0.2.20 rport 60017 generation 0",
    "a=ice-ufrag:5I2u",
    "a=ice-pwd:e46UjXntt0K/xTncQcDBQePn",
    "a=setup:actpass",
    "a=mid:0",
    "a=sendrecv",
    "a=rtcp-mux",
    "a=rtpmap:111 opus/48000/2",
    "a=fmtp:111 minptime=10;useinbandfec=1",
    "a=rtpmap:0 PCMU/8000",
    "a=rtpmap:8 PCMA/8000",
    "a=rtpmap:110 telephone-event/48000",
    "a=rtpmap:126 telephone-event/8000",
    "m=video 0 UDP/TLS/RTP/SAVPF 96",
    "c=IN IP4 0.0.0.0",
    "b=TIAS:2000000",
    "a=bundle-only",  # port 0, and yet meant
    "a=ice-ufrag:5I2u",
    "a=ice-pwd:e46UjXntt0K/xTncQcDBQePn",
    "a=setup:actpass",
    "a=mid:1",
    "a=rtcp-fb:* nack pli",
    "a=rtpmap:96 VP8/90000",
)

FAX = sdp(
    "v=0",
    "o=gateway 806542878 806542879 IN IP4 192.0.2.30",
    "s=FOIP Call",
    "c=IN IP4 192.0.2.30",
    "t=0 0",
    "m=image 50594 udptl t38",
    "a=T38FaxRateManagement:transferredTCF",
    "a=T38FaxVersion:0",
)

OWN_CONNECTIONS = sdp(
    "v=0",
    "o=phone 6396 0 IN IP4 192.0.2.40",
    "s=SIP Call",
    "i=\xd0\xa2\xd0\xb5\xd1\x81\xd1\x82 \xff",  # octets that are UTF-8, and one that is not
    "u=http://example.com/",
    "e=anna@example.com",
    "p=+7 495 000-00-00",
    "b=AS:2064",
    "b=X-YZ:128",
    "t=3034423619 3042462419",
    "r=604800 3600 0 90000",
    "z=2882844526 -1h",
    "k=prompt",
    "m=audio 19586/2 RTP/AVP 0",
    "i=speech",
    "c=IN IP4 224.2.1.1/127/3",
    "c=IN IP4 224.2.1.4/127",
    "m=video 0 RTP/AVP 96",
    "c=IN IP4 host.example.com",
    "m=application 3238 UDP/BFCP *",
    "c=IN IP6 2001:db8::1",
)

WELL_FORMED = {
    "desk phone": DESK_PHONE,
    "SDES phone": SDES_PHONE,
    "browser": BROWSER,
    "fax": FAX,
    "own connections": OWN_CONNECTIONS,
}
