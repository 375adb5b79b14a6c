"""Actions on users: what they leave in the directory, in the audit trail, and for those who listen."""

import pytest
from sqlalchemy import text

from pbx.directory.devices import add_device, remove_device
from pbx.directory.errors import BadValue, EmployeeTaken, NotFound, NumberTaken
from pbx.directory.events import UserChanged, UserRemoved, UsersAdded
from pbx.directory.forwarding import set_rule
from pbx.directory.models import UserRow
from pbx.directory.secrets import PASSWORD_LENGTH
from pbx.directory.snapshot import Device, User
from pbx.directory.users import add_user, list_users, remove_user, set_user
from tests.unit.pbx.directory.conftest import ACTOR, NOW, Office


def test_new_user_has_a_first_device_called_like_the_number(office: Office) -> None:
    made = office.add("101", "Anna Orlova", role="admin", employee_id="E-17", sip_password="secret")
    assert (made.number, made.name, made.sip_name, made.sip_password) == (
        "101", "Anna Orlova", "101", "secret",
    )  # fmt: skip
    assert office.directory.users == {"101": User("101", "Anna Orlova", "admin", "E-17", (), 1)}
    assert office.directory.devices == {"101": Device("101", "101", "first phone", "secret")}


def test_every_action_is_one_audit_line_one_event_and_one_version(office: Office) -> None:
    office.add("101", "Anna Orlova", employee_id="E-17")
    (entry,) = office.audit
    assert (entry.at, entry.actor, entry.action, entry.subject) == (NOW, ACTOR, "user.added", "101")
    assert (entry.before, entry.after) == (
        None,
        {"name": "Anna Orlova", "role": "user", "employee_id": "E-17"},
    )
    assert office.events == [UsersAdded(("101",))]
    assert office.version == 1


def test_user_without_a_name_is_called_by_the_number(office: Office) -> None:
    assert office.add("101").name == "101"


def test_sip_password_that_is_not_given_is_made_up_and_not_shown(office: Office) -> None:
    made = office.add("101")
    assert len(made.sip_password) == PASSWORD_LENGTH
    assert made.sip_password not in repr(made)


def test_number_is_stored_as_it_is_compared(office: Office) -> None:
    assert office.add("1-01").number == "101"
    with pytest.raises(NumberTaken):
        office.add("(101)")


def test_taken_number_is_refused_by_the_name_of_its_owner(office: Office) -> None:
    office.add("101", "Anna Orlova")
    office.group("600", "101")
    with pytest.raises(NumberTaken, match=r"^number 101 is taken by Anna Orlova$"):
        office.add("101", "Boris")
    with pytest.raises(NumberTaken, match=r"^number 600 is taken by a group$"):
        office.add("600", "Boris")


def test_refused_action_leaves_nothing(office: Office) -> None:
    office.add("101", "Anna Orlova", employee_id="E-17")
    with pytest.raises(EmployeeTaken, match=r"^employee id E-17 belongs to Anna Orlova, number 101$"):
        office.add("102", "Boris", employee_id="E-17")
    assert (office.version, len(office.audit), len(office.events)) == (1, 1, 1)
    assert set(office.directory.users) == {"101"}


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # nothing gets as far as the database
@pytest.mark.parametrize(
    ("number", "options", "message"),
    [
        ("abc", {}, "'abc' is not a number"),
        ("", {}, "is not a number"),
        ("1" * 16, {}, "is not a number"),
        ("*43", {}, "the form of a service number"),
        ("101", {"name": "x" * 101}, "a name has 1 to 100 printable characters in one line"),
        ("101", {"name": "two\nlines"}, "a name has"),
        ("101", {"role": "king"}, "'king' is no role: it is one of user, admin"),
        ("101", {"employee_id": " "}, "an employee id has"),
        ("101", {"sip_password": ""}, "a SIP password has 1 to 128 characters of ASCII"),
        ("101", {"sip_password": "schlüssel"}, "a SIP password has"),
        ("101", {"sip_password": "a\0b"}, "a SIP password has"),
    ],
)
def test_bad_value_is_refused_in_words(office: Office, number: str, options: dict[str, str], message: str) -> None:
    with pytest.raises(BadValue) as caught:
        office.add(number, **options)
    assert message in str(caught.value)
    assert options.get("sip_password") in ("", None) or options["sip_password"] not in str(caught.value)


def test_names_in_any_script_are_kept(office: Office) -> None:
    office.add("101", "  Анна Орлова 🙂 ")
    assert office.directory.users["101"].name == "Анна Орлова 🙂"


def test_set_changes_what_is_given_and_counts_the_version(office: Office) -> None:
    office.add("101", "Anna", employee_id="E-17")
    office.do(set_user, "101", box=office.box, name="Anna Orlova", role="admin")
    assert office.directory.users["101"] == User("101", "Anna Orlova", "admin", "E-17", (), 2)
    assert (office.audit[-1].action, office.audit[-1].before, office.audit[-1].after) == (
        "user.changed", {"name": "Anna", "role": "user"}, {"name": "Anna Orlova", "role": "admin"},
    )  # fmt: skip
    assert office.events[-1] == UserChanged(("101",))


def test_empty_employee_id_removes_it_and_own_one_may_be_set_again(office: Office) -> None:
    office.add("101", employee_id="E-17")
    office.do(set_user, "101", box=office.box, employee_id="E-17")
    assert office.directory.users["101"].employee_id == "E-17"
    office.do(set_user, "101", box=office.box, employee_id="")
    assert office.directory.users["101"].employee_id is None
    office.add("102", employee_id="E-17")


def test_passwords_can_be_set_and_are_not_in_the_audit_trail(office: Office) -> None:
    office.add("101", sip_password="first-secret")
    office.do(set_user, "101", box=office.box, sip_password="next-secret", password_hash="$argon2id$hash")
    assert office.directory.devices["101"].password == "next-secret"
    with office.store.reading() as session:
        row = session.get(UserRow, "101")
        assert row is not None
        assert row.password_hash == "$argon2id$hash"
    assert office.audit[-1].after == {"password": "changed", "sip_password": "changed"}
    said = str([(entry.before, entry.after) for entry in office.audit])
    assert "secret" not in said
    assert "argon" not in said


def test_database_alone_does_not_reveal_a_password(office: Office) -> None:
    office.add("101", sip_password="seldom-seen-word")
    with office.store.reading() as session:
        tables = [str(session.execute(text(f"SELECT * FROM {table}")).all()) for table in ("users", "devices", "audit")]
    assert "seldom-seen-word" not in "".join(tables)


def test_sip_password_of_a_removed_first_device_is_refused(office: Office) -> None:
    office.add("101")
    office.do(remove_device, "101")
    with pytest.raises(BadValue, match="the first device of 101 was removed"):
        office.do(set_user, "101", box=office.box, sip_password="x")


def test_set_without_a_change_is_refused(office: Office) -> None:
    office.add("101")
    with pytest.raises(BadValue, match="there is nothing to change of user 101"):
        office.do(set_user, "101", box=office.box)


def test_unknown_user_is_named(office: Office) -> None:
    for action, options in (
        (set_user, {"box": office.box, "name": "x"}),
        (remove_user, {}),
        (add_device, {"box": office.box}),
        (set_rule, {"kind": "dnd"}),
    ):
        with pytest.raises(NotFound, match=r"^there is no user 109$"):
            office.do(action, "109", **options)


def test_removed_user_takes_everything_along(office: Office) -> None:
    office.add("101", "Anna")
    office.add("102", "Boris")
    office.do(add_device, "101", box=office.box)
    office.do(set_rule, "101", "busy", ["102"])
    office.group("600", "101", "102")
    with office.store.transaction() as tx:
        for number in ("101", "102"):
            tx.session.execute(
                text(
                    "INSERT INTO bindings (id, number, sip_name, contact, q, path, call_id, cseq,"
                    " expires_at, flow, updated_at) VALUES (:id, :number, '', '', 1, '', '', 1, 1, '', 1)"
                ),
                {"id": f"{number}|x", "number": number},
            )

    warnings = office.do(remove_user, "101")

    directory = office.directory
    assert set(directory.users) == set(directory.devices) == {"102"}
    assert directory.groups["600"].members == ("102",)
    assert directory.groups["600"].version == 2
    assert (office.count("forwarding_rules"), office.count("bindings")) == (0, 1)
    assert office.events[-1] == UserRemoved(("101", "600"))
    assert (office.audit[-1].action, office.audit[-1].subject) == ("user.removed", "101")
    assert office.audit[-1].before == {"name": "Anna", "role": "user", "employee_id": None}
    assert warnings == ()


def test_removal_warns_of_what_led_to_the_number(office: Office) -> None:
    for number in ("101", "102", "103"):
        office.add(number)
    office.do(set_rule, "102", "busy", ["101", "103"])
    office.do(set_rule, "103", "always", ["1011"])  # the number is only the beginning of this one
    office.group("600", "101")
    assert office.do(remove_user, "101") == (
        "102 forwards to 101 by the rule busy",
        "group 600 has no members any more",
    )


def test_number_of_a_removed_user_is_free_again(office: Office) -> None:
    office.add("101", "Anna", employee_id="E-17")
    office.do(remove_user, "101")
    office.add("101", "Boris", employee_id="E-17")
    assert office.directory.users["101"].name == "Boris"


def test_users_are_listed_by_number(office: Office) -> None:
    office.add("102", "Boris")
    office.add("101", "Anna")
    with office.store.reading() as session:
        assert [(user.number, user.name) for user in list_users(session)] == [
            ("101", "Anna"),
            ("102", "Boris"),
        ]


def test_one_transaction_may_hold_several_actions(office: Office) -> None:
    with office.store.transaction() as tx:
        add_user(tx, "101", box=office.box, actor=ACTOR)
        add_device(tx, "101", box=office.box, actor=ACTOR)
    assert (office.version, len(office.audit), len(office.directory.devices)) == (2, 2, 2)
