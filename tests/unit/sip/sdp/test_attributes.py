"""Attributes about transport and encryption: tables that run both ways."""

import pytest

from sip.sdp.attributes import (
    KEY_LENGTHS,
    Candidate,
    Crypto,
    Fingerprint,
    IceCredentials,
    Key,
    Rtcp,
    Setup,
    bundle,
    fingerprints,
    ice_credentials,
    rtcp,
    setup,
)
from sip.sdp.description import parse
from sip.sdp.errors import SdpError
from sip.sdp.lines import Connection
from tests.unit.sip.sdp.samples import BROWSER, DESK_PHONE, SDES_PHONE, described

MATERIAL = b"012345678901234567890123456789"
INLINE = "inline:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5"
SUITE = "AES_CM_128_HMAC_SHA1_80"

BOTH_WAYS: list[tuple[str, Rtcp | Crypto | Fingerprint | Candidate]] = [
    ("53020", Rtcp(53020)),
    ("53020 IN IP4 192.0.2.1", Rtcp(53020, Connection("192.0.2.1"))),
    ("53020 IN IP6 2001:db8::1", Rtcp(53020, Connection("2001:db8::1", "IP6"))),
    (f"1 {SUITE} {INLINE}", Crypto(1, SUITE, (Key(MATERIAL),))),
    (f"2 {SUITE} {INLINE}|2^20|1:4", Crypto(2, SUITE, (Key(MATERIAL, "2^20", "1:4"),))),
    (f"3 {SUITE} {INLINE}|1:4", Crypto(3, SUITE, (Key(MATERIAL, "", "1:4"),))),
    (f"4 {SUITE} {INLINE}|2^20|1:4;{INLINE}|2^20|2:4 KDR=1 WSH=64",
     Crypto(4, SUITE, (Key(MATERIAL, "2^20", "1:4"), Key(MATERIAL, "2^20", "2:4")), ("KDR=1", "WSH=64"))),
    ("5 NEW_SUITE inline:AAAA", Crypto(5, "NEW_SUITE", (Key(bytes(3)),))),
    ("sha-256 " + ":".join(["AB"] * 32), Fingerprint("sha-256", b"\xab" * 32)),
    ("sha-1 " + ":".join(["0F"] * 20), Fingerprint("sha-1", b"\x0f" * 20)),
    ("1 1 UDP 2130706431 192.0.2.1 8998 typ host",
     Candidate("1", 1, "UDP", 2130706431, "192.0.2.1", 8998, "host")),
    ("2 1 tcp 1694498815 203.0.113.1 9 typ srflx raddr 192.0.2.1 rport 45664 tcptype active generation 0",
     Candidate("2", 1, "tcp", 1694498815, "203.0.113.1", 9, "srflx", ("192.0.2.1", 45664),
               (("tcptype", "active"), ("generation", "0")))),
    ("3 1 udp 2113937151 f0a1b2c3.local 60017 typ host network-cost 999",
     Candidate("3", 1, "udp", 2113937151, "f0a1b2c3.local", 60017, "host", None, (("network-cost", "999"),))),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), BOTH_WAYS, ids=[text[:40] for text, _ in BOTH_WAYS])
def test_a_value_is_read_and_written_back(text: str, value: Rtcp | Crypto | Fingerprint | Candidate) -> None:
    assert (type(value).parse(text), value.text()) == (value, text)


MALFORMED: list[tuple[type[Rtcp | Crypto | Fingerprint | Candidate], str]] = [
    (Rtcp, ""),
    (Rtcp, "port"),
    (Rtcp, "65536"),
    (Rtcp, "1 IN IP4"),
    (Crypto, ""),
    (Crypto, f"1 {SUITE}"),
    (Crypto, f"one {SUITE} {INLINE}"),
    (Crypto, f"1 {SUITE} inline:AAAA"),
    (Crypto, f"1 {SUITE} {INLINE}AAAA"),
    (Crypto, f"1 {SUITE} inline:!!!!"),
    (Crypto, f"1 {SUITE} {INLINE}|2^20|3|1:4"),
    (Crypto, f"1 {SUITE} {INLINE};"),
    (Crypto, f"1 {SUITE} uri:https://keys.example.com/1"),
    (Fingerprint, ""),
    (Fingerprint, "sha-256"),
    (Fingerprint, "sha-256 AB:CD"),
    (Fingerprint, "sha-1 " + ":".join(["XY"] * 20)),
    (Fingerprint, "sha-1 " + "A:BB" * 10),
    (Candidate, ""),
    (Candidate, "1 1 UDP 1 192.0.2.1 8998 host"),
    (Candidate, "1 1 UDP 1 192.0.2.1 8998 typ host generation"),
    (Candidate, "1 257 UDP 1 192.0.2.1 8998 typ host"),
    (Candidate, "1 1 UDP -1 192.0.2.1 8998 typ host"),
    (Candidate, "1 1 UDP 1 192.0.2.1 65536 typ host"),
    (Candidate, "1 1 UDP 1 192.0.2.1 1 typ srflx raddr 192.0.2.1 rport x"),
]


@pytest.mark.parametrize(("kind", "text"), MALFORMED)
def test_a_malformed_value_is_refused(kind: type[Rtcp | Crypto | Fingerprint | Candidate], text: str) -> None:
    with pytest.raises(SdpError):
        kind.parse(text)


@pytest.mark.parametrize(("suite", "length"), KEY_LENGTHS.items())
def test_each_suite_takes_a_key_of_its_length_with_or_without_padding(suite: str, length: int) -> None:
    crypto = Crypto(1, suite, (Key(bytes(length)),))
    assert Crypto.parse(crypto.text()) == Crypto.parse(crypto.text().rstrip("=")) == crypto
    with pytest.raises(SdpError, match=f"{length} octets"):
        Crypto.parse(Crypto(1, suite, (Key(bytes(length + 1)),)).text())


def test_a_key_stays_out_of_representations_and_errors() -> None:
    assert "0123" not in repr(Crypto.parse(f"1 {SUITE} {INLINE}"))
    assert "secret" not in repr(IceCredentials("ufrag", "secret"))
    with pytest.raises(SdpError) as caught:
        Crypto.parse(f"1 {SUITE} inline:MDEyMzQ1")
    assert "MDEy" not in str(caught.value)


def test_the_keys_of_an_sdes_phone_are_all_found() -> None:
    media = parse(SDES_PHONE).media[0]
    found = [Crypto.parse(value) for value in media.values("crypto")]
    assert [(one.tag, one.suite, one.keys[0].material) for one in found] == [
        (1, "AES_CM_128_HMAC_SHA1_80", MATERIAL),
        (2, "AES_CM_128_HMAC_SHA1_32", MATERIAL),
    ]
    assert found[0].parameters == ("UNENCRYPTED_SRTCP",)


def test_a_browser_says_all_that_its_transport_needs() -> None:
    description = parse(BROWSER)
    audio = description.media[0]
    assert ice_credentials(description, audio) == IceCredentials("5I2u", "e46UjXntt0K/xTncQcDBQePn")
    assert fingerprints(description, audio) == (Fingerprint("sha-256", b"\xab" * 32),)
    assert setup(description, audio) is Setup.ACTPASS
    assert bundle(description) == (("0", "1"),)
    assert [Candidate.parse(value).kind for value in audio.values("candidate")] == ["host", "srflx"]


def test_a_desk_phone_says_nothing_of_that() -> None:
    description = parse(DESK_PHONE)
    audio = description.media[0]
    assert ice_credentials(description, audio) is None
    assert fingerprints(description, audio) == ()
    assert setup(description, audio) is None
    assert bundle(description) == ()


def test_a_fingerprint_of_the_stream_goes_before_that_of_the_session() -> None:
    own = "sha-1 " + ":".join(["00"] * 20)
    description = described("m=audio 1 RTP/AVP 0", f"a=fingerprint:{own}", level=("a=fingerprint:sha-1 x",))
    assert fingerprints(description, description.media[0]) == (Fingerprint("sha-1", bytes(20)),)


def test_an_unknown_setup_is_refused() -> None:
    description = described("m=audio 1 RTP/AVP 0", "a=setup:both")
    with pytest.raises(SdpError, match="active, passive, actpass, holdconn"):
        setup(description, description.media[0])


@pytest.mark.parametrize(
    ("port", "attributes", "expected"),
    [
        (4000, (), Rtcp(4001)),
        (65535, (), Rtcp(65535)),
        (4000, ("a=rtcp-mux", "a=rtcp:5000"), Rtcp(4000)),
        (4000, ("a=rtcp:5000",), Rtcp(5000)),
        (4000, ("a=rtcp:5000 IN IP4 192.0.2.9",), Rtcp(5000, Connection("192.0.2.9"))),
    ],
)
def test_rtcp_goes_where_the_stream_says(port: int, attributes: tuple[str, ...], expected: Rtcp) -> None:
    assert rtcp(described(f"m=audio {port} RTP/AVP 0", *attributes).media[0]) == expected
