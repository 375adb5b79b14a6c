"""Session descriptions of real clients and servers, from the shared kit."""

import json
from typing import Any

import pytest

from sip.sdp.attributes import Candidate, Crypto, Fingerprint, Rtcp
from sip.sdp.codecs import codecs, telephone_events
from sip.sdp.description import MediaDescription, SessionDescription, parse, relabel_origin
from sip.sdp.errors import SdpError
from sip.sdp.lines import Origin
from sip.sdp.negotiation import answer_fits, is_hold, make_answer_rejecting, session_direction
from sip.sdp.quick import quick_check, quick_direction
from sip.sdp.strict import parse_strict
from tests.fuzz.fuzz_sdp import check_sdp
from tests.support.shared import shared_data

FOLDER = shared_data("conformance", "sdp")
INDEX: list[dict[str, Any]] = json.loads((FOLDER / "index.json").read_text())["examples"] if FOLDER else []
SAMPLES = {entry["file"].removesuffix(".sdp"): entry for entry in INDEX}

pytestmark = pytest.mark.skipif(
    FOLDER is None, reason="the shared kit's folder conformance/sdp (28 descriptions) is not beside this checkout"
)

# What the strict reader says of those that are not as the standard writes them.
IRREGULAR = {
    "invalid": (10, "no such letter"),
    "bria4-audio-video-text": (15, "not as the standard"),
    "chrome-simulcast": (5, "out of order"),
    "cisco-sipua-multi": (11, "c= is missing"),
    "edge-legacy-answer": (24, "no formats"),
    "tcp-active": (0, "t= is missing"),
}
# The one whose form is broken: a line without a letter and "=".
NOT_TO_COME_BACK = {"bria4-audio-video-text": b"mid:1\r\n"}


def body(name: str) -> bytes:
    assert FOLDER is not None
    return (FOLDER / f"{name}.sdp").read_bytes()


def description(name: str) -> SessionDescription:
    return parse(body(name))


def stream(name: str, kind: str) -> MediaDescription:
    return next(media for media in description(name).media if media.kind == kind)


def test_all_samples_of_the_index_are_there() -> None:
    assert len(SAMPLES) == 28
    assert {name: len(body(name)) for name in SAMPLES} == {name: entry["bytes"] for name, entry in SAMPLES.items()}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_has_the_media_of_its_index(name: str) -> None:
    assert [media.text() for media in description(name).media] == SAMPLES[name]["media"]


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_comes_back_byte_for_byte(name: str) -> None:
    assert description(name).to_bytes() == body(name).replace(NOT_TO_COME_BACK.get(name, b"\0"), b"")


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_as_the_standard_writes_it_or_the_reader_says_where_not(name: str) -> None:
    if name not in IRREGULAR:
        assert parse_strict(body(name)) == description(name)
        return
    line, problem = IRREGULAR[name]
    with pytest.raises(SdpError, match=problem) as caught:
        parse_strict(body(name))
    assert caught.value.line == line


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_relayed_with_nothing_changed_but_the_origin(name: str) -> None:
    quick_check(body(name))
    theirs = description(name).origin
    ours = Origin("-", "5", "1", theirs.address, theirs.address_type)
    assert relabel_origin(body(name), 5, 1) == body(name).replace(theirs.text().encode(), ours.text().encode())


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_cut_off_anywhere_is_read_or_refused(name: str) -> None:
    whole = body(name)
    for end in range(0, len(whole), 1 + len(whole) // 200):
        check_sdp(whole[:end])
    check_sdp(whole)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_can_be_turned_down(name: str) -> None:
    offer = description(name)
    answer = make_answer_rejecting(offer, "192.0.2.1")
    assert answer_fits(offer, answer) == ()
    assert parse_strict(answer.to_bytes()) == answer


@pytest.mark.parametrize("name", SAMPLES)
def test_attributes_of_a_sample_that_we_understand_come_back_as_they_were(name: str) -> None:
    # "goo" and "IP7 X" of the broken one are understood too; an address is only looked at when media goes there.
    for media in description(name).media:
        for attribute, kind in (("crypto", Crypto), ("candidate", Candidate), ("rtcp", Rtcp)):
            for value in media.values(attribute):
                assert kind.parse(value).text() == value
        for value in media.values("fingerprint"):
            assert Fingerprint.parse(value).text() == value


@pytest.mark.parametrize("name", SAMPLES)
def test_no_sample_holds_the_call(name: str) -> None:
    # hacky and firefox-84-offer say 0.0.0.0, but they do ICE; invalid says it and does not.
    assert is_hold(description(name)) is (name == "invalid")
    assert quick_direction(body(name)) is session_direction(description(name))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("yealink-t28p", ["PCMU/8000", "PCMA/8000", "G729/8000", "G722/8000", "telephone-event/8000"]),
        ("bria-audio", ["PCMU/8000", "PCMA/8000", "telephone-event/8000"]),
        ("linphone-audio-video", ["opus/48000", "telephone-event/48000"]),
        ("cisco-ip-communicator", [
            "PCMU/8000", "PCMA/8000", "G729/8000", "G722/8000", "iLBC/8000", "ISAC/16000", "telephone-event/8000"]),
    ],
)  # fmt: skip
def test_the_codecs_of_a_phone_are_known(name: str, expected: list[str]) -> None:
    assert [f"{codec.name}/{codec.rate}" for codec in codecs(stream(name, "audio"))] == expected


def test_dtmf_of_a_phone_is_known_though_its_parameters_come_first() -> None:
    (event,) = telephone_events(stream("yealink-t28p", "audio"))
    assert (event.payload_type, event.events()) == (101, frozenset(range(16)))
