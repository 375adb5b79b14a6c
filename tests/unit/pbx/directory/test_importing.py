"""Users from a file: all, or none with a reason for every bad line."""

import pytest
from argon2 import PasswordHasher

from pbx.directory.errors import BadFile
from pbx.directory.events import UsersAdded
from pbx.directory.importing import import_file, read_users
from pbx.directory.models import UserRow
from pbx.directory.secrets import PASSWORD_LENGTH
from pbx.directory.snapshot import User
from tests.unit.pbx.directory.conftest import ACTOR, Office

GOOD = """\
number,name,role,employee-id,password,sip-password
101,Anna Orlova,admin,E-17,correct horse,secret
102,"Boris, the second",,,,
"""


def run(office: Office, content: str | bytes, *, dry_run: bool = False) -> list[str]:
    """Imports, and returns the problems."""
    if isinstance(content, str):
        content = content.encode()
    try:
        import_file(office.store, content, box=office.box, actor=ACTOR, dry_run=dry_run)
    except BadFile as error:
        return list(error.problems)
    return []


def test_users_of_a_file_are_as_if_added_one_by_one(office: Office) -> None:
    added = import_file(office.store, GOOD.encode(), box=office.box, actor=ACTOR)
    assert [(user.number, user.name) for user in added] == [
        ("101", "Anna Orlova"),
        ("102", "Boris, the second"),
    ]
    directory = office.directory
    assert directory.users == {
        "101": User("101", "Anna Orlova", "admin", "E-17", (), 1),
        "102": User("102", "Boris, the second", "user", None, (), 1),
    }
    assert directory.devices["101"].password == "secret"
    assert directory.devices["102"].password == added[1].sip_password
    assert len(added[1].sip_password) == PASSWORD_LENGTH
    with office.store.reading() as session:
        first, second = session.get(UserRow, "101"), session.get(UserRow, "102")
        assert first is not None
        assert second is not None
        assert PasswordHasher().verify(first.password_hash or "", "correct horse")
        assert second.password_hash is None


def test_import_is_one_version_one_event_and_an_audit_line_for_each_user(office: Office) -> None:
    assert run(office, GOOD) == []
    assert office.version == 1
    assert office.events == [UsersAdded(("101", "102"))]
    assert [(entry.action, entry.subject) for entry in office.audit] == [
        ("user.added", "101"),
        ("user.added", "102"),
    ]
    assert "horse" not in str([entry.after for entry in office.audit])


def test_dry_run_adds_nothing(office: Office) -> None:
    assert run(office, GOOD, dry_run=True) == []
    assert (office.version, office.directory.users, office.events) == (0, {}, [])


@pytest.mark.parametrize("dry_run", [True, False])
def test_every_bad_line_is_named_and_nothing_is_added(office: Office, dry_run: bool) -> None:
    content = (
        "number,name,role,employee-id\n"
        "101,Anna,,\n"
        "abc,Boris,,\n"
        "103,Clara,king,\n"
        "\n"
        "104,Dora\n"
        "1-01,Anna again,,\n"
        "105,Emil,,E-1\n"
        '106,"Fjodor\nthe second",,\n'
        "107,Galina,,E-1\n"
    )
    assert run(office, content, dry_run=dry_run) == [
        "line 3: 'abc' is not a number: 2 to 15 digits are, and a service number begins with *",
        "line 4: 'king' is no role: it is one of user, admin",
        "line 6: 2 values for 4 columns",
        "line 7: number 101 stands in line 2 already",
        "line 10: a name has 1 to 100 printable characters in one line",
        "line 11: employee id E-1 stands in line 8 already",
    ]
    assert (office.version, office.directory.users) == (0, {})


@pytest.mark.parametrize("dry_run", [True, False])
def test_lines_that_meet_the_directory_are_named(office: Office, dry_run: bool) -> None:
    office.add("101", "Anna", employee_id="E-17")
    office.group("600", "101")
    assert run(office, "number,employee-id\n101,\n600,\n102,E-17\n103,\n", dry_run=dry_run) == [
        "line 2: number 101 is taken by Anna",
        "line 3: number 600 is taken by a group",
        "line 4: employee id E-17 belongs to Anna, number 101",
    ]
    assert set(office.directory.users) == {"101"}


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # nothing gets as far as the database
@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "line 1: the column 'number' is missing"),
        (b"name\nAnna\n", "line 1: the column 'number' is missing"),
        (b"number,phone\n", "line 1: unknown column 'phone': the columns are number, name, role, employee-id"),
        (b"number,name,name\n", "line 1: column 'name' stands there twice"),
        (b"number,name\n101,\xcd\xe0\n", "octet 16 is not UTF-8: save the file as UTF-8"),
        (b'number,name\n101,"Anna\n', "line 2: unexpected end of data"),
    ],
)
def test_file_that_cannot_be_read_is_refused_in_words(office: Office, content: bytes, problem: str) -> None:
    (said,) = run(office, content)
    assert said.startswith(problem)


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffnumber;name\r\n101;Анна\r\n\r\n",  # as a spreadsheet saves it
        "Name , Number\nАнна , 101\n",
        "number,name\n101,Анна",
    ],
)
def test_dialects_of_spreadsheets_are_read(content: str) -> None:
    (line,) = read_users(content.encode())
    assert (line.number, line.name) == ("101", "Анна")


def test_employee_id_that_looks_like_none_is_one() -> None:
    first, second = read_users(b"number,employee-id\n101,\n102,None\n")
    assert (first.employee_id, second.employee_id) == (None, "None")


def test_passwords_are_not_shown() -> None:
    lines = read_users(GOOD.encode())
    assert "horse" not in repr(lines)
    assert "secret" not in repr(lines)


def test_message_of_a_bad_file_is_its_first_problem() -> None:
    assert str(BadFile(("line 2: a",))) == "nothing was imported: line 2: a"
    assert str(BadFile(("line 2: a", "line 3: b"))) == "nothing was imported: line 2: a, and 1 more"


def test_file_without_users_adds_nothing(office: Office) -> None:
    assert run(office, "number\n") == []
    assert (office.audit, office.events) == ([], [])
