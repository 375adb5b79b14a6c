"""Phones on a bad line: whatever is lost is said again, by them and by the server, until it has arrived."""

from collections.abc import Iterator

import pytest

from tests.scenarios.hostile.lossy import LossyPath
from tests.scenarios.hostile.telephones import Telephones
from tests.scenarios.hostile.victim import Engine, complaints
from tests.support import phones, talks
from tests.support.server import Server

T1 = 0.03  # s; short, so that the test does not take the time of retransmissions


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Engine(tmp_path_factory.mktemp("lossy") / "server", users=("101", "102"), sip={"t1": f"{T1}"}) as server:
        yield server
        assert complaints(server) == []


@pytest.mark.parametrize(
    ("to_server", "to_phones"),
    [
        ([1, 0], [0]),
        ([0], [1, 0]),
        ([1, 0, 0], [0, 1]),
        ([0, 1], [1, 0, 0]),
        ([1, 1, 0], [0]),
        ([0], [1, 1, 0]),
    ],
    ids=lambda pattern: "".join(map(str, pattern)),
)
def test_call_over_a_bad_line_is_made_held_and_ended(
    impatient: Server, monkeypatch: pytest.MonkeyPatch, to_server: list[int], to_phones: list[int]
) -> None:
    for module in (phones, talks):
        monkeypatch.setattr(module, "T1", T1)
        monkeypatch.setattr(module, "T2", 8 * T1)
    with (
        LossyPath(impatient.udp, to_server=to_server, to_phones=to_phones) as path,
        Telephones(impatient, udp=path.address) as telephones,
    ):
        anna, boris = telephones.registered("101"), telephones.registered("102")
        call, ring = telephones.connected(anna, boris)
        hold = anna.sdp.replace(b"m=audio", b"a=sendonly\r\nm=audio")
        assert telephones.status(call.reinvite(hold)) == 200
        assert b"a=sendonly" in ring.methods("INVITE")[-1].body
        telephones.hang_up(ring, call)
        assert len(boris.talks) == 1
        assert len(ring.methods("INVITE")) == 1
        for phone in (anna, boris):
            assert telephones.status(phone.register(expires=0)) == 200
    assert path.lost > 5
    record = impatient.wait_record(caller="101", cause="callee hung up")
    assert record["answered_by"] == "102"
