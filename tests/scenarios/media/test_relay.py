"""Two phones through the relay: speech, keys of the dial pad, RTCP, hold, statistics. Over both carriers."""

import struct
from collections.abc import Callable

import pytest

from pbx.media.errors import MediaError
from pbx.media.plane import MediaProfile
from tests.scenarios.media.carriers import Carrier
from tests.scenarios.media.parties import EVENTS, G722, OPUS, PCMA, PCMU, Format, Party

A, B = 440.0, 1000.0  # Hz, what the two say

MakeParty = Callable[..., Party]


def connect(carrier: Carrier, session: str, a: Party, b: Party, profile: MediaProfile = MediaProfile.RTP) -> None:
    """The offer of one, the answer of the other."""
    offer = carrier.offer(session, a.description(), profile)
    a.take(carrier.answer(session, b.description(answer_to=offer)))


@pytest.mark.parametrize("codec", [PCMU, PCMA, G722, OPUS], ids=lambda codec: codec.name)
def test_two_phones_hear_each_other(carrier: Carrier, session: str, party: MakeParty, codec: Format) -> None:
    a, b = party(A, [codec, EVENTS]), party(B, [codec, EVENTS])
    connect(carrier, session, a, b)
    assert a.hears(B)
    assert b.hears(A)
    carrier.delete(session)


def test_media_goes_through_the_relay_and_not_from_phone_to_phone(
    carrier: Carrier, session: str, party: MakeParty
) -> None:
    a, b = party(A), party(B)
    connect(carrier, session, a, b)
    assert a.hears(B)
    assert b.hears(A)
    assert a.sources.isdisjoint({(b.host, b.port)})
    assert b.sources.isdisjoint({(a.host, a.port)})
    carrier.delete(session)


def test_keys_of_the_dial_pad_arrive_once_each(carrier: Carrier, session: str, party: MakeParty) -> None:
    a, b = party(A), party(B)
    connect(carrier, session, a, b)
    assert b.hears(A)
    for key in (1, 11, 0):
        a.press(key)
        assert b.waits_until(lambda key=key: key in b.events())
    assert b.events() == [1, 11, 0]
    carrier.delete(session)


def test_payload_types_are_translated(embedded_carrier: Carrier, session: str, party: MakeParty) -> None:
    """The answerer calls the keys 96, which is its right (RFC 3264 §5.1); rtpengine 10 loses them then."""
    carrier = embedded_carrier
    a, b = party(A, [PCMU, EVENTS]), party(B, [PCMU, EVENTS])
    offer = carrier.offer(session, a.description())
    answer = b.description(answer_to=offer).replace(b"101", b"96")
    b._names = {0: "PCMU", 96: "telephone-event"}
    a.take(carrier.answer(session, answer))
    assert b.hears(A)
    a.press(5)
    assert b.waits_until(lambda: 5 in b.events())
    b.press(7)
    assert a.waits_until(lambda: 7 in a.events())
    carrier.delete(session)


def test_ipv6_phone_talks_to_an_ipv4_phone(embedded_carrier: Carrier, session: str, party: MakeParty) -> None:
    a, b = party(A), party(B, host="::1")
    offer = embedded_carrier.offer(session, a.description(), source_host="127.0.0.1", target_host="::1")
    assert b"c=IN IP6 ::1" in offer
    a.take(embedded_carrier.answer(session, b.description(answer_to=offer), source_host="::1"))
    assert a.hears(B)
    assert b.hears(A)
    embedded_carrier.delete(session)


def test_early_media_is_heard_before_the_answer(carrier: Carrier, session: str, party: MakeParty) -> None:
    """The same description in a provisional response and in the final one."""
    a, b = party(A), party(B)
    answer = b.description(answer_to=carrier.offer(session, a.description()))
    a.take(carrier.answer(session, answer))
    assert a.hears(B)
    a.take(carrier.answer(session, answer))
    assert b.hears(A)
    carrier.delete(session)


def test_held_party_hears_nothing_until_it_is_resumed(carrier: Carrier, session: str, party: MakeParty) -> None:
    a, b = party(A), party(B)
    connect(carrier, session, a, b)
    assert b.hears(A)
    before = a.target
    a.direction, b.direction = "inactive", "inactive"
    connect(carrier, session, a, b)
    if carrier.name == "embedded":  # rtpengine relies on phones that keep to what they say
        assert not b.hears(A, timeout=1.0)
    a.direction, b.direction = "sendrecv", "sendrecv"
    # This time it is the other side that offers.
    offer = carrier.offer(session, b.description(), source="b", target="a")
    b.take(carrier.answer(session, a.description(answer_to=offer), source="a", target="b"))
    assert a.hears(B)
    assert b.hears(A)
    assert a.target == before, "a re-negotiation keeps the ports"
    carrier.delete(session)


def test_party_that_moves_to_another_port_is_followed(carrier: Carrier, session: str, party: MakeParty) -> None:
    a, b, moved = party(A), party(B), party(600.0)
    connect(carrier, session, a, b)
    assert b.hears(A)
    a.silence()
    connect(carrier, session, moved, b)
    assert b.hears(600.0)
    assert moved.hears(B)
    carrier.delete(session)


def test_sender_reports_reach_the_other_side(carrier: Carrier, session: str, party: MakeParty) -> None:
    a, b = party(A), party(B)
    connect(carrier, session, a, b)
    assert a.hears(B)
    assert b.hears(A)
    ntp = 0xE0000000_80000000
    a.report(struct.pack("!BBHIQIII", 0x80, 200, 6, a.ssrc, ntp, 160, 10, 1600) + sdes(a.ssrc))
    assert b.waits_until(lambda: any(struct.pack("!Q", ntp) in report for report in b.reports))
    carrier.delete(session)


def test_statistics_tell_what_came_and_what_was_lost(carrier: Carrier, session: str, party: MakeParty) -> None:
    a, b = party(A), party(B)
    connect(carrier, session, a, b)
    assert b.hears(A)
    a._sequence += 7  # as if seven packets had got lost on the way
    assert b.hears(A)
    legs = carrier.query(session).legs
    assert set(legs) == {"a", "b"}
    (stream,) = legs["a"]
    assert stream.kind == "audio"
    assert stream.codec == "PCMU"
    assert stream.packets >= 30
    assert stream.octets >= 30 * 172
    if carrier.name == "embedded":  # rtpengine knows of loss by RTCP only
        assert stream.lost == 7
        assert stream.jitter < 20
        assert stream.mos is not None
        assert 1.0 < stream.mos < 4.5
        (other,) = legs["b"]
        assert other.lost == 0
        assert other.sent_packets > 30
    carrier.delete(session)


def test_party_can_be_replaced_by_another_one(carrier: Carrier, session: str, party: MakeParty) -> None:
    """A transfer: the first party stays with its ports, and somebody else answers its description."""
    a, b, c = party(A), party(B), party(600.0)
    connect(carrier, session, a, b)
    assert a.hears(B)
    first = a.packets[-1]
    b.silence()
    offer = carrier.offer(session, a.description(), target="c")
    a.take(carrier.answer(session, c.description(answer_to=offer), source="c"))
    carrier.drop(session, "b")
    assert a.hears(600.0)
    assert c.hears(A)
    if carrier.name == "embedded":
        assert a.packets[-1][8:12] == first[8:12], "the listener sees one source that goes on"
    carrier.delete(session)


def test_refused_offer_leaves_the_media_as_it_was(carrier: Carrier, session: str, party: MakeParty) -> None:
    a, b = party(A), party(B)
    connect(carrier, session, a, b)
    assert b.hears(A)
    a.direction = "inactive"
    carrier.offer(session, a.description())  # and the other side answers 488
    if carrier.name == "embedded":
        assert b.hears(A)
        assert a.hears(B)
    carrier.delete(session)


def test_deleted_session_is_gone(carrier: Carrier, session: str, party: MakeParty) -> None:
    a, b = party(A), party(B)
    connect(carrier, session, a, b)
    assert b.hears(A)
    carrier.delete(session)
    assert not b.hears(A, timeout=1.0)
    with pytest.raises(MediaError) as failure:
        carrier.query(session)
    assert failure.value.status == 481


@pytest.mark.parametrize(
    "sdp",
    [b"", b"v=0\r\n", b"\xff" * 100, b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 5000 RTP/AVP 0\r\n"],
    ids=["empty", "no origin", "noise", "no address"],
)
def test_description_that_is_none_is_refused_with_488(carrier: Carrier, session: str, sdp: bytes) -> None:
    with pytest.raises(MediaError) as failure:
        carrier.offer(session, sdp)
    assert failure.value.status == 488
    carrier.delete(session)


def sdes(ssrc: int) -> bytes:
    """What every compound packet has to hold."""
    return struct.pack("!BBHIBB", 0x81, 202, 2, ssrc, 1, 1) + b"x\0"
