"""Which calls are anchored, as a table."""

import pytest

from pbx.media.plane import MediaProfile
from pbx.media.policy import Anchor, Reason, needs_anchor
from tests.unit.pbx.media.descriptions import CHROME, G711, phone

RTP, SRTP, OPTIONAL, WEBRTC = MediaProfile
KEY = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40
PLAIN = phone(*G711)
ENCRYPTED = phone(*G711, protocol="RTP/SAVP", more=(KEY,))
EITHER = phone(*G711, more=(KEY,))


def at(host: str, sdp: bytes = PLAIN) -> bytes:
    return sdp.replace(b"127.0.0.1", host.encode())


@pytest.mark.parametrize(
    ("offer", "target", "reason"),
    [
        (PLAIN, RTP, None),
        (PLAIN, OPTIONAL, None),
        (PLAIN, SRTP, Reason.ENCRYPTION),
        (PLAIN, WEBRTC, Reason.BROWSER),
        (ENCRYPTED, SRTP, None),
        (ENCRYPTED, RTP, Reason.ENCRYPTION),
        (ENCRYPTED, OPTIONAL, Reason.ENCRYPTION),
        (ENCRYPTED, WEBRTC, Reason.BROWSER),
        (EITHER, RTP, None),
        (EITHER, OPTIONAL, None),
        (EITHER, SRTP, Reason.ENCRYPTION),
        (CHROME, WEBRTC, None),
        (CHROME, RTP, Reason.BROWSER),
        (CHROME, SRTP, Reason.BROWSER),
    ],
)
def test_parties_of_different_kinds_are_anchored(offer: bytes, target: MediaProfile, reason: Reason | None) -> None:
    assert needs_anchor(offer, target) is reason


@pytest.mark.parametrize(
    ("described", "source", "target", "reason"),
    [
        ("192.168.1.20", "192.168.1.20", "192.168.1.21", None),
        ("192.168.1.20", "198.41.0.4", "198.41.0.5", Reason.NAT),
        ("198.41.0.4", "198.41.0.4", "192.168.1.21", Reason.NAT),
        ("198.41.0.4", "198.41.0.4", "198.41.0.5", None),
        ("192.168.1.20", "192.168.1.20", "2600::1", Reason.NAT),
        ("198.41.0.4", "198.41.0.4", "2600::1", Reason.FAMILY),
        ("192.168.1.20", "", "", None),
        ("0.0.0.0", "192.168.1.20", "192.168.1.21", None),
        ("127.0.0.1", "127.0.0.1", "192.168.1.21", None),
    ],
)
def test_parties_that_do_not_reach_each_other_are_anchored(
    described: str, source: str, target: str, reason: Reason | None
) -> None:
    assert needs_anchor(at(described), RTP, source_host=source, target_host=target) is reason


def test_everything_is_anchored_where_that_is_wanted() -> None:
    assert needs_anchor(PLAIN, RTP, anchor=Anchor("always")) is Reason.ALWAYS
    assert needs_anchor(CHROME, WEBRTC, anchor=Anchor.ALWAYS) is Reason.ALWAYS


def test_description_that_can_not_be_read_is_left_to_its_reader() -> None:
    assert needs_anchor(b"nonsense", RTP) is None
