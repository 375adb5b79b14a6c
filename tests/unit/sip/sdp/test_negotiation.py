"""Directions, the ways to say hold, and whether an answer fits its offer."""

import pytest

from sip.sdp.codecs import codecs
from sip.sdp.description import SessionDescription, parse
from sip.sdp.negotiation import (
    Direction,
    answer_direction,
    answer_fits,
    direction,
    inactive_offer,
    is_hold,
    make_answer_rejecting,
    session_direction,
    with_direction,
)
from sip.sdp.strict import parse_strict
from tests.unit.sip.sdp.samples import BROWSER, DESK_PHONE, FAX, described, session

SENDRECV, SENDONLY, RECVONLY, INACTIVE = Direction
AUDIO, VIDEO = "m=audio 4000 RTP/AVP 0", "m=video 5000 RTP/AVP 96"
NOWHERE, NOWHERE_6 = "c=IN IP4 0.0.0.0", "c=IN IP6 ::"

DIRECTIONS: dict[str, tuple[SessionDescription, Direction]] = {
    "nothing said": (described(AUDIO), SENDRECV),
    "sendrecv": (described(AUDIO, "a=sendrecv"), SENDRECV),
    "sendonly": (described(AUDIO, "a=sendonly"), SENDONLY),
    "recvonly": (described(AUDIO, "a=recvonly"), RECVONLY),
    "inactive": (described(AUDIO, "a=inactive"), INACTIVE),
    "of the session": (described(AUDIO, level=("a=sendonly",)), SENDONLY),
    "own before session": (described(AUDIO, "a=sendrecv", level=("a=inactive",)), SENDRECV),
    "old hold": (described(AUDIO, address="0.0.0.0"), SENDONLY),
    "old hold in the stream": (described(AUDIO, NOWHERE), SENDONLY),
    "old hold, IPv6": (described(AUDIO, address="::"), SENDONLY),
    "old hold, IPv6 in the stream": (described(AUDIO, NOWHERE_6), SENDONLY),
    "old hold, new word": (described(AUDIO, NOWHERE, "a=sendonly"), SENDONLY),
    "old hold of one that listens": (described(AUDIO, NOWHERE, "a=recvonly"), INACTIVE),
    "old hold and inactive": (described(AUDIO, NOWHERE, "a=inactive"), INACTIVE),
    "own address under an unspecified one": (described(AUDIO, "c=IN IP4 192.0.2.1", address="0.0.0.0"), SENDRECV),
    "ICE without an address yet": (described(AUDIO, NOWHERE, "a=ice-ufrag:x"), SENDRECV),
    "ICE at the session level": (described(AUDIO, NOWHERE, level=("a=ice-ufrag:x",)), SENDRECV),
    "browser": (parse(BROWSER), SENDRECV),
    "rejected": (described("m=audio 0 RTP/AVP 0", "a=sendrecv"), INACTIVE),
    "audio decides": (described(VIDEO, "a=inactive", AUDIO, "a=sendonly"), SENDONLY),
    "audio in use decides": (described("m=audio 0 RTP/AVP 0", AUDIO, "a=sendonly"), SENDONLY),
    "without audio the first": (described(VIDEO, "a=recvonly", "m=image 1 udptl t38"), RECVONLY),
    "no media": (described(), INACTIVE),
}

HOLDS = {
    "sendonly", "inactive", "of the session", "old hold", "old hold in the stream", "old hold, IPv6",
    "old hold, IPv6 in the stream", "old hold, new word", "old hold of one that listens", "old hold and inactive",
    "audio decides", "audio in use decides",
}  # fmt: skip


@pytest.mark.parametrize("name", DIRECTIONS)
def test_direction_of_the_call_and_whether_it_holds(name: str) -> None:
    description, expected = DIRECTIONS[name]
    assert session_direction(description) is expected
    assert is_hold(description) is (name in HOLDS)


def test_each_stream_has_its_own_direction() -> None:
    description = described(AUDIO, "a=sendonly", VIDEO, "m=text 0 RTP/AVP 98")
    assert [direction(description, media) for media in description.media] == [SENDONLY, SENDRECV, INACTIVE]


@pytest.mark.parametrize(
    ("one", "sends", "receives", "other"),
    [
        (SENDRECV, True, True, SENDRECV),
        (SENDONLY, True, False, RECVONLY),
        (RECVONLY, False, True, SENDONLY),
        (INACTIVE, False, False, INACTIVE),
    ],
)
def test_a_direction_is_the_reverse_on_the_other_side(
    one: Direction, sends: bool, receives: bool, other: Direction
) -> None:
    assert (one.sends, one.receives, one.reversed) == (sends, receives, other)


# RFC 3264 §6.1: the first column is offered, the heading is what the answerer would like.
ANSWERS = {
    #           sendrecv  sendonly  recvonly  inactive
    SENDRECV: (SENDRECV, SENDONLY, RECVONLY, INACTIVE),
    SENDONLY: (RECVONLY, INACTIVE, RECVONLY, INACTIVE),
    RECVONLY: (SENDONLY, SENDONLY, INACTIVE, INACTIVE),
    INACTIVE: (INACTIVE, INACTIVE, INACTIVE, INACTIVE),
}


@pytest.mark.parametrize("offered", ANSWERS)
def test_an_answer_never_says_more_than_was_offered(offered: Direction) -> None:
    assert tuple(answer_direction(offered, wanted) for wanted in Direction) == ANSWERS[offered]


@pytest.mark.parametrize("wanted", Direction)
@pytest.mark.parametrize(
    "description",
    [
        parse(DESK_PHONE),
        parse(BROWSER),
        described(AUDIO),
        described(AUDIO, "a=sendonly", VIDEO, "a=inactive", level=("a=recvonly",)),
    ],
    ids=["desk phone", "browser", "nothing said", "said everywhere"],
)
def test_a_direction_is_set_on_every_stream_whatever_stood_there(
    description: SessionDescription, wanted: Direction
) -> None:
    changed = with_direction(description, wanted)
    assert [direction(changed, media) for media in changed.media] == [wanted] * len(changed.media)
    assert [media.text() for media in changed.media] == [media.text() for media in description.media]
    assert with_direction(changed, wanted) == changed


def test_a_direction_stands_where_the_old_one_stood_and_rejected_streams_stay() -> None:
    description = described(AUDIO, "a=sendrecv", "a=ptime:20", "m=video 0 RTP/AVP 96", "a=sendrecv")
    expected = described(AUDIO, "a=inactive", "a=ptime:20", "m=video 0 RTP/AVP 96", "a=sendrecv")
    assert with_direction(description, INACTIVE) == expected


FITS: dict[str, tuple[SessionDescription, SessionDescription, tuple[str, ...]]] = {
    "the same": (parse(DESK_PHONE), parse(DESK_PHONE), ()),
    "rejected": (described(AUDIO, VIDEO), described(AUDIO, "m=video 0 RTP/AVP 96"), ()),
    "rejected as anything": (described(AUDIO), described("m=audio 0 TCP x"), ()),
    "bundle-only is taken up": (described("m=audio 0 RTP/AVP 0", "a=bundle-only"), described(AUDIO), ()),
    "letter case": (described("m=image 1 udptl t38"), described("m=image 1 UDPTL t38"), ()),
    "other codecs": (described(AUDIO), described("m=audio 1 RTP/AVP 8"), ()),
    "too few": (described(AUDIO, VIDEO), described(AUDIO), ("1 streams answer 2",)),
    "too many": (described(AUDIO), described(AUDIO, VIDEO), ("2 streams answer 1",)),
    "none": (described(AUDIO), described(), ("0 streams answer 1",)),
    "another order": (
        described(AUDIO, VIDEO),
        described(VIDEO, AUDIO),
        ("stream 1: video answers audio", "stream 2: audio answers video"),
    ),
    "rejected as another kind": (
        described(AUDIO),
        described("m=video 0 RTP/AVP 96"),
        ("stream 1: video answers audio",),
    ),
    "another protocol": (
        described(AUDIO),
        described("m=audio 1 RTP/SAVP 0"),
        ("stream 1: RTP/SAVP answers RTP/AVP",),
    ),
    "not offered": (
        described(AUDIO, "m=video 0 RTP/AVP 96"),
        described(AUDIO, VIDEO),
        ("stream 2: video is answered, but was not offered",),
    ),
}


@pytest.mark.parametrize(("offer", "answer", "wrong"), FITS.values(), ids=FITS)
def test_what_is_wrong_with_an_answer_is_said_stream_by_stream(
    offer: SessionDescription, answer: SessionDescription, wrong: tuple[str, ...]
) -> None:
    assert answer_fits(offer, answer) == wrong


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
@pytest.mark.parametrize(
    "offer",
    [DESK_PHONE, BROWSER, FAX, session(), session("m=video 0 UDP/TLS/RTP/SAVPF")],
    ids=["desk phone", "browser", "fax", "no media", "no formats"],
)
def test_an_answer_that_rejects_all_fits_every_offer(offer: bytes, address: str) -> None:
    answer = make_answer_rejecting(parse(offer), address)
    assert answer_fits(parse(offer), answer) == ()
    assert all(media.port == 0 for media in answer.media)
    assert answer.origin.address == address
    assert parse_strict(answer.to_bytes()) == answer


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_an_inactive_offer_has_audio_that_flows_nowhere(address: str) -> None:
    offer = inactive_offer(address)
    assert parse_strict(offer.to_bytes()) == offer
    assert session_direction(offer) is INACTIVE
    assert [codec.name for codec in codecs(offer.media[0])] == ["PCMA", "PCMU", "telephone-event"]
    assert [media.rejected for media in offer.media] == [False]
