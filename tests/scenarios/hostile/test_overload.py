"""More calls than there may be, and a server that is about to stop: no new calls, and those that are there go on."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.hostile.telephones import Telephones
from tests.scenarios.hostile.victim import Engine, complaints
from tests.support.phones import Phone
from tests.support.talks import Talk


@pytest.fixture
def telephones(tmp_path: Path) -> Iterator[Telephones]:
    settings = "[calls]\nmax_calls = 1\ndrain_seconds = 20"
    with Engine(tmp_path / "server", users=("101", "102", "103"), settings=settings) as server:
        with Telephones(server) as telephones:
            yield telephones
        assert complaints(server) == []


def _assert_refused(telephones: Telephones, phone: Phone, reason: str) -> None:
    call = phone.call("102")
    assert telephones.outcome(call) == 503
    assert call.answered.reason == reason
    assert int(call.answered.headers["Retry-After"][0]) > 0


def _hold_and_resume(telephones: Telephones, talk: Talk, other: Talk) -> None:
    for direction in ("sendonly", "sendrecv"):
        offer = talk.phone.sdp.replace(b"m=audio", b"a=%s\r\nm=audio" % direction.encode())
        assert telephones.status(talk.reinvite(offer)) == 200
        assert b"a=" + direction.encode() in other.methods("INVITE")[-1].body


def test_call_beyond_the_limit_is_refused_until_another_has_ended(telephones: Telephones) -> None:
    anna, boris, clara = (telephones.registered(number) for number in ("101", "102", "103"))
    call, ring = telephones.connected(anna, boris)
    _assert_refused(telephones, clara, "Too Many Calls")
    _hold_and_resume(telephones, call, ring)
    telephones.hang_up(ring, call)
    telephones.hang_up(*telephones.connected(clara, boris))


def test_server_that_is_to_stop_takes_no_new_calls_and_waits_for_those_there_are(telephones: Telephones) -> None:
    server = telephones.server
    assert server.process is not None
    anna, boris, clara = (telephones.registered(number) for number in ("101", "102", "103"))
    call, ring = telephones.connected(anna, boris)
    os.kill(server.process.pid, signal.SIGTERM)
    server.process.wait_for("= draining: 1 calls")
    _assert_refused(telephones, clara, "Shutting Down")
    _hold_and_resume(telephones, call, ring)
    assert telephones.status(clara.register()) == 200
    telephones.hang_up(call, ring)
    assert server.process.wait_ended() == 0
    (record,) = server.records()
    assert (record["caller"], record["dialled"], record["cause"]) == ("101", "102", "caller hung up")
