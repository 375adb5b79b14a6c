"""Who can sign in as an admin: the first account, and that there always is one."""

import pytest

from pbx.directory.checks import ADMIN
from pbx.directory.devices import add_device
from pbx.directory.errors import BadValue, NotFound
from pbx.directory.first_admin import first_admin
from pbx.directory.users import admins_who_sign_in, remove_user, set_user
from tests.unit.pbx.directory.conftest import Office


def admins(office: Office) -> list[str]:
    with office.store.reading() as session:
        return list(admins_who_sign_in(session))


def test_first_admin_is_made_once_with_a_temporary_password(office: Office) -> None:
    made = first_admin(office.store)
    assert made is not None
    assert made.password not in repr(made)
    assert admins(office) == [ADMIN]
    assert first_admin(office.store) is None


def test_admin_without_a_number_has_no_phone_and_is_nobody_to_call(office: Office) -> None:
    first_admin(office.store)
    with pytest.raises(BadValue, match="no phone"):
        office.do(add_device, ADMIN, box=office.box)
    with pytest.raises(BadValue):
        office.add(ADMIN)


def test_last_admin_who_can_sign_in_stays_one(office: Office) -> None:
    office.add("101", role="admin", password_hash="x")
    office.add("102", role="admin")  # has no password
    for change in (
        lambda: office.do(remove_user, "101"),
        lambda: office.do(set_user, "101", box=office.box, role="user"),
    ):
        with pytest.raises(BadValue, match="last admin"):
            change()
    office.do(set_user, "102", box=office.box, password_hash="y")
    office.do(remove_user, "101")
    assert admins(office) == ["102"]


def test_account_of_the_first_admin_can_go_when_there_is_another(office: Office) -> None:
    first_admin(office.store)
    office.add("101", role="admin", password_hash="x")
    office.do(remove_user, ADMIN)
    with pytest.raises(NotFound):
        office.do(remove_user, ADMIN)
