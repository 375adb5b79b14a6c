"""Signing in and out."""

from playwright.sync_api import expect

from pbx.directory.users import set_user
from tests.browser.office import Office
from tests.support.server import ACTOR
from tests.support.web import QUICK, web_password


def test_a_person_signs_in_with_number_and_password_and_out_again(office: Office) -> None:
    anna = office.open("102", "Boris Klimov")
    page = anna.page
    page.get_by_label("Number or user name").fill("102")
    page.get_by_label("Password", exact=True).fill(web_password("102"))
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("navigation", name="Pages")).to_be_visible()
    expect(page).to_have_url(f"{office.origin}/chats")
    page.get_by_role("button", name="Boris Klimov: status and settings").click()
    page.get_by_text("Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto(f"{office.origin}/people")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_wrong_password_is_said_in_words(office: Office) -> None:
    page = office.open().page
    page.get_by_label("Number or user name").fill("102")
    page.get_by_label("Password", exact=True).fill("guess")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("The user or the password is wrong.")).to_be_visible()


def test_a_one_time_password_is_replaced_at_once(office: Office) -> None:
    with office.server.store.transaction() as tx:
        one_time = QUICK.hash("one time only")
        set_user(tx, "103", box=office.server._box, actor=ACTOR, password_hash=one_time, password_temporary=True)
    page = office.open(path="/sign-in?user=103#one%20time%20only").page
    expect(page.get_by_role("heading", name="Choose a password")).to_be_visible()
    assert "one" not in page.url
    page.get_by_label("New password").fill("four quiet green lamps")
    page.get_by_role("button", name="Save and go on").click()
    expect(page.get_by_role("navigation", name="Pages")).to_be_visible()


def test_a_link_leads_on_after_signing_in(office: Office) -> None:
    page = office.open(path="/settings/forwarding").page
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_label("Number or user name").fill("102")
    page.get_by_label("Password", exact=True).fill(web_password("102"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="When someone calls me (102)")).to_be_visible()
