"""Firefox in the same office: with a desk phone, and with Chromium."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.office import MOVING_VIDEOS, WATCH_TRACKS, Office, Person
from tests.browser.test_calls import bar
from tests.interop.desk import Desk
from tests.support.peers.available import require
from tests.support.peers.baresip import Baresip
from tests.support.peers.base import Phone
from tests.support.peers.firefox import TONE, Firefox, FirefoxPage
from tests.support.web import web_password


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    require(Firefox)
    with Firefox(tmp_path_factory.mktemp("firefox")) as firefox:
        yield firefox


@pytest.fixture
def anna(office: Office, firefox: Firefox) -> Iterator[FirefoxPage]:
    """Anna at her Firefox, signed in, with a phone that is ready."""
    page = firefox.page(WATCH_TRACKS)
    page.goto(f"{office.origin}/sign-in")
    page.click("textbox", "Number or user name")
    page.type("101")
    page.press("Tab")
    page.type(web_password("101"))
    page.press("Enter")
    page.click("button", "Anna Orlova: status and settings")
    page.wait_text("phone is ready")
    page.press("Escape")
    yield page
    page.close()
    assert firefox.complaints == []


@pytest.fixture
def desk_phone(office: Office, tmp_path: Path) -> Iterator[Phone]:
    """That of Vera."""
    desk = Desk(office.server, tmp_path)
    yield desk.phone(Baresip, "103")
    desk.clear()


def dial(page: FirefoxPage, number: str) -> None:
    page.press("Control", "k")
    page.wait_for("combobox", "Search or dial")
    page.type(number)
    page.press("Enter")


def assert_hear_each_other(page: FirefoxPage, phone: Phone) -> None:
    since = phone.mark()
    page.wait_hears(phone.tone)
    phone.wait_hears(TONE, since=since)


def assert_all_closed(page: FirefoxPage) -> None:
    assert page.evaluate("() => window.__openTracks()") == 0


def assert_see_each_other(anna: FirefoxPage, boris: Person) -> None:
    assert anna.evaluate(MOVING_VIDEOS, 2) == 2
    boris.wait_for_videos(2)


def test_firefox_calls_a_desk_phone_holds_it_and_sends_tones(anna: FirefoxPage, desk_phone: Phone) -> None:
    dial(anna, "103")
    incoming = desk_phone.wait_incoming()
    desk_phone.answer(incoming)
    anna.wait_for("button", "Mute")
    assert_hear_each_other(anna, desk_phone)
    anna.click("button", "Keypad")
    for key in ("1", "5", "#"):
        anna.click("button", key)
    desk_phone.wait_dtmf("15#")
    anna.press("Escape")
    anna.click("button", "Hold")
    anna.wait_silent()
    anna.click("button", "Resume")
    assert_hear_each_other(anna, desk_phone)
    anna.click("button", "Hang up")
    desk_phone.wait_ended(incoming)
    assert_all_closed(anna)


def test_a_desk_phone_calls_firefox(anna: FirefoxPage, desk_phone: Phone) -> None:
    call = desk_phone.call("101")
    anna.click("button", "Answer")
    desk_phone.wait_established(call)
    assert_hear_each_other(anna, desk_phone)
    desk_phone.hang_up(call)
    anna.wait_text("Call ended")
    assert_all_closed(anna)


def test_firefox_and_chromium_see_each_other(office: Office, anna: FirefoxPage) -> None:
    boris = office.sign_in("102", "Boris Klimov")
    boris.wait_for_phone()
    anna.goto(f"{office.origin}/people/102")
    anna.click("button", "Video call with Boris Klimov")
    card = boris.page.get_by_role("alertdialog", name="Incoming call from Anna Orlova")
    card.get_by_role("button", name="With video").click()
    anna.click("button", "Open the call with Boris Klimov")
    boris.page.get_by_role("button", name="Open the call").first.click()
    assert_see_each_other(anna, boris)
    anna.click("button", "Hang up")
    expect(boris.page.get_by_role("button", name="Hang up")).to_have_count(0)
    assert_all_closed(anna)


def test_cameras_are_turned_on_and_off_in_the_middle_of_a_call(office: Office, anna: FirefoxPage) -> None:
    boris = office.sign_in("102", "Boris Klimov")
    boris.wait_for_phone()
    boris.dial("101")
    anna.click("button", "Answer")
    bar(boris.page).get_by_role("button", name="Turn the camera on").click()
    anna.click("button", "Open the call with Boris Klimov")
    assert anna.evaluate(MOVING_VIDEOS, 1) == 1
    boris.page.get_by_role("button", name="Open the call").first.click()
    anna.click("button", "Camera")
    assert_see_each_other(anna, boris)
    anna.click("button", "Camera")
    expect(boris.page.locator("video")).to_have_count(1)
    anna.click("button", "Camera")
    assert_see_each_other(anna, boris)
    boris.page.get_by_role("button", name="Hang up").click()
    anna.wait_text("Call ended")
    assert_all_closed(anna)
    assert boris.open_tracks() == 0
