"""People chat: at once, through a lost network and a reload, with files."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import new_office
from tests.browser.office import Office, Person


@pytest.fixture(scope="module")
def staffed(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Office]:
    """An office of its own, in which nobody has called or written yet."""
    with new_office(tmp_path_factory.mktemp("chat"), chromium) as office:
        yield office


def write(page: Page, text: str) -> None:
    page.get_by_placeholder("Write a message …").fill(text)
    page.keyboard.press("Enter")


def open_chat(person: Person, name: str) -> None:
    """Opens the conversation with somebody by the one box."""
    page = person.page
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Search or dial").fill(name)
    page.get_by_role("option").filter(has_text=name).first.click()
    expect(page.get_by_placeholder("Write a message …")).to_be_visible()


def said(page: Page, text: str) -> Locator:
    """The messages of the timeline with this text."""
    return page.locator(".message .text").filter(has_text=text)


def timeline(page: Page) -> list[str]:
    return page.locator(".message .text").all_inner_texts()


def test_two_people_write_to_each_other(office: Office) -> None:
    anna, boris = office.sign_in("101", "Anna Orlova"), office.sign_in("102", "Boris Klimov")
    open_chat(anna, "Boris Klimov")
    write(anna.page, "Could you take line 2?")
    row = boris.page.get_by_role("link").filter(has_text="Could you take line 2?")
    expect(row).to_be_visible()
    expect(row.get_by_label("1 unread")).to_be_visible()
    row.click()
    expect(boris.page.locator(".message .text")).to_have_text(["Could you take line 2?"])
    write(boris.page, "Done")
    expect(anna.page.locator(".message .text")).to_have_text(["Could you take line 2?", "Done"])
    expect(anna.page.get_by_label("Read by Boris Klimov").first).to_be_visible()
    expect(boris.page.get_by_label("1 unread")).to_have_count(0)


def test_what_is_written_without_a_network_arrives_when_it_is_back(office: Office) -> None:
    anna, boris = office.sign_in("101", "Anna Orlova"), office.sign_in("102", "Boris Klimov")
    open_chat(anna, "Boris Klimov")
    open_chat(boris, "Anna Orlova")
    anna.context.set_offline(True)
    write(anna.page, "written offline")
    expect(anna.page.get_by_label("Waiting for the connection")).to_be_visible()
    write(boris.page, "meanwhile")
    anna.context.set_offline(False)
    expect(said(boris.page, "written offline")).to_be_visible(timeout=20_000)
    expect(said(anna.page, "meanwhile")).to_be_visible(timeout=20_000)
    expect(anna.page.get_by_label("Waiting for the connection")).to_have_count(0)
    anna.page.reload()
    boris.page.reload()
    expect(said(anna.page, "written offline")).to_be_visible()
    expect(said(boris.page, "written offline")).to_be_visible()
    assert timeline(anna.page) == timeline(boris.page)


def test_a_draft_survives_a_reload(office: Office) -> None:
    anna = office.sign_in("101", "Anna Orlova")
    open_chat(anna, "Vera Sokolova")
    anna.page.get_by_placeholder("Write a message …").fill("half a thought")
    anna.page.reload()
    expect(anna.page.get_by_placeholder("Write a message …")).to_have_value("half a thought")


def test_a_message_is_edited_and_deleted_for_both(office: Office) -> None:
    anna, boris = office.sign_in("101", "Anna Orlova"), office.sign_in("102", "Boris Klimov")
    open_chat(anna, "Boris Klimov")
    open_chat(boris, "Anna Orlova")
    write(anna.page, "at thre o'clock")
    expect(said(boris.page, "at thre o'clock")).to_be_visible()
    anna.page.get_by_placeholder("Write a message …").press("ArrowUp")
    anna.page.get_by_placeholder("Write a message …").fill("at three o'clock")
    anna.page.keyboard.press("Enter")
    mine = anna.page.locator(".message").filter(has_text="at three o'clock")
    theirs = boris.page.locator(".message").filter(has_text="at three o'clock")
    expect(theirs.get_by_text("(edited)")).to_be_visible()
    mine.hover()
    mine.get_by_role("button", name="More").click()
    anna.page.get_by_text("Delete", exact=True).click()
    anna.page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(theirs).to_have_count(0)
    expect(boris.page.locator(".message").get_by_text("Message deleted")).to_be_visible()


def test_a_file_is_uploaded_and_can_be_loaded_by_the_other(office: Office, tmp_path: Path) -> None:
    anna, boris = office.sign_in("101", "Anna Orlova"), office.sign_in("102", "Boris Klimov")
    open_chat(anna, "Boris Klimov")
    open_chat(boris, "Anna Orlova")
    content = bytes(range(256)) * 4096
    (tmp_path / "plan.bin").write_bytes(content)
    anna.page.locator("input[type=file]").set_input_files(tmp_path / "plan.bin")
    expect(anna.page.get_by_text("1 MB")).to_be_visible()
    write(anna.page, "the plan")
    link = boris.page.get_by_role("link").filter(has_text="plan.bin")
    expect(link).to_be_visible()
    with boris.page.expect_download() as download:
        link.click()
    assert Path(download.value.path()).read_bytes() == content
    assert download.value.suggested_filename == "plan.bin"


def test_a_group_is_made_and_renamed(office: Office) -> None:
    anna, boris = office.sign_in("101", "Anna Orlova"), office.sign_in("102", "Boris Klimov")
    page = anna.page
    page.get_by_role("button", name="New conversation").first.click()
    for name in ("Boris", "Vera"):
        page.get_by_role("combobox", name="With whom").fill(name)
        expect(page.get_by_role("option").filter(has_text=name).first).to_be_visible()
        page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.get_by_label("Name of the group").fill("Night shift")
    page.get_by_role("button", name="Create the group").click()
    write(page, "Who is on duty?")
    expect(boris.page.get_by_role("link").filter(has_text="Night shift")).to_be_visible()
    expect(boris.page.get_by_text("Anna: Who is on duty?")).to_be_visible()


def test_typing_is_seen(office: Office) -> None:
    anna, boris = office.sign_in("101", "Anna Orlova"), office.sign_in("102", "Boris Klimov")
    open_chat(anna, "Boris Klimov")
    open_chat(boris, "Anna Orlova")
    anna.page.get_by_placeholder("Write a message …").press_sequentially("I am")
    expect(boris.page.get_by_text("Anna is typing …").first).to_be_visible()
