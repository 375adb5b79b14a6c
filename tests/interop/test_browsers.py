"""Browsers and telephones: JsSIP in Chromium, on the server's own origin, with phones and with other browsers."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from sqlalchemy import select

from pbx.calls.models import CallMediaRow
from tests.interop.desk import Desk, kind
from tests.interop.test_encryption import SecretBaresip
from tests.support.peers.available import PHONES, require
from tests.support.peers.baresip import Baresip
from tests.support.peers.base import Phone
from tests.support.peers.browser import BrowserPhone, chromium
from tests.support.peers.linphone import Linphone
from tests.support.peers.pjsua import Pjsua
from tests.support.server import Server

pytestmark = pytest.mark.interop

TONE = 1000.0  # Hz, of every browser here


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("web") / "server", web=True) as server:
        yield server


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    require(BrowserPhone)
    with chromium(tmp_path_factory.mktemp("chromium"), TONE) as browser:
        yield browser


class Pages:
    """Opens pages that are phones, each of somebody new unless a number is given, and closes them."""

    def __init__(self, desk: Desk, chrome: Browser) -> None:
        self._desk = desk
        self._chrome = chrome
        self.open: list[BrowserPhone] = []

    def page(self, number: str | None = None) -> BrowserPhone:
        server = self._desk.server
        number = number or self._desk.user()
        account = server.command("credentials.issue", {"number": number, "session": f"of {number}"})
        phone = BrowserPhone(
            self._chrome,
            f"https://{server.https}",
            number,
            server.domain,
            (account["username"], account["password"]),
            TONE,
        )
        self.open.append(phone)
        phone.wait_registered()
        return phone


@pytest.fixture
def pages(desk: Desk, chrome: Browser) -> Iterator[Pages]:
    pages = Pages(desk, chrome)
    yield pages
    for phone in pages.open:
        phone.close()


def assert_hear_each_other(page: BrowserPhone, call: int, phone: Phone) -> None:
    since = phone.mark()
    phone.wait_hears(TONE, since=since)
    page.wait_hears(call, phone.tone)


@pytest.mark.parametrize("callee", PHONES, ids=kind)
def test_browser_calls_phone(desk: Desk, pages: Pages, callee: type[Phone]) -> None:
    (phone,) = desk.phones(callee)
    page = pages.page()
    call = page.call(phone.account.number)
    incoming = phone.wait_incoming()
    assert incoming.number == page.number
    page.wait_state(call, "ringing")
    phone.answer(incoming)
    page.wait_state(call, "talking")
    assert_hear_each_other(page, call, phone)
    page.do(call, "terminate")
    phone.wait_ended(incoming)


@pytest.mark.parametrize("caller", PHONES, ids=kind)
def test_phone_calls_browser_and_is_put_on_hold(desk: Desk, pages: Pages, caller: type[Phone]) -> None:
    (phone,) = desk.phones(caller)
    page = pages.page()
    outgoing = phone.call(page.number)
    call = page.wait_incoming()
    assert page.caller(call) == phone.account.number
    page.answer()
    phone.wait_established(outgoing)
    assert_hear_each_other(page, call, phone)
    page.do(call, "hold")
    page.wait_silent(call)
    page.do(call, "unhold")
    assert_hear_each_other(page, call, phone)
    phone.hang_up(outgoing)
    page.wait_state(call, "ended")


def test_browsers_see_and_hear_each_other_without_us_in_between(desk: Desk, pages: Pages) -> None:
    one, other = pages.page(), pages.page()
    call = one.call(other.number, video=True)
    incoming = other.wait_incoming()
    other.answer(video=True)
    for page, place in ((one, call), (other, incoming)):
        page.wait_state(place, "talking")
        page.wait_hears(place, TONE)
        page.wait_picture(place)
    one.do(call, "terminate")
    other.wait_state(incoming, "ended")
    record = desk.server.wait_record(caller=one.number, answered_by=other.number)
    with desk.server.store.reading() as session:
        assert session.scalars(select(CallMediaRow).where(CallMediaRow.call_id == record["id"])).all() == []


def test_browser_and_desk_phone_ring_together_and_the_first_answer_wins(desk: Desk, pages: Pages) -> None:
    caller, own = desk.phones(Baresip, Baresip)
    page = pages.page(own.account.number)
    for answers in ("browser", "phone"):
        outgoing = caller.call(page.number)
        ringing, call = own.wait_incoming(), page.wait_incoming()
        if answers == "browser":
            page.answer()
            caller.wait_established(outgoing)
            own.wait_ended(ringing)
            assert_hear_each_other(page, call, caller)
            page.do(call, "terminate")
            caller.wait_ended(outgoing)
        else:
            own.answer(ringing)
            caller.wait_established(outgoing)
            page.wait_state(call, "ended")
            caller.hang_up(outgoing)
            own.wait_ended(ringing)


def test_call_on_the_desk_phone_is_pulled_to_the_browser(desk: Desk, pages: Pages) -> None:
    caller, own = desk.phones(Baresip, Baresip)
    page = pages.page(own.account.number)
    outgoing = caller.call(page.number)
    ringing = own.wait_incoming()
    page.wait_incoming()
    own.answer(ringing)
    caller.wait_established(outgoing)
    (live,) = desk.server.command("calls.live")["calls"]
    registered = desk.server.command("registrations", {"number": page.number})["registrations"]
    (sip_name,) = [one["sip_name"] for one in registered if "-web-" in one["sip_name"]]
    desk.server.command("calls.pull", {"call": live["id"], "number": page.number, "sip_name": sip_name})
    call = page.wait_incoming()
    page.answer()
    page.wait_state(call, "talking")
    own.wait_ended(ringing)
    assert_hear_each_other(page, call, caller)
    caller.hang_up(outgoing)
    page.wait_state(call, "ended")


def test_browser_hears_itself_in_the_echo_test(pages: Pages) -> None:
    page = pages.page()
    call = page.call("*43")
    page.wait_state(call, "talking")
    page.wait_hears(call, TONE)
    page.do(call, "terminate")


def test_session_that_is_revoked_takes_the_browser_off_the_line(desk: Desk, pages: Pages) -> None:
    page = pages.page()
    desk.server.command("credentials.revoke", {"number": page.number, "session": f"of {page.number}"})
    assert desk.server.command("registrations", {"number": page.number})["registrations"] == []


def test_media_of_a_call_is_in_its_record(desk: Desk, pages: Pages) -> None:
    (phone,) = desk.phones(Baresip)
    page = pages.page()
    call = page.call(phone.account.number)
    phone.answer(phone.wait_incoming())
    page.wait_state(call, "talking")
    assert_hear_each_other(page, call, phone)
    page.do(call, "terminate")
    record = desk.server.wait_record(caller=page.number)
    media = desk.server.wait_media(str(record["id"]))
    (stream,) = media[page.number]["near"]
    assert stream["packets"] > 10
    assert stream["lost"] == 0
    assert stream["mos"] > 4


def test_page_that_is_closed_leaves_its_call(desk: Desk, pages: Pages) -> None:
    one, other = pages.page(), pages.page()
    one.call(other.number)
    incoming = other.wait_incoming()
    other.answer()
    other.wait_state(incoming, "talking")
    pages.open.remove(one)
    one.close()
    other.wait("phone.sessions[0].state === 'ended'", "end of the call", timeout=30)
    assert desk.server.wait_record(caller=one.number)["cause"] == "caller was lost: the browser is gone"


def test_browser_is_transferred_from_phone_to_phone_and_to_another_browser(desk: Desk, pages: Pages) -> None:
    first, second = desk.phones(Pjsua, Baresip)
    page, last = pages.page(), pages.page()
    call = page.call(first.account.number)
    incoming = first.wait_incoming()
    first.answer(incoming)
    page.wait_state(call, "talking")
    assert_hear_each_other(page, call, first)
    first.transfer(second.account.number, incoming)
    taken = second.wait_incoming()
    second.answer(taken)
    assert_hear_each_other(page, call, second)
    second.transfer(last.number, taken)
    place = last.wait_incoming()
    last.answer()
    last.wait_state(place, "talking")
    last.wait_hears(place, TONE)
    page.wait_hears(call, TONE)
    last.do(place, "terminate")
    page.wait_state(call, "ended")


def test_browser_transfers_phone_to_phone(desk: Desk, pages: Pages) -> None:
    caller, target = desk.phones(Baresip, Linphone)
    page = pages.page()
    outgoing = caller.call(page.number)
    call = page.wait_incoming()
    page.answer()
    caller.wait_established(outgoing)
    page.do(call, "refer", f"sip:{target.account.number}@{desk.server.domain}")
    taken = target.wait_incoming()
    target.answer(taken)
    page.wait_state(call, "ended")
    since = caller.mark()
    caller.wait_hears(target.tone, since=since)
    caller.hang_up(outgoing)


def test_browser_calls_phone_that_insists_on_encryption(desk: Desk, pages: Pages) -> None:
    (phone,) = desk.phones(SecretBaresip)
    page = pages.page()
    call = page.call(phone.account.number)
    phone.answer(phone.wait_incoming())
    page.wait_state(call, "talking")
    assert_hear_each_other(page, call, phone)
    page.do(call, "terminate")
