"""Signing in and out, temporary passwords, and the wait for those who guess."""

from datetime import timedelta

from sqlalchemy import update

from pbx.directory.first_admin import first_admin
from pbx.directory.models import UserRow
from pbx.directory.users import add_user, remove_user, set_user
from tests.unit.web.office import QUICK, Person, WebOffice, error_of, password_of


def test_right_password_signs_in_with_a_cookie_that_scripts_never_see(nobody: Person) -> None:
    answer = nobody.post("/session", user="102", password=password_of("102"))
    assert answer.status_code == 200
    assert answer.json["user"] == {
        "number": "102",
        "name": "Boris Petrov",
        "role": "user",
        "language": None,
        "theme": None,
        "status": "",
        "has_phone": True,
    }
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-gorizont=")
    for attribute in ("Secure", "HttpOnly", "Path=/", "SameSite=Strict"):
        assert attribute in cookie.split("; ")
    assert nobody.get("/session").json["user"]["number"] == "102"


def test_number_may_be_written_with_blanks(nobody: Person) -> None:
    assert nobody.post("/session", user=" 1 02", password=password_of("102")).status_code == 200


def test_wrong_password_and_unknown_user_are_told_apart_by_nobody(nobody: Person) -> None:
    wrong = nobody.post("/session", user="102", password="wrong")
    unknown = nobody.post("/session", user="999", password="wrong")
    assert error_of(wrong) == error_of(unknown) == (401, "wrong-password")
    assert wrong.text == unknown.text
    assert "Set-Cookie" not in wrong.headers


def test_user_without_a_password_cannot_sign_in(office: WebOffice, nobody: Person) -> None:
    office.do(add_user, "104", box=office.box)
    assert error_of(nobody.post("/session", user="104", password="None")) == (401, "wrong-password")


def test_guessing_makes_this_account_wait_and_nobody_else(office: WebOffice, nobody: Person) -> None:
    for _ in range(6):
        assert error_of(nobody.post("/session", user="102", password="wrong")) == (401, "wrong-password")
    refused = nobody.post("/session", user="102", password=password_of("102"))
    assert error_of(refused) == (429, "too-many")
    assert 0 < int(refused.headers["Retry-After"]) <= 10
    assert nobody.post("/session", user="103", password=password_of("103")).status_code == 200
    office.clock.wait(seconds=11)
    assert nobody.post("/session", user="102", password=password_of("102")).status_code == 200


def test_temporary_password_is_good_for_choosing_another_one(office: WebOffice, nobody: Person) -> None:
    office.do(set_user, "102", box=office.box, password_hash=QUICK.hash("once only"), password_temporary=True)
    assert error_of(nobody.post("/session", user="102", password="once only")) == (403, "new-password-needed")
    assert nobody.token is None
    short = nobody.post("/session", user="102", password="once only", new_password="short")
    assert error_of(short) == (422, "weak-password")
    assert list(short.json["error"]["details"]) == ["new_password"]
    same = nobody.post("/session", user="102", password="once only", new_password="once only")
    assert error_of(same) == (422, "weak-password")
    assert nobody.post("/session", user="102", password="once only", new_password="a long one").status_code == 200
    assert office.person().post("/session", user="102", password="a long one").status_code == 200
    assert error_of(office.person().post("/session", user="102", password="once only")) == (401, "wrong-password")


def test_installation_that_has_an_admin_gets_no_other(office: WebOffice) -> None:
    before = office.audit()
    assert first_admin(office.store) is None
    assert office.audit() == before


def test_installation_without_an_admin_gets_one(office: WebOffice, nobody: Person) -> None:
    with office.store.transaction() as tx:
        tx.session.execute(update(UserRow).values(password_hash=None))
    made = first_admin(office.store)
    assert made is not None
    assert made.user == "admin"
    assert first_admin(office.store) is None
    office.web.services.directory_holder.check()
    answer = nobody.post("/session", user="Admin", password=made.password, new_password="my own words")
    assert answer.status_code == 200
    assert answer.json["user"]["has_phone"] is False
    start = nobody.get("/start")
    assert start.status_code == 200
    assert start.json["sip"] is None
    assert "admin" not in [one["number"] for one in nobody.get("/people").json["items"]]


def test_sign_out_ends_the_session_for_good(boris: Person) -> None:
    token = boris.token
    answer = boris.delete("/session")
    assert answer.status_code == 204
    assert boris.token is None
    boris.client.set_cookie("__Host-gorizont", str(token), domain="office.test", secure=True)
    assert error_of(boris.get("/me")) == (401, "not-signed-in")


def test_signing_in_again_ends_the_session_before(office: WebOffice, boris: Person) -> None:
    boris.sign_in()
    assert len(boris.get("/me/sessions").json["items"]) == 1


def test_session_ends_when_it_is_not_used(office: WebOffice, boris: Person) -> None:
    for _ in range(3):
        office.clock.wait(hours=160)
        assert boris.get("/me").status_code == 200
    office.clock.wait(hours=169)
    assert error_of(boris.get("/me")) == (401, "not-signed-in")


def test_session_ends_after_its_days_however_much_it_is_used(office: WebOffice, boris: Person) -> None:
    end = office.clock.at + timedelta(days=30)
    while office.clock.at + timedelta(days=6) < end:
        office.clock.wait(days=6)
        assert boris.get("/me").status_code == 200
    office.clock.at = end
    assert error_of(boris.get("/me")) == (401, "not-signed-in")


def test_database_has_no_token(office: WebOffice, boris: Person) -> None:
    token = str(boris.token)
    for path in office.data.root.glob("gorizont.db*"):
        assert token.encode() not in path.read_bytes()


def test_change_of_role_by_the_command_line_ends_the_session(office: WebOffice, boris: Person) -> None:
    office.do(set_user, "102", box=office.box, role="admin")
    assert error_of(boris.get("/me")) == (401, "not-signed-in")


def test_removal_of_the_user_ends_the_session(office: WebOffice, boris: Person) -> None:
    office.do(remove_user, "102")
    assert error_of(boris.get("/me")) == (401, "not-signed-in")


def test_own_password_is_changed_and_only_this_browser_stays_signed_in(office: WebOffice, boris: Person) -> None:
    other = office.person("102")
    wrong = boris.put("/me/password", old="wrong", new="a long one")
    assert error_of(wrong) == (401, "wrong-password")
    assert boris.put("/me/password", old=password_of("102"), new="a long one").status_code == 204
    assert boris.get("/me").status_code == 200
    assert error_of(other.get("/me")) == (401, "not-signed-in")


def test_sessions_are_listed_and_revoked_one_by_one(office: WebOffice, boris: Person) -> None:
    office.clock.wait(minutes=5)
    other = office.person("102")
    items = boris.get("/me/sessions").json["items"]
    assert [item["current"] for item in items] == [True, False] or [item["current"] for item in items] == [False, True]
    theirs = next(item["id"] for item in items if not item["current"])
    assert boris.delete(f"/me/sessions/{theirs}").status_code == 204
    assert error_of(other.get("/me")) == (401, "not-signed-in")
    assert error_of(boris.delete(f"/me/sessions/{theirs}")) == (404, "not-found")
