"""Session descriptions from hostile octets: `python -m tests.fuzz.fuzz_sdp [-runs=N] [-max_total_time=SECONDS] [DIR]`.

Input may be rejected with the documented exception, SdpError; any other exception is a finding. What is read must
be written so that it reads the same, and the quick path must agree with the full reader. The inputs that reached
something new are kept for the next time: in DIR, or in a folder `gorizont-fuzz-sdp` among the temporary files.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from sip.sdp.attributes import Candidate, Crypto, Fingerprint, Rtcp, bundle, fingerprints, ice_credentials, rtcp, setup
from sip.sdp.codecs import codecs, packet_time, telephone_events
from sip.sdp.description import MediaDescription, SessionDescription, parse, relabel_origin
from sip.sdp.errors import SdpError
from sip.sdp.lines import Origin
from sip.sdp.negotiation import answer_fits, is_hold, make_answer_rejecting, session_direction
from sip.sdp.quick import quick_check, quick_direction
from sip.sdp.strict import parse_strict
from tests.fuzz.running import fuzz
from tests.unit.sip.sdp.samples import WELL_FORMED

SEEDS = WELL_FORMED

ATTRIBUTES: dict[str, type[Crypto | Candidate | Fingerprint | Rtcp]] = {
    "crypto": Crypto,
    "candidate": Candidate,
    "fingerprint": Fingerprint,
    "rtcp": Rtcp,
}

Given = TypeVar("Given")
Got = TypeVar("Got")


def check_sdp(body: bytes) -> None:
    """Reads `body` in every way that there is. Raises AssertionError, or whatever should not be raised."""
    description = _accepted(parse, body)
    strict = _accepted(parse_strict, body)
    if strict is not None:
        assert strict == description
        assert strict.to_bytes() == body
    _check_quick(body, description)
    _accepted(lambda octets: relabel_origin(octets, 7, 1), body)
    if description is None:
        return
    assert parse(description.to_bytes()) == description
    assert answer_fits(description, make_answer_rejecting(description, "192.0.2.1")) == ()
    is_hold(description)
    bundle(description)
    for media in description.media:
        _read_stream(description, media)


def _check_quick(body: bytes, description: SessionDescription | None) -> None:
    try:
        quick_check(body)
    except SdpError:
        assert description is None
        return
    relabelled = relabel_origin(body, 7, 8)
    assert b"\no=- 7 8 " in relabelled
    if description is None:
        _accepted(quick_direction, body)
        return
    assert quick_direction(body) is session_direction(description)
    before = description.origin
    after = Origin("-", "7", "8", before.address, before.address_type, before.net_type)
    assert parse(relabelled) == description.with_origin(after)


def _read_stream(description: SessionDescription, media: MediaDescription) -> None:
    packet_time(media)
    ice_credentials(description, media)
    for codec in codecs(media):
        codec.parameter("x")
    for codec in telephone_events(media):
        _accepted(lambda codec: codec.events(), codec)
    for read in (rtcp, lambda media: setup(description, media), lambda media: fingerprints(description, media)):
        _accepted(read, media)
    for name, kind in ATTRIBUTES.items():
        for value in media.values(name):
            _accepted(partial(_read_back, kind), value)


def _read_back(kind: type[Crypto | Candidate | Fingerprint | Rtcp], value: str) -> None:
    read = kind.parse(value)
    assert kind.parse(read.text()) == read


def _accepted(read: Callable[[Given], Got], given: Given) -> Got | None:
    """What `read` makes of it; None when it refuses, with an answer that suits."""
    try:
        return read(given)
    except SdpError as error:
        if error.status not in (400, 413, 488):
            raise
        return None


if __name__ == "__main__":
    fuzz("sdp")
