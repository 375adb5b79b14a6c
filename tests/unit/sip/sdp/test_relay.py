"""One party's descriptions handed on as ours: origin, version, and the places of the streams."""

import pytest

from sip.sdp.description import MAX_MEDIA, parse
from sip.sdp.errors import SdpError
from sip.sdp.lines import Origin
from sip.sdp.negotiation import answer_fits
from sip.sdp.relay import Rewriter, align, as_from_us, kinds, put_back
from tests.unit.sip.sdp.samples import BROWSER, DESK_PHONE, FAX, WELL_FORMED, described, session

A, A0 = "m=audio 4000 RTP/AVP 0", "m=audio 0 RTP/AVP 0"
V, V0 = "m=video 5000 RTP/AVP 96", "m=video 0 RTP/AVP 96"
T, T0 = "m=text 6000 RTP/AVP 98", "m=text 0 RTP/AVP 98"
F, F0 = "m=image 7000 udptl t38", "m=image 0 udptl t38"


def origin(body: bytes) -> Origin:
    return parse(body).origin


def media(body: bytes) -> list[str]:
    return [one.text() for one in parse(body).media]


# ---- origin and version


@pytest.mark.parametrize("body", WELL_FORMED.values(), ids=WELL_FORMED)
def test_only_the_origin_of_a_description_changes_on_its_way(body: bytes) -> None:
    for made in (Rewriter(7).offer(body).body, Rewriter(7).answer(body, body)):
        assert made == as_from_us(parse(body), 7, 1).to_bytes()


def test_the_version_grows_by_one_with_each_change_and_not_without() -> None:
    leg = Rewriter(7)
    hold = DESK_PHONE.replace(b"sendrecv", b"sendonly")
    steps = [DESK_PHONE, DESK_PHONE, hold, hold, DESK_PHONE, DESK_PHONE.replace(b"20000 20000", b"5 6")]
    assert [origin(leg.offer(step).body).version for step in steps] == ["1", "1", "2", "2", "3", "3"]


def test_offers_and_answers_of_a_dialog_share_one_version() -> None:
    leg = Rewriter(7)
    offer = session(A)
    assert origin(leg.answer(DESK_PHONE, offer)).version == "1"
    assert origin(leg.offer(DESK_PHONE).body).version == "1"
    assert origin(leg.answer(session(A), offer)).version == "2"


def test_a_replaced_far_side_is_still_the_same_describer() -> None:
    leg = Rewriter(7)
    first = origin(leg.offer(session(A, address="192.0.2.10")).body)
    leg.offer_answered()
    second = origin(leg.offer(session(A, address="2001:db8::20")).body)
    assert first == Origin("-", "7", "1", "192.0.2.10")
    assert second == Origin("-", "7", "2", "192.0.2.10")
    assert b"c=IN IP6 2001:db8::20\r\n" in leg.last


@pytest.mark.parametrize(("address", "kind"), [("203.0.113.1", "IP4"), ("2001:db8::1", "IP6")])
def test_our_own_address_may_stand_in_the_origin(address: str, kind: str) -> None:
    ours = Origin("-", "7", "1", address, kind)
    assert origin(Rewriter(7, address).offer(DESK_PHONE).body) == ours
    assert as_from_us(parse(DESK_PHONE), 7, 1, address).origin == ours


def test_a_restored_describer_goes_on_where_it_was() -> None:
    leg = Rewriter(2**62 - 1)
    leg.offer(session(A))
    leg.offer(session(A, V))
    leg.offer_answered()
    restored = Rewriter.restored(leg.last)
    for body in (session(A, V), session(V), session(A, T, address="192.0.2.99")):
        assert restored.offer(body) == leg.offer(body)
    assert (restored.session_id, restored.version) == (leg.session_id, leg.version) == (2**62 - 1, 4)


@pytest.mark.parametrize(
    "last", [b"", DESK_PHONE.replace(b"20000 20000", b"x 1"), DESK_PHONE.replace(b" 20000 I", b" y I")]
)
def test_a_describer_is_not_restored_from_what_is_not_ours(last: bytes) -> None:
    with pytest.raises(SdpError):
        Rewriter.restored(last)


@pytest.mark.parametrize("body", [b"", b"v=0\r\nt=0 0\r\n", b"v=0\r\no=x\r\n"])
def test_what_has_no_origin_is_not_handed_on(body: bytes) -> None:
    with pytest.raises(SdpError):
        Rewriter(7).offer(body)
    with pytest.raises(SdpError):
        Rewriter(7).answer(body, DESK_PHONE)


def test_kinds_are_read_from_the_m_lines_alone() -> None:
    assert kinds(BROWSER) == [b"audio", b"video"]
    assert kinds(FAX.replace(b"\r\n", b"\n")) == [b"image"]
    assert kinds(session()) == []


# ---- the places of streams

# The streams of the dialog so far, those of the new far side, what is offered, and where each of its streams went.
ALIGNED: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[int | None, ...]]] = {
    "the same": ((A, V), (A, V), (A, V), (0, 1)),
    "another order": ((A, V), (V, A), (A, V), (1, 0)),
    "video is gone": ((A, V), (A,), (A, V0), (0,)),
    "audio is gone": ((A, V), (V,), (A0, V), (1,)),
    "video is new": ((A,), (A, V), (A, V), (0, 1)),
    "video is new, and first": ((A,), (V, A), (A, V), (1, 0)),
    "video takes a rejected place": ((A, F0), (A, V), (A, V), (0, 1)),
    "text takes a rejected place elsewhere": ((F0, A, V), (A, V, "m=text 1 RTP/AVP 98"), (
        "m=text 1 RTP/AVP 98", A, V), (1, 2, 0)),
    "a second audio goes to the end": ((A, V), (A, "m=audio 9 RTP/AVP 8", V), (A, V, "m=audio 9 RTP/AVP 8"), (0, 2, 1)),
    "voice turns into fax in its place": ((A,), (F,), (F,), (0,)),
    "fax turns into voice in its place": ((F,), (A,), (A,), (0,)),
    "a rejected stream keeps its place": ((A, V), (A, V0), (A, V0), (0, 1)),
    "a rejected stream finds its kind": ((A, V), (V0, A), (A, V0), (1, 0)),
    "a rejected stream without a place is left out": ((A,), (A, V0, F0), (A,), (0, None, None)),
    "a stream in use goes before a rejected one": ((A,), (A0, A), (A,), (None, 0)),
    "nothing so far": ((), (A, V), (A, V), (0, 1)),
    "nothing any more": ((A, V), (), (A0, V0), ()),
}  # fmt: skip


@pytest.mark.parametrize(("slots", "came", "offered", "places"), ALIGNED.values(), ids=ALIGNED)
def test_streams_take_the_places_that_they_have_in_the_dialog(
    slots: tuple[str, ...], came: tuple[str, ...], offered: tuple[str, ...], places: tuple[int | None, ...]
) -> None:
    aligned, found = align(described(*came), described(*slots).media)
    assert [one.text() for one in aligned.media] == list(offered)
    assert found == places


@pytest.mark.parametrize(("slots", "came", "offered", "places"), ALIGNED.values(), ids=ALIGNED)
def test_an_answer_comes_back_in_the_places_of_the_offer_that_was_made(
    slots: tuple[str, ...], came: tuple[str, ...], offered: tuple[str, ...], places: tuple[int | None, ...]
) -> None:
    offer = described(*came)
    aligned, places = align(offer, described(*slots).media)
    answer = put_back(aligned, offer, places)  # as if the offer itself came back
    assert answer_fits(offer, answer) == ()
    assert [one.text() for one in answer.media] == [one.text() for one in offer.media]


def test_a_filled_place_has_a_connection_only_where_the_session_has_none() -> None:
    slots = described(A, V).media
    with_session = align(described(A), slots)[0].media[1]
    without = parse(session(A, "c=IN IP4 192.0.2.1").replace(b"c=IN IP4 192.0.2.10\r\n", b""))
    assert with_session.lines == ()
    assert [line.text() for line in align(without, slots)[0].media[1].lines] == ["c=IN IP4 0.0.0.0"]


def test_more_streams_than_a_description_holds_are_488() -> None:
    with pytest.raises(SdpError) as caught:
        align(described(V, A), described(A, *[T] * (MAX_MEDIA - 1)).media)
    assert caught.value.status == 488


SHORT: dict[str, tuple[tuple[str, ...], tuple[str, ...], list[str]]] = {
    "too few": ((A, V), (A,), [A, V0]),
    "too many": ((A,), (A, V), [A]),
    "none": ((A, V), (), [A0, V0]),
    "another kind": ((A, V), (A, F), [A, V0]),
    "another order": ((A, V), (V, A), [A0, V0]),
}


@pytest.mark.parametrize(("offered", "answered", "handed_on"), SHORT.values(), ids=SHORT)
def test_an_answer_that_does_not_fit_is_handed_on_as_one_that_does(
    offered: tuple[str, ...], answered: tuple[str, ...], handed_on: list[str]
) -> None:
    assert media(Rewriter(7).answer(session(*answered), session(*offered))) == handed_on


def test_a_transfer_to_a_party_with_other_streams_keeps_the_places_of_both() -> None:
    """Anna and Boris talk with audio and video; Anna is then joined to Clara, who had audio, fax and text."""
    anna, clara = Rewriter(1), Rewriter(3)
    anna.answer(session(A, V), session(A, V))
    clara.offer(session(A, F, T))
    clara.offer_answered()

    offer = session(A, V, address="192.0.2.1")  # Anna's, asked for by a re-INVITE without one
    to_clara = clara.offer(offer)
    assert media(to_clara.body) == [A, V, T0]
    from_clara = session("m=audio 8 RTP/AVP 0", "m=video 9 RTP/AVP 96", T0, address="192.0.2.3")
    to_anna = anna.answer(from_clara, offer, to_clara.places)
    assert media(to_anna) == ["m=audio 8 RTP/AVP 0", "m=video 9 RTP/AVP 96"]
    assert (origin(to_anna).version, origin(to_clara.body).version) == ("2", "2")

    clara.offer_answered()
    from_anna = session(A, V, T, address="192.0.2.1")  # Anna adds text: a new stream for her, an old place at Clara's
    assert media(clara.offer(from_anna).body) == [A, V, T]


def test_an_offer_that_was_refused_takes_no_places() -> None:
    leg = Rewriter(7)
    leg.offer(session(A))
    leg.offer_answered()
    assert media(leg.offer(session(A, V)).body) == [A, V]
    assert media(leg.offer(session(A, T)).body) == [A, T]
    leg.offer_answered()
    assert media(leg.offer(session(A, V)).body) == [A, V]
    assert leg.version == 4
