"""How long a browser needs to make a telephone ring, and both to hear each other once it is answered."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.benchmarks.client_figures import Figure, Figures
from tests.benchmarks.client_wire import Wire
from tests.browser.office import Person
from tests.support.peers.baresip import Baresip

RINGING = "click on Call → the phone rings (its 180)"
INVITING = "  of it: until the browser sends the INVITE"
FORWARDING = "  of it: until the server's INVITE goes to the phone"
PHONE_HEARS = "the phone's 200 → audible RTP at the phone"
BROWSER_HEARS = "the phone's 200 → audible in the browser"
PHONE_SPEAKS = "  of it: until the phone itself sends audio"
SHOWN = "click on Call → the other browser shows the call"
CALLER_HEARS = "click on Answer → audible for the browser that called"
CALLEE_HEARS = "click on Answer → audible for the browser that answered"

# Clicks, INVITEs, incoming calls and audible sound of a page, each with the time of its first (ms, as `Date.now()`).
WATCH_CALLS = """
(() => {
  const note = (name) => (window.__times[name] ??= Date.now());
  window.__times = {};
  addEventListener('click', () => note('click'), true);
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    if (typeof data === 'string' && data.startsWith('INVITE ')) note('invite');
    return send.call(this, data);
  };
  window.__watch = async () => {
    window.__times = {};
    const own = window.__times;
    window.__context ??= new AudioContext();
    await window.__context.resume();
    const analyser = window.__context.createAnalyser();
    analyser.fftSize = 1024;
    const samples = new Float32Array(analyser.fftSize);
    let heard = null;
    const look = () => {
      if (own !== window.__times || own.audible) return heard?.disconnect();
      if (document.querySelector('[role=alertdialog]')) note('shown');
      const stream = document.querySelector('audio[data-call]')?.srcObject;
      if (!heard && stream?.getAudioTracks().length) {
        heard = window.__context.createMediaStreamSource(stream);
        heard.connect(analyser);
      }
      if (heard) {
        analyser.getFloatTimeDomainData(samples);
        if (samples.some((one) => Math.abs(one) > 0.01)) note('audible');
      }
      setTimeout(look, 5);
    };
    look();
  };
})();
"""

TIME = """
async (name) => {
  for (let turn = 0; turn < 2000 && !window.__times[name]; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return window.__times[name] ?? null;
}
"""


def figures() -> tuple[Figure, ...]:
    """What `to_phone` and `to_browser` find."""
    return (
        Figure(RINGING, "ms", 300),
        Figure(INVITING, "ms"),
        Figure(FORWARDING, "ms"),
        Figure(PHONE_HEARS, "ms", 500),
        Figure(BROWSER_HEARS, "ms", 500),
        Figure(PHONE_SPEAKS, "ms"),
        Figure(SHOWN, "ms", 300),
        Figure(CALLER_HEARS, "ms", 500),
        Figure(CALLEE_HEARS, "ms", 500),
    )


def to_phone(caller: Person, phone: Baresip, wire: Wire, found: Figures) -> None:
    """A call to a desk phone, from the click to the end."""
    wire.forget()
    _start(caller, phone.account.number)
    ringing = phone.wait_incoming()
    clicked = _time(caller.page, "click")
    found.add(INVITING, _time(caller.page, "invite") - clicked)
    found.add(FORWARDING, wire.sip(b"INVITE ").at - clicked)
    found.add(RINGING, wire.sip(b"SIP/2.0 180").at - clicked)
    caller.page.wait_for_timeout(500)  # nobody answers at once
    phone.answer(ringing)
    heard = _time(caller.page, "audible")
    answered = wire.sip(b"SIP/2.0 200").at
    found.add(PHONE_SPEAKS, wire.spoken().at - answered)
    found.add(PHONE_HEARS, wire.audible().at - answered)
    found.add(BROWSER_HEARS, heard - answered)
    _bar(caller.page).get_by_role("button", name="Hang up").click()
    phone.wait_ended(ringing)
    _wait_over(caller)


def to_browser(caller: Person, callee: Person, found: Figures) -> None:
    """A call to another browser."""
    callee.page.evaluate("window.__watch()")
    _start(caller, callee.number)
    found.add(SHOWN, _time(callee.page, "shown") - _time(caller.page, "click"))
    callee.page.wait_for_timeout(500)
    callee.page.get_by_role("alertdialog").get_by_role("button", name="Answer").click()
    answered = _time(callee.page, "click")
    found.add(CALLER_HEARS, _time(caller.page, "audible") - answered)
    found.add(CALLEE_HEARS, _time(callee.page, "audible") - answered)
    _bar(caller.page).get_by_role("button", name="Hang up").click()
    _wait_over(caller, callee)


def _start(caller: Person, number: str) -> None:
    """Opens the page of somebody and clicks on Call."""
    page = caller.page
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="People").click()
    page.get_by_role("main").get_by_role("link").filter(has_text=number).click()
    button = page.get_by_role("main").get_by_role("button", name="Call", exact=True)
    expect(button).to_be_visible()
    page.evaluate("window.__watch()")
    button.click()


def _time(page: Page, name: str) -> float:
    found: Any = page.evaluate(TIME, name)
    if found is None:
        raise TimeoutError(f"the page has no {name!r}")
    return float(found)


def _bar(page: Page) -> Locator:
    return page.get_by_role("region", name="Current call")


def _wait_over(*people: Person) -> None:
    """Until the calls are gone from the pages, so that the next begins as the first did."""
    for person in people:
        expect(_bar(person.page)).to_have_count(0, timeout=15_000)
