"""The panel: who may, and the acts of an admin."""

import json
from zipfile import ZipFile

from playwright.sync_api import expect

from tests.browser.office import Office

# What the page itself does, by its own session.
ASK = """
const ask = async (method, path, body) => (await fetch(`/api/v1${path}`, {
  method, headers: { "X-Gorizont": "1", "Content-Type": "application/json" }, body: body && JSON.stringify(body),
})).json();
"""
WRITE = f"""
async (text) => {{ {ASK}
  const conversation = await ask("POST", "/conversations", {{ kind: "direct", members: ["101"] }});
  const body = {{ client_id: "from-a-test", text }};
  window.written = await ask("POST", `/conversations/${{conversation.id}}/messages`, body);
}}
"""
DELETE = f"async () => {{ {ASK} await ask('DELETE', `/messages/${{window.written.id}}`); }}"


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


def test_what_somebody_under_a_legal_hold_deletes_is_in_its_export(office: Office) -> None:
    boris = office.sign_in("102", "Boris Klimov").page
    boris.evaluate(WRITE, "burn the papers")
    page = office.sign_in("101", "Anna Orlova", path="/admin/holds").page
    page.get_by_role("button", name="Set a hold").click()
    page.get_by_role("combobox", name="Person").fill("Boris")
    page.get_by_role("option", name="Boris Klimov").click()
    page.get_by_role("textbox", name="Reason").fill("case 7/2026")
    page.get_by_role("button", name="Set a hold").last.click()
    row = page.get_by_role("row").filter(has_text="case 7/2026")
    expect(row).to_contain_text("Boris Klimov 102")

    boris.evaluate(DELETE)
    page.reload()
    row.click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download all").click()
    with ZipFile(download.value.path()) as archive:
        (message,) = [json.loads(line) for line in archive.read("messages.jsonl").splitlines()]
    assert (message["text"], message["before"][0]["text"]) == ("", "burn the papers")

    page.get_by_role("button", name="Lift the hold").click()
    dialog = page.get_by_role("alertdialog")
    expect(dialog.get_by_role("button", name="Lift the hold")).to_be_disabled()
    dialog.get_by_role("textbox").fill("102")
    dialog.get_by_role("button", name="Lift the hold").click()
    expect(page.get_by_text("No legal holds")).to_be_visible()
