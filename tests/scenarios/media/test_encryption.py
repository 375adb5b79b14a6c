"""SRTP with keys in the descriptions, on one side or on both. Over both carriers."""

from collections.abc import Callable

import pytest

from pbx.media.errors import MediaError
from pbx.media.plane import MediaProfile
from tests.scenarios.media.carriers import Carrier
from tests.scenarios.media.parties import PCMA, SUITES, Party
from tests.scenarios.media.test_relay import A, B, connect

MakeParty = Callable[..., Party]

CM_80, CM_32, GCM = SUITES


@pytest.mark.parametrize("suite", SUITES)
def test_plain_phone_calls_an_encrypted_one(carrier: Carrier, session: str, party: MakeParty, suite: str) -> None:
    a, b = party(A), party(B, suites=[suite])
    connect(carrier, session, a, b, MediaProfile.SRTP)
    assert a.hears(B)
    assert b.hears(A)
    assert b.forged == 0
    carrier.delete(session)


@pytest.mark.parametrize("suite", SUITES)
def test_encrypted_phone_calls_a_plain_one(carrier: Carrier, session: str, party: MakeParty, suite: str) -> None:
    a, b = party(A, suites=[suite]), party(B)
    connect(carrier, session, a, b)
    assert a.hears(B)
    assert b.hears(A)
    carrier.delete(session)


def test_two_encrypted_phones_have_different_keys(carrier: Carrier, session: str, party: MakeParty) -> None:
    a, b = party(A, suites=[CM_80]), party(B, suites=[CM_32, CM_80])
    offer = a.description()
    offered = carrier.offer(session, offer, MediaProfile.SRTP)
    key = offer.decode().partition("inline:")[2].split()[0]
    assert carrier.name == "rtpengine" or key.encode() not in offered
    a.take(carrier.answer(session, b.description(answer_to=offered)))
    assert a.hears(B)
    assert b.hears(A)
    carrier.delete(session)


def test_optional_encryption_is_used_by_a_phone_that_can(carrier: Carrier, session: str, party: MakeParty) -> None:
    a, b = party(A), party(B, suites=[CM_80])
    if carrier.name == "rtpengine":
        pytest.skip("rtpengine writes no keys beside RTP/AVP")
    offer = carrier.offer(session, a.description(), MediaProfile.SRTP_OPTIONAL)
    assert b"RTP/AVP " in offer
    assert b"a=crypto:" in offer
    a.take(carrier.answer(session, b.description(answer_to=offer)))
    assert a.hears(B)
    assert b.hears(A)
    assert b._in is not None
    carrier.delete(session)


def test_optional_encryption_is_no_hurdle_for_a_phone_that_cannot(
    carrier: Carrier, session: str, party: MakeParty
) -> None:
    a, b = party(A), party(B)
    connect(carrier, session, a, b, MediaProfile.SRTP_OPTIONAL)
    assert a.hears(B)
    assert b.hears(A)
    carrier.delete(session)


def test_keys_stay_when_the_call_is_renegotiated(embedded_carrier: Carrier, session: str, party: MakeParty) -> None:
    a, b = party(A), party(B, suites=[CM_80])
    connect(embedded_carrier, session, a, b, MediaProfile.SRTP)
    assert b.hears(A)
    first = embedded_carrier.offer(session, a.description(), MediaProfile.SRTP)
    second = embedded_carrier.offer(session, a.description(), MediaProfile.SRTP)
    assert [line for line in first.split(b"\r\n") if b"crypto" in line] == [
        line for line in second.split(b"\r\n") if b"crypto" in line
    ]
    # The phone itself offers now, with its own keys under its own numbers.
    offer = embedded_carrier.offer(session, b.description(), source="b", target="a")
    b.take(embedded_carrier.answer(session, a.description(answer_to=offer), source="a", target="b"))
    assert a.hears(B)
    assert b.hears(A)
    embedded_carrier.delete(session)


def test_answer_that_takes_up_no_key_is_refused(embedded_carrier: Carrier, session: str, party: MakeParty) -> None:
    a, b = party(A), party(B)
    offer = embedded_carrier.offer(session, a.description(), MediaProfile.SRTP)
    with pytest.raises(MediaError) as failure:
        embedded_carrier.answer(session, b.description(answer_to=offer))
    assert failure.value.status == 488
    embedded_carrier.delete(session)


def test_forged_packets_are_not_heard(embedded_carrier: Carrier, session: str, party: MakeParty) -> None:
    """From the right address, with the wrong key."""
    a, b = party(A, [PCMA]), party(B, [PCMA], suites=[CM_80])
    connect(embedded_carrier, session, a, b, MediaProfile.SRTP)
    assert a.hears(B)
    b._encrypt(CM_80, b"\x11" * 30, b"\x22" * 30)
    assert not a.hears(B, timeout=1.0)
    embedded_carrier.delete(session)
