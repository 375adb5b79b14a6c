"""Users, devices, rules and groups by command, and an engine that hears of every change."""

import getpass
from pathlib import Path

import pytest

from config import migrations
from pbx.audit.service import entries
from pbx.bus.errors import CommandError
from pbx.cli.office import Office, newest_shape
from pbx.directory.models import UserRow
from pbx.directory.secrets import SecretBox
from pbx.directory.snapshot_loader import load_directory
from tests.unit.pbx.cli.conftest import Engine, Gorizont


def test_user_is_added_with_the_lines_for_the_phone(gorizont: Gorizont) -> None:
    output = gorizont.good("user", "add", "101", "--name", "Anna Orlova").output
    with gorizont.store() as store, store.reading() as session:
        directory = load_directory(session, SecretBox.open(gorizont.data.storage_key))
    assert directory.users["101"].name == "Anna Orlova"
    assert "User 101, Anna Orlova, is there" in output
    assert f"password   {directory.devices['101'].password}" in output
    assert "server     127.0.0.1, port 5060 (UDP)" in output
    assert "domain     office.test" in output


def test_added_user_for_programs(gorizont: Gorizont) -> None:
    assert gorizont.values("user", "add", "101", "--sip-password", "pw") == {
        "number": "101",
        "name": "101",
        "sip_name": "101",
        "sip_password": "pw",
        "domain": "office.test",
        "servers": [{"transport": "udp", "host": "127.0.0.1", "port": 5060}],
    }


def test_user_is_listed_shown_changed_and_removed(gorizont: Gorizont) -> None:
    assert gorizont.good("user", "list").output == "there are no users\n"
    gorizont.good("user", "add", "101", "--name", "Anna", "--employee-id", "E7", "--role", "admin")
    gorizont.good("user", "add", "102")
    assert gorizont.good("user", "list").output.splitlines() == [
        "number  name  role   employee id",
        "101     Anna  admin  E7",
        "102     102   user",
    ]
    gorizont.good("forward", "set", "101", "no-answer", "102", "--after", "15")
    shown = gorizont.good("user", "show", "101").output
    assert "device       101 (first phone)" in shown
    assert "rule         no-answer: rings 102 after 15 s" in shown
    changed = gorizont.values("user", "set", "101", "--name", "Anna Orlova", "--employee-id", "")
    assert (changed["name"], changed["employee_id"], changed["version"]) == ("Anna Orlova", None, 2)
    removed = gorizont("user", "remove", "102")
    assert (removed.status, removed.errors) == (0, "warning: 101 forwards to 102 by the rule no-answer\n")
    assert [user["number"] for user in gorizont.values("user", "list")["users"]] == ["101"]


def test_passwords_may_come_from_input_and_are_never_shown(gorizont: Gorizont) -> None:
    result = gorizont.good("user", "add", "101", "--sip-password", "-", "--password", "-", typed="seldom\nheard\n")
    assert "password   seldom" in result.output
    assert "heard" not in result.output
    with gorizont.store() as store, store.reading() as session:
        assert str(session.get_one(UserRow, "101").password_hash).startswith("$argon2id$")
    assert "seldom" not in gorizont.good("user", "show", "101", "--json").output
    assert gorizont.error("user", "set", "101", "--password", "-", typed="\n") == (
        "gorizont: a password has at least one character"
    )


def test_who_acts_stands_in_the_audit_trail(gorizont: Gorizont) -> None:
    gorizont.good("user", "add", "101")
    with gorizont.store() as store, store.reading() as session:
        (entry,) = entries(session)
    assert (entry.actor, entry.action, entry.subject) == (f"cli:{getpass.getuser()}", "user.added", "101")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("user add 101", "number 101 is taken by 101"),
        ("user add *99", "is the form of a service number"),
        ("user show 999", "there is no user 999"),
        ("user set 101", "there is nothing to change of user 101"),
        ("user remove 999", "there is no user 999"),
        ("user import nowhere.csv", "cannot read nowhere.csv: No such file"),
        ("device add 999", "there is no user 999"),
        ("device remove nobody", "there is no device nobody"),
        ("forward set 101 always", "a rule always needs 1 to 20 targets"),
        ("forward set 101 time 102 --from 25:00 --to 09:00", "'25:00' is no time of day"),
        ("forward set 101 time 102 --days someday", "'someday' names no weekdays"),
        ("forward set 101 always 101", "101 cannot be a target of itself"),
        ("forward clear 101", "101 has no rules"),
        ("group set 101 102", "number 101 is taken by 101"),
        ("group remove 600", "there is no group 600"),
    ],
)
def test_refusal_is_one_clear_line(gorizont: Gorizont, line: str, words: str) -> None:
    gorizont.good("user", "add", "101")
    assert words in gorizont.error(*line.split())


def test_devices_are_added_listed_and_removed(gorizont: Gorizont) -> None:
    gorizont.good("user", "add", "101")
    made = gorizont.values("device", "add", "101", "--label", "kitchen")
    assert made["sip_name"].startswith("101-")
    assert len(made["sip_password"]) > 10
    assert f"{made['sip_name']}   kitchen" in gorizont.good("device", "list", "101").output
    gorizont.good("device", "remove", made["sip_name"])
    assert [one["sip_name"] for one in gorizont.values("device", "list", "101")["devices"]] == ["101"]


@pytest.mark.parametrize(
    ("line", "words", "values"),
    [
        ("always 102", "rings 102", {"targets": ["102"]}),
        ("busy 102,103", "rings 102 and 103", {"targets": ["102", "103"]}),
        ("no-answer 102 --after 15", "rings 102 after 15 s", {"after": 15}),
        ("dnd", "does not ring", {"targets": []}),
        ("caller 102 --caller 7495*", "rings 102 for calls from 7495*", {"caller": "7495*"}),
        (
            "time 102 --from 18:00 --to 9:00 --days mon-fri",
            "rings 102 from 18:00 to 09:00 on mon-fri",
            {"from": "18:00", "to": "09:00", "days": "mon-fri"},
        ),
        ("time 102 --days sat,sun", "rings 102 all day on sat,sun", {"from": "00:00", "to": "00:00"}),
        ("time 102 --from 18:00 --to 20:00", "rings 102 from 18:00 to 20:00 every day", {"days": "mon-sun"}),
    ],
)
def test_rules_are_set_listed_and_cleared(gorizont: Gorizont, line: str, words: str, values: dict[str, object]) -> None:
    for number in ("101", "102", "103"):
        gorizont.good("user", "add", number)
    kind = line.split()[0]
    assert gorizont.good("forward", "set", "101", *line.split()).output == f"101, rule {kind} (version 1): {words}\n"
    (rule,) = gorizont.values("forward", "list", "101")["rules"]
    assert rule["kind"] == kind
    assert values.items() <= rule.items()
    assert words in gorizont.good("forward", "list", "101").output
    assert gorizont.good("forward", "clear", "101", kind).output == "1 rule of 101 removed\n"
    assert gorizont.good("forward", "list", "101").output == "101 has no rules\n"


def test_target_that_nobody_has_is_a_warning(gorizont: Gorizont) -> None:
    gorizont.good("user", "add", "101")
    result = gorizont("forward", "set", "101", "always", "777", "--json")
    assert (result.status, result.errors) == (0, "warning: 777 is no user or group here\n")
    assert result.values["warnings"] == ["777 is no user or group here"]


def test_groups_are_set_listed_and_removed(gorizont: Gorizont) -> None:
    gorizont.good("user", "add", "101")
    gorizont.good("user", "add", "102")
    output = gorizont.good("group", "set", "600", "102, 101", "--strategy", "in-turn").output
    assert output == "group 600: 102, 101 ring in turn\n"
    gorizont.good("group", "set", "600", "101")
    assert gorizont.values("group", "list")["groups"] == [
        {"number": "600", "members": ["101"], "strategy": "in-turn", "version": 2}
    ]
    gorizont.good("group", "remove", "600")
    assert gorizont.good("group", "list").output == "there are no groups\n"


FILE = "number;name;sip-password\n101;Anna;pw\n102;Boris;\n"


def test_file_of_users_is_imported_as_a_whole(gorizont: Gorizont, tmp_path: Path, engine: Engine) -> None:
    file = tmp_path / "users.csv"
    file.write_text(FILE)
    assert gorizont.good("user", "import", str(file), "--dry-run").output == "the file is good: nobody was added\n"
    assert engine.heard_of == []
    anna, boris = gorizont.values("user", "import", str(file))["users"]
    assert anna == {"number": "101", "name": "Anna", "sip_name": "101", "sip_password": "pw"}
    assert len(boris["sip_password"]) > 10
    assert engine.heard_of == [["101", "102"]]


def test_bad_file_is_told_line_by_line_and_changes_nothing(gorizont: Gorizont) -> None:
    result = gorizont("user", "import", "-", typed=FILE + "102;Again;\n10a;Bad;\n")
    assert result.status == 1
    assert [line.partition(":")[0] for line in result.output.splitlines()] == ["line 4", "line 5"]
    assert result.errors.startswith("gorizont: nothing was imported: line 4: ")
    assert gorizont.values("user", "list") == {"users": []}


def test_engine_hears_of_every_change(gorizont: Gorizont, engine: Engine) -> None:
    for line in (
        "user add 101",
        "user add 102",
        "user set 101 --name Anna",
        "device add 101",
        "forward set 101 busy 102",
        "forward clear 101",
        "group set 600 101",
        "user remove 101",
    ):
        assert gorizont(*line.split()).status == 0
    assert engine.heard_of == [["101"], ["102"], ["101"], ["101"], ["101"], ["101"], ["600"], ["101", "600"]]


def test_engine_hears_nothing_of_reading_and_of_what_failed(gorizont: Gorizont, engine: Engine) -> None:
    gorizont.good("user", "list")
    gorizont.error("user", "set", "101", "--name", "Anna")
    assert engine.asked == []


def test_engine_that_cannot_take_a_change_over_is_a_warning(gorizont: Gorizont, engine: Engine) -> None:
    def refuse(_data: object) -> dict[str, object]:
        raise CommandError("database", "the database is locked by another program")

    engine.answers["directory.changed"] = refuse
    result = gorizont("user", "add", "101")
    assert result.status == 0
    assert result.errors == (
        "warning: the change is stored, but not in force yet: the database is locked by another program\n"
    )
    assert [user["number"] for user in gorizont.values("user", "list")["users"]] == ["101"]


def test_first_command_of_an_installation_makes_it(gorizont: Gorizont, tmp_path: Path) -> None:
    gorizont.data = type(gorizont.data)(tmp_path / "new")
    gorizont.good("user", "add", "101")
    assert gorizont.data.storage_key.stat().st_mode & 0o777 == 0o600
    assert gorizont.data.certificate.exists()


def test_database_of_another_version_is_not_touched(gorizont: Gorizont) -> None:
    with gorizont.store() as store, store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    line = gorizont.error("user", "add", "101")
    assert "the database has the shape 0000" in line
    assert "start the server anew" in line


def test_lost_storage_key_is_not_replaced(gorizont: Gorizont) -> None:
    gorizont.good("user", "add", "101")
    gorizont.data.storage_key.unlink()
    assert "restore the key" in gorizont.error("user", "add", "102")
    assert not gorizont.data.storage_key.exists()


def test_newest_shape_is_the_one_of_the_migrations(gorizont: Gorizont) -> None:
    assert newest_shape() == migrations.newest()
    office = Office(gorizont.data, None)
    assert office.store.engine.dialect.name == "sqlite"
    office.close()
