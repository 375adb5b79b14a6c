"""The panel: who may, and the acts of an admin."""

from playwright.sync_api import expect

from tests.browser.office import Office


def test_an_admin_adds_a_user_whose_phone_can_register(office: Office) -> None:
    page = office.sign_in("101", "Anna Orlova", path="/admin/users").page
    page.get_by_role("button", name="Add a user").click()
    page.get_by_role("textbox", name="Number", exact=True).fill("110")
    page.get_by_role("textbox", name="Name", exact=True).fill("Gleb Lebedev")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("Gleb Lebedev was added")).to_be_visible()
    expect(page.get_by_text("One-time password")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Gleb Lebedev")).to_be_visible()
    assert office.server.command("registrations", {"number": "110"})["registrations"] == []


def test_a_number_that_is_taken_is_refused_in_words(office: Office) -> None:
    page = office.sign_in("101", "Anna Orlova", path="/admin/users/new").page
    page.get_by_role("textbox", name="Number", exact=True).fill("102")
    page.get_by_role("textbox", name="Name", exact=True).fill("Somebody Else")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="102")).to_be_visible()


def test_people_are_pasted_from_a_list(office: Office) -> None:
    page = office.sign_in("101", "Anna Orlova", path="/admin/users").page
    page.get_by_role("button", name="Import").click()
    page.get_by_role("textbox", name="People").fill("121 Kira Semenova\n122 Lev Volkov")
    page.get_by_role("button", name="Add 2").click()
    expect(page.get_by_text("Passwords of the phones")).to_be_visible()
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_role("row").filter(has_text="Lev Volkov")).to_be_visible()


def test_a_user_does_not_see_the_panel(office: Office) -> None:
    boris = office.sign_in("102", "Boris Klimov", path="/admin/users")
    expect(boris.page).to_have_url(f"{office.origin}/chats")
    expect(boris.page.get_by_role("link", name="Admin")).to_have_count(0)


def test_retention_says_what_it_will_remove_before_it_is_saved(office: Office) -> None:
    page = office.sign_in("101", "Anna Orlova", path="/admin/retention").page
    page.get_by_label("Limit").first.check()
    expect(page.get_by_text("Nothing would be removed").first).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved")).to_be_visible()


def test_every_change_stands_in_the_audit(office: Office) -> None:
    office.server.group("600", "101", "102")
    page = office.sign_in("101", "Anna Orlova", path="/admin/audit").page
    expect(page.get_by_role("row").filter(has_text="Group set")).to_be_visible()
