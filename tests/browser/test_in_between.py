"""What people do between two clicks: go on before something has come, leave what isn't saved, or share a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.browser.conftest import new_office
from tests.browser.office import Office
from tests.browser.test_chat import open_chat, said, write
from tests.support.web import web_password

# A browser that asks before it opens microphone and camera, and whose user takes his time.
ASKING = """
(() => {
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  const allowed = new Promise((allow) => { window.__allow = allow; });
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    window.__isAsked = true;
    await allowed;
    const stream = await open(wanted);
    window.__wasOpened = true;
    return stream;
  };
})();
"""
# Until then, and a moment longer: whatever the page does with what it gets is done.
SETTLED = """
async () => {
  window.__allow();
  while (!window.__wasOpened) await new Promise((resolve) => setTimeout(resolve, 20));
  await new Promise((resolve) => setTimeout(resolve, 200));
}
"""


@pytest.fixture(scope="module")
def staffed(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Office]:
    """An office of its own, in which nobody has called or written yet."""
    with new_office(tmp_path_factory.mktemp("between"), chromium) as office:
        yield office


def test_a_conversation_that_one_only_passes_stays_unread(office: Office) -> None:
    anna, boris = office.sign_in("101", "Anna Orlova"), office.sign_in("102", "Boris Klimov")
    vera = office.sign_in("103", "Vera Sokolova")
    for one, words in ((anna, "from Anna"), (vera, "from Vera")):
        open_chat(one, "Boris Klimov")
        write(one.page, words)
    page = boris.page
    from_anna = page.get_by_role("link").filter(has_text="from Anna")
    expect(from_anna.get_by_label("1 unread")).to_be_visible()
    slow: list[Route] = []
    page.route("**/messages?limit=*", lambda route: route.continue_() if slow else slow.append(route))
    with page.expect_request("**/messages?limit=*"):
        from_anna.click()
    page.get_by_role("link").filter(has_text="from Vera").click()
    expect(said(page, "from Vera")).to_be_visible()
    with page.expect_response("**/messages?limit=*"):
        slow[0].continue_()
    page.evaluate("dispatchEvent(new Event('focus'))")
    page.reload()
    expect(from_anna.get_by_label("1 unread")).to_be_visible()


def test_a_file_waits_for_its_message_while_one_looks_into_another_conversation(office: Office, tmp_path: Path) -> None:
    anna = office.sign_in("101", "Anna Orlova")
    open_chat(anna, "Boris Klimov")
    (tmp_path / "plan.txt").write_text("the plan")
    anna.page.locator("input[type=file]").set_input_files(tmp_path / "plan.txt")
    expect(anna.page.get_by_role("button", name="plan.txt")).to_be_visible()
    open_chat(anna, "Vera Sokolova")
    expect(anna.page.get_by_role("button", name="plan.txt")).to_have_count(0)
    open_chat(anna, "Boris Klimov")
    expect(anna.page.get_by_role("button", name="plan.txt")).to_be_visible()
    write(anna.page, "here it is")
    expect(anna.page.get_by_role("link").filter(has_text="plan.txt")).to_be_visible()


def test_rules_that_are_not_saved_are_asked_about_before_one_goes_to_another_section(office: Office) -> None:
    page = office.sign_in("101", "Anna Orlova", path="/settings/forwarding").page
    page.get_by_role("button", name="Add a rule").click()
    page.get_by_text("Nothing rings", exact=True).click()
    page.once("dialog", lambda dialog: dialog.dismiss())
    with page.expect_event("dialog") as asked:
        page.get_by_role("link", name="Appearance").click()
    assert asked.value.message == "Leave without saving the changes?"
    expect(page.get_by_role("listitem", name="Do not disturb")).to_be_visible()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("link", name="Appearance").click()
    expect(page.get_by_role("heading", name="Appearance")).to_be_visible()


def test_the_focus_goes_back_to_what_one_was_writing(office: Office) -> None:
    anna = office.sign_in("101", "Anna Orlova")
    open_chat(anna, "Boris Klimov")
    field = anna.page.get_by_placeholder("Write a message …")
    field.fill("half a sen")
    anna.page.keyboard.press("Control+k")
    expect(anna.page.get_by_role("combobox", name="Search or dial")).to_be_focused()
    anna.page.keyboard.press("Escape")
    expect(field).to_be_focused()
    field.fill("")


def test_whoever_signs_in_next_in_a_browser_finds_nothing_of_the_one_before(office: Office) -> None:
    anna = office.sign_in("101", "Anna Orlova")
    open_chat(anna, "Boris Klimov")
    anna.page.get_by_placeholder("Write a message …").fill("a secret of Anna")
    answer = anna.context.request.post(
        f"{office.origin}/api/v1/session",
        data={"user": "103", "password": web_password("103")},
        headers={"X-Gorizont": "1", "Origin": office.origin},
    )
    assert answer.ok
    expect(anna.page.get_by_role("heading", name="Sign in")).to_be_visible()
    vera = anna.context.new_page()
    for page in (vera, anna.page):
        page.goto(office.origin + "/chats")
        expect(page.get_by_role("button", name="Vera Sokolova: status and settings")).to_be_visible()
    assert "a secret of Anna" not in str(vera.evaluate("({...localStorage})"))


def test_a_sound_test_that_is_left_before_it_begins_closes_microphone_and_camera(office: Office) -> None:
    anna = office.sign_in("101", "Anna Orlova", path="/chats")
    page = anna.page
    page.evaluate(ASKING)
    anna.go("Settings")
    page.get_by_role("link", name="Sound and camera").click()
    page.get_by_role("button", name="Start the test").click()
    page.get_by_role("link", name="Appearance").click()
    expect(page.get_by_role("heading", name="Appearance")).to_be_visible()
    page.evaluate(SETTLED)
    assert anna.open_tracks() == 0


def test_a_call_that_is_hung_up_before_the_microphone_opens_rings_nowhere(office: Office) -> None:
    anna, boris = office.sign_in("101", "Anna Orlova"), office.sign_in("102", "Boris Klimov")
    for one in (anna, boris):
        one.wait_for_phone()
    anna.page.evaluate(ASKING)
    anna.dial("102")
    anna.page.get_by_role("button", name="Hang up").click()
    anna.page.evaluate(SETTLED)
    assert anna.open_tracks() == 0
    expect(boris.page.get_by_role("alertdialog")).to_have_count(0)
    anna.dial("*43")  # what comes next is a call as any other
    expect(anna.page.get_by_role("button", name="Mute")).to_be_visible()
    anna.page.get_by_role("button", name="Hang up").click()
    expect(anna.page.get_by_text("Call ended").first).to_be_visible()
    assert anna.open_tracks() == 0
