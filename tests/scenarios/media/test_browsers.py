"""Browsers and telephones through the relay: ICE, DTLS-SRTP, BUNDLE on one side, RTP or SRTP on the other."""

import time
from collections.abc import Callable

import pytest

from pbx.media.plane import Loss, MediaProfile
from tests.scenarios.media.browsers import Browser
from tests.scenarios.media.carriers import Carrier
from tests.scenarios.media.parties import EVENTS, G722, OPUS, PCMA, PCMU, Format, Party
from tests.scenarios.media.test_encryption import CM_80
from tests.scenarios.media.test_relay import A, B

MakeParty = Callable[..., Party]
MakeBrowser = Callable[..., Browser]


def call_phone(carrier: Carrier, session: str, browser: Browser, phone: Party, profile: MediaProfile) -> bytes:
    """The browser calls; the offer that the phone got."""
    offer = carrier.offer(session, browser.offer(), profile)
    browser.take(carrier.answer(session, phone.description(answer_to=offer)))
    return offer


def call_browser(carrier: Carrier, session: str, phone: Party, browser: Browser) -> bytes:
    """The phone calls; the offer that the browser got."""
    offer = carrier.offer(session, phone.description(), MediaProfile.WEBRTC)
    phone.take(carrier.answer(session, browser.answer(offer)))
    return offer


@pytest.mark.parametrize("codec", [PCMU, PCMA, G722, OPUS], ids=lambda codec: codec.name)
def test_browser_calls_phone(
    carrier: Carrier, session: str, browser: MakeBrowser, party: MakeParty, codec: Format
) -> None:
    a, b = browser(A), party(B, [codec, EVENTS])
    call_phone(carrier, session, a, b, MediaProfile.RTP)
    assert b.hears(A)
    assert a.hears(B)
    carrier.delete(session)


@pytest.mark.parametrize("codec", [PCMU, OPUS], ids=lambda codec: codec.name)
def test_phone_calls_browser(
    carrier: Carrier, session: str, browser: MakeBrowser, party: MakeParty, codec: Format
) -> None:
    a, b = party(A, [codec, EVENTS]), browser(B)
    call_browser(carrier, session, a, b)
    assert a.hears(B)
    assert b.hears(A)
    carrier.delete(session)


def test_browser_calls_encrypted_phone(carrier: Carrier, session: str, browser: MakeBrowser, party: MakeParty) -> None:
    a, b = browser(A), party(B, suites=[CM_80])
    call_phone(carrier, session, a, b, MediaProfile.SRTP)
    assert b.hears(A)
    assert a.hears(B)
    carrier.delete(session)


def test_browser_calls_browser_through_the_relay(carrier: Carrier, session: str, browser: MakeBrowser) -> None:
    a, b = browser(A), browser(B)
    offer = carrier.offer(session, a.offer(), MediaProfile.WEBRTC)
    a.take(carrier.answer(session, b.answer(offer)))
    assert b.hears(A)
    assert a.hears(B)
    carrier.delete(session)


def test_phone_gets_only_what_a_phone_can_read(
    embedded_carrier: Carrier, session: str, browser: MakeBrowser, party: MakeParty
) -> None:
    a = browser(A, video="VP8")
    offer = embedded_carrier.offer(session, a.offer(), MediaProfile.RTP).decode()
    assert "m=audio" in offer
    assert "m=video" in offer
    for word in ("ice-", "candidate", "fingerprint", "setup", "mid", "msid", "BUNDLE", "ssrc", "extmap", "rtx", "SAVP"):
        assert word not in offer
    embedded_carrier.delete(session)


def test_browser_is_held_and_resumed(carrier: Carrier, session: str, browser: MakeBrowser, party: MakeParty) -> None:
    """The phone puts it on hold by a re-INVITE; the browser's transport stays as it is."""
    a, b = browser(A), party(B)
    call_phone(carrier, session, a, b, MediaProfile.RTP)
    assert a.hears(B)
    for direction in ("sendonly", "sendrecv"):
        b.direction = direction
        offer = carrier.offer(session, b.description(), MediaProfile.WEBRTC, source="b", target="a")
        assert f"a={direction}".encode() in offer
        b.take(carrier.answer(session, a.answer(offer), source="a", target="b"))
    assert a.hears(B)
    assert b.hears(A)
    carrier.delete(session)


def test_video_goes_from_browser_to_browser(embedded_carrier: Carrier, session: str, browser: MakeBrowser) -> None:
    """Only here: rtpengine 10 doesn't bundle, which aiortc always does."""
    carrier = embedded_carrier
    a, b = browser(A, video="VP8", brightness=200), browser(B, video="VP8", brightness=80)
    offer = carrier.offer(session, a.offer(), MediaProfile.WEBRTC)
    a.take(carrier.answer(session, b.answer(offer)))
    assert b.sees(200)
    assert a.sees(80)
    assert b.hears(A)
    carrier.delete(session)


def test_wrong_certificate_ends_the_session(
    embedded_carrier: Carrier, session: str, browser: MakeBrowser, party: MakeParty
) -> None:
    a, b = browser(A), party(B)
    offer = a.offer().decode()
    forged = "\r\n".join(
        line[:-5] + ("00:00" if not line.endswith("00:00") else "11:11") if line.startswith("a=fingerprint:") else line
        for line in offer.split("\r\n")
    )
    told = embedded_carrier.offer(session, forged.encode())
    a.take(embedded_carrier.answer(session, b.description(answer_to=told)))
    assert embedded_carrier.loss_of(session) is Loss.FINGERPRINT
    assert b.packets == []


@pytest.mark.parametrize("video", ["VP8", "H264"])
def test_two_browsers_meet_as_phones_in_the_middle(
    embedded_carrier: Carrier, session: str, browser: MakeBrowser, video: str
) -> None:
    """Two sessions with plain RTP between them, as a call that was transferred has them."""
    a, b = browser(A, video=video, brightness=200), browser(B, video=video, brightness=80)
    plain = embedded_carrier.offer(f"{session} a", a.offer(), MediaProfile.RTP)
    offer = embedded_carrier.offer(f"{session} b", plain, MediaProfile.WEBRTC)
    plain = embedded_carrier.answer(f"{session} b", b.answer(offer))
    assert b"m=video" in plain
    assert b"fingerprint" not in plain
    a.take(embedded_carrier.answer(f"{session} a", plain))
    assert b.hears(A)
    assert a.hears(B)
    assert b.sees(200)
    assert a.sees(80)
    for name in "ab":
        embedded_carrier.delete(f"{session} {name}")


def test_statistics_of_a_browser_tell_its_round_trip(
    embedded_carrier: Carrier, session: str, browser: MakeBrowser, party: MakeParty
) -> None:
    """The phone sends no RTCP at all; what the browser needs, it gets from us."""
    a, b = browser(A), party(B)
    call_phone(embedded_carrier, session, a, b, MediaProfile.RTP)
    assert a.hears(B)
    deadline = time.monotonic() + 15.0  # a report is sent every five seconds, and answered within a second
    while time.monotonic() < deadline:
        (stream,) = embedded_carrier.query(session).legs["a"]
        if stream.round_trip is not None:
            break
        assert a.hears(B)
    assert stream.round_trip is not None
    assert 0 <= stream.round_trip < 500
    assert stream.mos is not None
    embedded_carrier.delete(session)
