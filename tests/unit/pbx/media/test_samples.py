"""Descriptions of real phones and browsers, offered to every kind of party: what comes out is always well formed."""

import pytest

from pbx.media.errors import NotAcceptable
from pbx.media.plane import MediaProfile
from pbx.media.relay.session import Session
from sip.sdp.description import parse
from sip.sdp.strict import parse_strict
from tests.support.shared import shared_data
from tests.unit.pbx.media.descriptions import CHROME, VIDEO_PHONE
from tests.unit.sip.sdp.samples import WELL_FORMED

OWN = {**WELL_FORMED, "Chrome with video": CHROME, "video phone": VIDEO_PHONE}
FOLDER = shared_data("conformance", "sdp")
SHARED = {} if FOLDER is None else {path.name: path.read_bytes() for path in sorted(FOLDER.glob("*.sdp"))}
SAMPLES = OWN | SHARED

# They name what belongs to the other side of the call, or what a phone can't know.
SECRETS = ("candidate:", "ice-pwd:", "fingerprint:", "inline:", "cname:")


def test_shared_samples_are_there() -> None:
    if FOLDER is None:
        pytest.skip("the kit of shared data is not there: only descriptions of our own are tried")
    assert len(SHARED) > 20


def offered(session: Session, body: bytes, profile: MediaProfile) -> bytes | None:
    """What the other party is told; None where nobody can be told of it, which is said with 488."""
    try:
        return session.offer(body, source="a", target="b", profile=profile, source_host="", target_host="")
    except NotAcceptable:
        return None


@pytest.mark.parametrize("profile", MediaProfile)
@pytest.mark.parametrize("name", SAMPLES)
def test_description_is_passed_on_well_formed_or_refused(session: Session, name: str, profile: MediaProfile) -> None:
    body = SAMPLES[name]
    told = offered(session, body, profile)
    if told is None:
        return
    made, given = parse_strict(told), parse(body)
    assert [one.kind for one in made.media] == [one.kind for one in given.media]
    theirs = {line for line in body.decode("latin-1").split("\r\n") if any(word in line for word in SECRETS)}
    assert not theirs & set(told.decode("latin-1").split("\r\n"))


def test_most_samples_reach_every_kind_of_party(session: Session) -> None:
    for profile in MediaProfile:
        reached = [name for name, body in SAMPLES.items() if offered(session, body, profile) is not None]
        assert len(reached) > len(SAMPLES) * 0.6


@pytest.mark.parametrize("name", SAMPLES)
def test_phones_answer_is_well_formed_for_whoever_has_offered(session: Session, name: str) -> None:
    if offered(session, SAMPLES[name], MediaProfile.RTP) is None:
        return
    try:
        told = session.answer(VIDEO_PHONE, source="b", target="a", source_host="")
    except NotAcceptable:
        return  # it has other streams than the phone
    parse_strict(told)


@pytest.mark.parametrize("name", SAMPLES)
def test_description_that_is_cut_off_is_passed_on_or_refused(session: Session, name: str) -> None:
    body = SAMPLES[name]
    for end in range(0, len(body), 1 + len(body) // 20):
        told = offered(session, body[:end], MediaProfile.WEBRTC)
        if told is not None:
            parse_strict(told)
