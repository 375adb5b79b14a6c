"""What phones notice of calls that an engine has taken up from another one."""

from __future__ import annotations

from tests.scenarios.calls.office import Office, connected
from tests.support.phones import sdp

DIGITS = 40


def test_requests_are_numbered_on_however_many_there_were(office: Office) -> None:
    """A phone refuses what is numbered lower than a request before it (RFC 3261 §12.2.2), even a BYE."""
    call, ring = connected(*office.two())
    for _ in range(DIGITS):
        assert call.send("INFO", body=b"1", content_type="application/dtmf-relay").status == 200
    office.restart()
    call.bye()
    (bye,) = ring.methods("BYE")
    last = ring.methods("INFO")[-1]
    assert bye.cseq is not None
    assert last.cseq is not None
    assert bye.cseq.number > last.cseq.number


def test_session_that_was_changed_by_update_goes_on_as_it_was_changed(office: Office) -> None:
    """RFC 3264 §8: a description with the version of another one is not looked at."""
    call, ring = connected(*office.two())
    for version, direction in ((2, "sendonly"), (3, ""), (4, "inactive")):
        offer = sdp(call.phone.host, direction=direction, version=version)
        assert call.send("UPDATE", body=offer).status == 200
    before = _version(ring.methods("UPDATE")[-1].body)
    office.restart()
    assert call.reinvite(sdp(call.phone.host, version=5)).status == 200
    assert _version(ring.methods("INVITE")[-1].body) == before + 1


def test_phone_that_said_by_update_where_it_is_now_is_found_there(office: Office) -> None:
    anna, boris = office.two()
    call, ring = connected(anna, boris)
    boris.contact = f"sip:another@{boris.host}:{boris.port}"
    assert ring.send("UPDATE").status == 200
    office.restart()
    call.bye()
    assert ring.methods("BYE")[0].uri == boris.contact


def _version(body: bytes) -> int:
    return int(body.split(b"\r\n")[1].split(b" ")[2])
