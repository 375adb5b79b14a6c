"""What happens on the phones, by command: registrations, calls, blocks, simulations, explanations, and the check."""

import json
import socket
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from config.kinds import Address
from config.loader import load_settings
from pbx.accounts import servers
from pbx.bus.errors import CommandError
from pbx.calls.models import CallRecordRow
from pbx.cli.answer import duration, moment, table
from pbx.directory.secrets import SecretBox
from pbx.directory.snapshot_loader import load_directory
from pbx.first_start import renew_certificates
from pbx.registrar.models import BindingRow
from pbx.routing.outcome import Outcome
from pbx.routing.plan import plan
from pbx.routing.record import to_dict
from tests.unit.pbx.cli.conftest import Engine, Gorizont

NOON = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)

REGISTRATION = {
    "number": "101",
    "sip_name": "101-abcd",
    "contact": "sip:101@10.0.0.7",
    "transport": "UDP",
    "source": "10.0.0.7 5060",
    "user_agent": "baresip v1.0.0",
    "expires_in": 3599,
    "flow": "open",
}
CALL = {
    "id": "8f3a",
    "caller": "101",
    "caller_name": "Anna",
    "dialled": "102",
    "answered_by": None,
    "state": "ringing",
    "started_at": NOON.timestamp(),
    "answered_at": None,
}
BLOCK = {"what": "101@10.0.0.9", "why": "7 wrong passwords", "since": 1.0, "until": 2.0, "attempts": 9}


@pytest.mark.parametrize("line", ["registrations", "calls --live", "blocks", "blocks --release x"])
def test_what_only_the_engine_knows_needs_a_running_server(gorizont: Gorizont, line: str) -> None:
    assert "the server is not running" in gorizont.error(*line.split())


def test_registrations_are_shown_of_all_or_one(gorizont: Gorizont, engine: Engine) -> None:
    engine.answers["registrations"] = lambda data: {"registrations": [] if data else [REGISTRATION]}
    assert gorizont.good("registrations").output.splitlines() == [
        "number  user name  over  from           flow  for    phone",
        "101     101-abcd   UDP   10.0.0.7 5060  open  59:59  baresip v1.0.0",
    ]
    assert gorizont.values("registrations") == {"registrations": [REGISTRATION]}
    assert gorizont.good("registrations", "102").output == "no phone is registered\n"
    assert engine.asked[-1] == ("registrations", {"number": "102"})


def test_live_calls_are_shown(gorizont: Gorizont, engine: Engine) -> None:
    engine.answers["calls.live"] = lambda _: {"calls": [CALL]}
    heading, row = gorizont.good("calls", "--live").output.splitlines()
    assert heading.split() == ["caller", "dialled", "answered", "by", "state", "for", "call"]
    assert row.split()[:3] == ["101", "102", "ringing"]
    assert gorizont.values("calls", "--live") == {"calls": [CALL]}


def test_blocks_are_shown_and_released(gorizont: Gorizont, engine: Engine) -> None:
    def release(data: Mapping[str, Any]) -> Mapping[str, Any]:
        if data["what"] != BLOCK["what"]:
            raise CommandError("not-found", f"nothing is known against {data['what']!r}")
        return {"released": 1}

    engine.answers |= {"blocks": lambda _: {"blocks": [BLOCK]}, "blocks.release": release}
    assert "101@10.0.0.9  7 wrong passwords  9" in gorizont.good("blocks").output
    assert gorizont.good("blocks", "--release", "101@10.0.0.9").output == "101@10.0.0.9 may try again\n"
    assert gorizont.error("blocks", "--release", "102") == "gorizont: nothing is known against '102'"


def record_call(gorizont: Gorizont, name: str, minutes: int) -> None:
    """The record of a call from 101 to 102, who is busy and forwards to 103."""
    with gorizont.store() as store:
        with store.reading() as session:
            directory = load_directory(session, SecretBox.open(gorizont.data.storage_key))
        began = NOON + timedelta(minutes=minutes)
        events = [
            {"step": 0, "target": "102", "outcome": "busy", "at": began.isoformat(), "seconds": 0.1},
            {"step": 1, "target": "103", "outcome": "answered", "at": began.isoformat(), "seconds": 4.0},
            {"at": began.isoformat(), "text": "101 was transferred to 104"},
        ]
        row = CallRecordRow(
            id=name, caller="101", caller_name="Anna", dialled="102", answered_by="103",
            started_at=began.timestamp(), answered_at=began.timestamp() + 4, ended_at=began.timestamp() + 69,
            outcome=Outcome.ANSWERED, cause="101 hung up",
            plan=json.dumps(to_dict(plan("102", "101", began, directory))), events=json.dumps(events),
        )  # fmt: skip
        with store.transaction() as tx:
            tx.session.add(row)


@pytest.fixture
def office(gorizont: Gorizont) -> Gorizont:
    for number in ("101", "102", "103"):
        gorizont.good("user", "add", number)
    gorizont.good("forward", "set", "102", "busy", "103")
    return gorizont


def test_ended_calls_are_shown_the_newest_first(office: Gorizont) -> None:
    assert office.good("calls").output == "no call has ended yet\n"
    for minutes, name in enumerate(("aaa1", "aaa2", "bbb3")):
        record_call(office, name, minutes)
    rows = office.good("calls", "--limit", "2").output.splitlines()[1:]
    assert [row.split()[-1] for row in rows] == ["bbb3", "aaa2"]
    assert "101     102      103          answered  1:05" in rows[0]
    newest = office.values("calls")["calls"][0]
    assert (newest["id"], newest["outcome"], newest["cause"]) == ("bbb3", "answered", "101 hung up")
    assert newest["started_at"] == (NOON + timedelta(minutes=2)).timestamp()


def test_call_is_explained_from_its_record(office: Gorizont) -> None:
    record_call(office, "aaa1", 0)
    office.good("forward", "clear", "102")  # what the plan says does not change with the rules
    output = office.good("explain", "aaa1").output
    assert output.startswith("call from 101 to 102 on tue 2026-12-01 at 12:00")
    assert "102 was busy: rings 103" in output
    assert "by rule 'busy' (version 1)" in output
    assert "101 was transferred to 104" in output
    assert output.splitlines()[-1].endswith(": 101 hung up")
    assert office.values("explain", "aaa")["plan"]["dialled"] == "102"


def test_call_is_found_by_the_beginning_of_its_name(office: Gorizont) -> None:
    for name in ("aaa", "aaa1", "b%b"):
        record_call(office, name, 0)
    assert office.values("explain", "aaa")["id"] == "aaa"
    assert office.values("explain", "b")["id"] == "b%b"
    assert "several calls begin with aa: " in office.error("explain", "aa")
    assert "no record of a call %" in office.error("explain", "%")
    assert "no record of a call" in office.error("explain", "")


def register(gorizont: Gorizont, number: str, expires_at: float) -> None:
    with gorizont.store() as store, store.transaction() as tx:
        tx.session.add(
            BindingRow(
                id=f"{number}|sip:x",
                number=number,
                sip_name=number,
                contact="sip:x",
                q=1.0,
                path="[]",
                call_id="c",
                cseq=1,
                expires_at=expires_at,
                flow="UDP a b",
                updated_at=0.0,
            )
        )


def test_simulation_takes_phones_as_they_are_registered(office: Gorizont) -> None:
    assert office.values("simulate", "101", "102", "--at", NOON.isoformat())["answered_by"] is None
    register(office, "103", expires_at=1.0)
    register(office, "102", expires_at=1e11)
    result = office.values("simulate", "101", "102", "--at", NOON.isoformat())
    assert result["answered_by"] == "102"
    busy = office.values("simulate", "101", "102", "--at", NOON.isoformat(), "--state", "102=busy")
    assert [(event["target"], event["outcome"]) for event in busy["events"]] == [
        ("102", "busy"),
        ("103", "unreachable"),
    ]


def test_simulation_is_told_in_words(office: Gorizont) -> None:
    for number in ("102", "103"):
        register(office, number, expires_at=1e11)
    output = office.good("simulate", "101", "102", "--at", "2026-12-01T19:30", "--state", "102=busy").output
    assert output.startswith("call from 101 to 102 on tue 2026-12-01 at 19:30")
    assert "102 was busy: rings 103" in output
    assert "103 answered" in output


def test_simulation_thinks_in_the_time_zone_of_the_rules(office: Gorizont) -> None:
    with office.data.config_file.open("a") as file:
        file.write('[calls]\ntime_zone = "Asia/Tokyo"\n')
    office.good("forward", "set", "102", "time", "103", "--from", "18:00", "--to", "20:00")
    evening = office.values("simulate", "101", "102", "--at", "2026-12-01T19:30")
    assert evening["at"] == "2026-12-01T19:30:00+09:00"
    assert office.values("simulate", "101", "102", "--at", "2026-12-01T10:30Z")["at"] == evening["at"]
    assert evening["events"][0]["target"] == "103"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("101 102 --at yesterday", "'yesterday' is no time: write it as 2026-12-01T19:30"),
        ("101 102 --state 102", "'102' is no state: write NUMBER=STATE"),
        ("101 102 --state 102=asleep", "'102=asleep' is no state"),
    ],
)
def test_simulation_of_what_cannot_be_read_is_refused(office: Gorizont, line: str, words: str) -> None:
    assert words in office.error("simulate", *line.split())


def findings(gorizont: Gorizont) -> dict[str, str]:
    result = gorizont("check", "--json")
    assert (result.status == 0) is all(one["ok"] for one in result.values["findings"])
    return {one["what"]: one["text"] for one in result.values["findings"]}


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listen_on(gorizont: Gorizont, udp: str, tls: str = "") -> None:
    gorizont.data.config_file.write_text(
        f'[sip]\ndomain = "office.test"\nudp = "{udp}"\ntcp = ""\ntls = "{tls}"\nws = ""\nwss = ""\n'
    )


def test_check_finds_nothing_wrong_before_the_start(gorizont: Gorizont) -> None:
    udp = f"127.0.0.1:{free_udp_port()}"
    listen_on(gorizont, udp)
    found = findings(gorizont)
    assert found["configuration"] == "valid, domain office.test"
    assert found["database"] == "0 users, 0 groups; their passwords open"
    assert found["server"] == "not running"
    assert found[f"UDP {udp}"] == "free"
    assert gorizont.good("check").output.splitlines()[1].startswith("ok  configuration")


def test_check_makes_nothing(gorizont: Gorizont, tmp_path_factory: pytest.TempPathFactory) -> None:
    gorizont.data = type(gorizont.data)(tmp_path_factory.mktemp("none") / "new")
    assert "is made by the first start" in findings(gorizont)["data folder"]
    assert not gorizont.data.root.exists()


def test_check_names_a_port_that_another_program_has(gorizont: Gorizont) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        udp = f"127.0.0.1:{other.getsockname()[1]}"
        listen_on(gorizont, udp)
        assert findings(gorizont)[f"UDP {udp}"] == "in use by another program"
        result = gorizont("check")
    assert result.status == 1
    assert result.errors == f"gorizont: UDP {udp}: in use by another program\n"


def test_check_knows_the_ports_of_the_running_server(gorizont: Gorizont, engine: Engine) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
        ours.bind(("127.0.0.1", 0))
        port = ours.getsockname()[1]
        engine.answers["ready"] = lambda _: {"listening": [["UDP", "127.0.0.1", port]]}
        listen_on(gorizont, f"127.0.0.1:{port}")
        found = findings(gorizont)
        assert found["server"] == "running, listens at 1 places"
        assert found[f"UDP 127.0.0.1:{port}"] == "in use by this server"
    udp = f"127.0.0.1:{free_udp_port()}"
    listen_on(gorizont, udp)
    assert findings(gorizont)[f"UDP {udp}"] == "the running server does not listen there: start it anew"


def test_check_tells_what_is_wrong_with_the_certificate(gorizont: Gorizont) -> None:
    listen_on(gorizont, "", tls="127.0.0.1:0")
    what = f"certificate {gorizont.data.certificate}"
    assert "cannot read the certificate" in findings(gorizont)[what]
    settings = load_settings(gorizont.data, environ={})
    renew_certificates(gorizont.data, settings, datetime.now(UTC), [])
    assert findings(gorizont)[what].startswith("for office.test, until 2")
    gorizont.data.config_file.write_text(gorizont.data.config_file.read_text().replace("office.test", "other.test"))
    assert findings(gorizont)[what] == "it is not for other.test"


def test_check_of_a_bad_configuration_tells_the_key(gorizont: Gorizont) -> None:
    gorizont.data.config_file.write_text("[sip]\nupd = 5\n")
    found = findings(gorizont)
    assert list(found) == ["configuration"]
    assert "unknown key [sip] upd" in found["configuration"]


def test_check_tells_when_the_storage_key_is_another(gorizont: Gorizont) -> None:
    gorizont.good("user", "add", "101")
    gorizont.data.storage_key.write_bytes(bytes(32))
    assert "the storage key is not the one" in findings(gorizont)["database"]


def test_check_tells_of_a_password_that_alone_does_not_open(gorizont: Gorizont) -> None:
    for number in ("101", "102"):
        gorizont.good("user", "add", number)
    with gorizont.store() as store, store.transaction() as tx:
        tx.session.execute(text("UPDATE devices SET sealed_password = x'00' WHERE sip_name = '101'"))
    assert findings(gorizont)["database"] == "1 of 2 passwords of phones do not open"


def test_servers_are_the_machines_own_addresses_where_all_are_listened_on(
    gorizont: Gorizont, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ipaddress import ip_address

    own = tuple(map(ip_address, ("127.0.0.1", "10.0.0.7", "::1", "fd00::7")))
    monkeypatch.setattr("pbx.accounts.local_addresses", lambda: own)
    settings = load_settings(gorizont.data, environ={"GORIZONT_SIP__UDP": "0.0.0.0:5060,[::]:5070"})
    assert [tuple(server) for server in servers(settings.sip)] == [("udp", "10.0.0.7", 5060), ("udp", "fd00::7", 5070)]
    assert settings.sip.udp[0] == Address("0.0.0.0", 5060)


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (7.4, "0:07"), (65, "1:05"), (3909, "1:05:09")])
def test_durations_read_as_on_a_phone(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_moment_that_is_unknown_is_empty() -> None:
    assert moment(None) == ""
    assert len(moment(0.0)) == len("1970-01-01 00:00:00")


def test_table_is_as_wide_as_it_needs() -> None:
    assert table(["a", "b"], [["long", None], ["x", 1]], "nothing") == ["a     b", "long", "x     1"]
    assert table(["a", "b"], [], "nothing") == ["nothing"]
