"""The quick path says what the full reader says."""

import pytest

from sip.sdp.description import MAX_LINES, MAX_OCTETS, parse, relabel_origin
from sip.sdp.errors import SdpError
from sip.sdp.negotiation import Direction, session_direction
from sip.sdp.quick import quick_check, quick_direction
from tests.unit.sip.sdp.samples import DESK_PHONE, WELL_FORMED, session
from tests.unit.sip.sdp.test_description import BROKEN, HEAD, LIBERTIES
from tests.unit.sip.sdp.test_negotiation import DIRECTIONS

# What is wrong in a stream or a c= is left to the phone that gets it.
LEFT_TO_PHONES = ("c= ", "short m=", "port ", "no number of ports", "number of ports 0", "no formats")


@pytest.mark.parametrize("body", WELL_FORMED.values(), ids=WELL_FORMED)
def test_what_is_well_formed_passes(body: bytes) -> None:
    quick_check(body)


@pytest.mark.parametrize("liberty", LIBERTIES)
def test_what_the_reader_takes_passes(liberty: str) -> None:
    for body in WELL_FORMED.values():
        quick_check(LIBERTIES[liberty](body))


@pytest.mark.parametrize(("name", "body"), [row[:2] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_what_the_reader_refuses_is_refused_unless_a_phone_may_judge(name: str, body: bytes) -> None:
    if name.startswith(LEFT_TO_PHONES):
        quick_check(body)
        relabel_origin(body, 1, 1)
    else:
        with pytest.raises(SdpError):
            quick_check(body)


@pytest.mark.parametrize(
    "body",
    [
        HEAD + b"s=" + b"x" * MAX_OCTETS,
        HEAD + b"a=x\r\n" * MAX_LINES,
        DESK_PHONE + b"o=- 1 1 IN IP4 192.0.2.1\r\n",
        b"v=0\r\no= 1 1 IN\r\n",
    ],
    ids=["octets", "lines", "a second o=", "short o="],
)
def test_limits_hold_on_the_quick_path(body: bytes) -> None:
    with pytest.raises(SdpError):
        quick_check(body)


@pytest.mark.parametrize("name", DIRECTIONS)
@pytest.mark.parametrize("liberty", [None, *LIBERTIES])
def test_the_direction_is_that_of_the_full_reader(name: str, liberty: str | None) -> None:
    description, expected = DIRECTIONS[name]
    body = description.to_bytes()
    assert quick_direction(LIBERTIES[liberty](body) if liberty else body) is expected


@pytest.mark.parametrize(
    "body",
    [
        session("m=audio  0 RTP/AVP 0"),
        session("m=audio 1 RTP/AVP 0", "c=IN  IP6\t0:0:0:0:0:0:0:0"),
        session("m=audio 1 RTP/AVP 0", "c=IN IP6 0000::"),
        session("m=audio 1 RTP/AVP 0", "a=sendonly \t"),
        session("m=audio 1 RTP/AVP 0", "a=x:a=inactive"),
        session("m=audio 1 RTP/AVP 0", address="2001:db8::1"),
        session("m=video 1 RTP/AVP 0", "s=m=audio 1"),
        session("m=audio 1 RTP/AVP 0", "m=audio 2 RTP/AVP 0", "a=inactive"),
    ],
)
def test_the_direction_is_found_in_unusual_spellings(body: bytes) -> None:
    assert quick_direction(body) is session_direction(parse(body))


def test_an_ordinary_description_is_not_read_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    def unexpected(body: bytes) -> None:
        pytest.fail(f"read in full: {body!r}")

    monkeypatch.setattr("sip.sdp.quick.parse", unexpected)
    quick_check(DESK_PHONE)
    assert quick_direction(DESK_PHONE) is Direction.SENDRECV
