"""How much a browser loads of the client, and how long until one can use it."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Browser, BrowserContext, Page

from tests.benchmarks.client_figures import Figure, Figures
from tests.support.server import Server
from tests.support.web import web_password

KB = 1000.0
QUIET = 700  # ms without a request after which a page is idle
PATIENCE = 60_000  # ms

SIGN_IN, APP = "form button[type=submit]", "button.box"  # of the sign-in page; "search or dial" of the app

SIGN_IN_OCTETS = "sign-in page, first visit"
ALL_OCTETS = "sign-in page, then the app with its phone"
APP_OCTETS = "app with its phone, opened directly"
WARM_OCTETS = "app, opened again"
COPY_OCTETS = "copy for the service worker, in the background"
SIGN_IN_TIME = "sign-in page, first visit, until interactive"
ENTER_TIME = 'app, from "Sign in" until interactive'
APP_TIME = "app, opened directly, until interactive"
WARM_TIME = "app, opened again, until interactive"

# When a control stood on the page, could be used, and the main thread had nothing to do: ms of the page's clock.
WATCH_CONTROLS = """
(() => {
  const wanted = SELECTORS;
  window.__usable = {};
  const isUsable = (one) => one && !one.disabled && one.checkVisibility() && one.getClientRects().length > 0;
  const look = () => {
    for (const selector of wanted.filter((one) => !(one in window.__usable))) {
      if (!isUsable(document.querySelector(selector))) continue;
      window.__usable[selector] = null;
      requestIdleCallback(() => (window.__usable[selector] = performance.now()));
    }
    if (wanted.some((one) => !(one in window.__usable))) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  addEventListener('submit', () => (window.__submitted = performance.now()), true);
})();
""".replace("SELECTORS", repr([SIGN_IN, APP]))

USABLE = """
async (selector) => {
  while (!window.__usable[selector]) await new Promise((resolve) => setTimeout(resolve, 50));
  return window.__usable[selector];
}
"""

# The service worker's copy, as it came over the wire.
COPY = """
async () => {
  await navigator.serviceWorker.ready;
  let octets = 0;
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const answer of await cache.matchAll()) octets += Number(answer.headers.get('content-length'));
  }
  return octets;
}
"""


def figures() -> tuple[Figure, ...]:
    """What `load` finds."""
    return (
        Figure(SIGN_IN_OCTETS, "kB", 400),
        Figure(ALL_OCTETS, "kB", 400),
        Figure(APP_OCTETS, "kB", 400),
        Figure(WARM_OCTETS, "kB"),
        Figure(COPY_OCTETS, "kB"),
        Figure(SIGN_IN_TIME, "ms", 2000),
        Figure(ENTER_TIME, "ms", 2000),
        Figure(APP_TIME, "ms", 2000),
        Figure(WARM_TIME, "ms", 2000),
    )


def trusting(server: Server) -> str:
    """The argument by which Chromium takes the server's certificate for a good one: else it would cache nothing."""
    certificate = x509.load_pem_x509_certificate(server.data.certificate.read_bytes())
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"--ignore-certificate-errors-spki-list={base64.b64encode(hashlib.sha256(key).digest()).decode()}"


class Traffic:
    """What a page fetches; WebSockets and the service worker are not in it."""

    def __init__(self, page: Page) -> None:
        self.octets = 0.0
        self.names: list[tuple[float, str]] = []
        self._page = page
        self._open: dict[str, str] = {}
        self._session = page.context.new_cdp_session(page)
        self._session.on("Network.requestWillBeSent", self._begun)
        self._session.on("Network.loadingFinished", self._finished)
        self._session.on("Network.loadingFailed", self._failed)
        self._session.send("Network.enable")

    def _begun(self, event: dict[str, Any]) -> None:
        self._open[event["requestId"]] = event["request"]["url"]

    def _finished(self, event: dict[str, Any]) -> None:
        octets = event["encodedDataLength"]
        self.octets += octets
        self.names.append((octets, self._open.pop(event["requestId"], "")))

    def _failed(self, event: dict[str, Any]) -> None:
        self._open.pop(event["requestId"], None)

    def wait_idle(self) -> None:
        """Until nothing has been fetched for a while."""
        before, quiet = -1, 0
        for _ in range(PATIENCE // 100):
            self._page.wait_for_timeout(100)
            quiet = quiet + 100 if before == len(self.names) and not self._open else 0
            before = len(self.names)
            if quiet >= QUIET:
                return
        raise TimeoutError(f"the page is not idle: {self._open}")


def load(browser: Browser, origin: str, number: str, language: str, found: Figures) -> Traffic:
    """One person's first visit, a first visit with a session that is there already, and a second one."""
    context = _context(browser, language)
    page = context.new_page()
    traffic = Traffic(page)
    page.goto(f"{origin}/sign-in")
    found.add(SIGN_IN_TIME, page.evaluate(USABLE, SIGN_IN))
    traffic.wait_idle()
    found.add(SIGN_IN_OCTETS, traffic.octets / KB)
    page.locator("input[name=user]").fill(number)
    page.locator("input[name=password]").fill(web_password(number))
    page.locator(SIGN_IN).click()
    usable = page.evaluate(USABLE, APP)
    found.add(ENTER_TIME, usable - page.evaluate("window.__submitted"))
    traffic.wait_idle()
    found.add(ALL_OCTETS, traffic.octets / KB)
    cookies = context.storage_state()["cookies"]
    context.close()

    context = _context(browser, language)
    context.add_cookies(cookies)  # type: ignore[arg-type]  # what it gave, it takes
    first = _open_app(context, origin, found, APP_TIME, APP_OCTETS)
    page = context.pages[0]
    found.add(COPY_OCTETS, page.evaluate(COPY) / KB)
    page.close()
    _open_app(context, origin, found, WARM_TIME, WARM_OCTETS)
    context.close()
    return first


def _open_app(context: BrowserContext, origin: str, found: Figures, time: str, octets: str) -> Traffic:
    page = context.new_page()
    traffic = Traffic(page)
    page.goto(f"{origin}/chats")
    found.add(time, page.evaluate(USABLE, APP))
    traffic.wait_idle()
    found.add(octets, traffic.octets / KB)
    return traffic


def _context(browser: Browser, language: str) -> BrowserContext:
    """A browser that has never been here, and wants that language."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale=language)
    context.set_default_timeout(PATIENCE)
    context.add_init_script(WATCH_CONTROLS)
    return context
