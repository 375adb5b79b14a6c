"""An office with people at browsers: a real server, Chromium with a false microphone and camera."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from pbx.directory.users import add_user
from tests.support.server import ACTOR, Server
from tests.support.web import QUICK, web_password

CHROMIUM = "/usr/bin/chromium"
BUILT = Path(__file__).parents[2] / "web/client/dist/index.html"
ARGUMENTS = (
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--disable-background-networking",
    "--autoplay-policy=no-user-gesture-required",
)
READY = 15_000  # ms for the phone of a browser to register
# What Chromium says of a certificate authority that it doesn't know, and of requests that a test lets fail.
HARMLESS = ("ERR_CERT", "Failed to load resource", "WebSocket connection to", "service worker")


@dataclass
class Person:
    """Somebody at a browser of their own."""

    number: str
    name: str
    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)

    def go(self, name: str) -> None:
        """Opens a page of the client by the rail; until its code is there, the page before stays."""
        link = self.page.get_by_role("navigation", name="Pages").get_by_role("link", name=name)
        link.click()
        expect(link).to_have_attribute("aria-current", "page")

    def wait_for_phone(self) -> None:
        """Waits until the phone of this browser is registered."""
        self.page.get_by_role("button", name=f"{self.name}: status and settings").click()
        expect(self.page.get_by_text("phone is ready")).to_be_visible(timeout=READY)
        self.page.keyboard.press("Escape")

    def dial(self, number: str) -> None:
        """Dials by the one box for everything."""
        self.page.keyboard.press("Control+k")
        self.page.get_by_role("combobox", name="Search or dial").fill(number)
        self.page.keyboard.press("Enter")

    def wait_for_videos(self, count: int) -> None:
        """Waits until so many pictures move on the page."""
        assert self.page.evaluate(MOVING_VIDEOS, count) == count

    def open_tracks(self) -> int:
        """How many tracks of microphone and camera are open in this browser."""
        return int(self.page.evaluate("window.__openTracks()"))


# Counts tracks at their source, so that not even one that the client has forgotten is missed.
WATCH_TRACKS = """
(() => {
  const tracks = [];
  const original = navigator.mediaDevices?.getUserMedia.bind(navigator.mediaDevices);
  if (original) navigator.mediaDevices.getUserMedia = async (constraints) => {
    const stream = await original(constraints);
    tracks.push(...stream.getTracks());
    return stream;
  };
  window.__openTracks = () => tracks.filter((track) => track.readyState === 'live').length;
})();
"""


# In the page and not by `wait_for_function`, which needs the `eval` that our Content-Security-Policy refuses.
MOVING_VIDEOS = """
async (count) => {
  const isMoving = (video) => video.videoWidth > 0 && video.currentTime > 0;
  const moving = () => [...document.querySelectorAll('video')].filter(isMoving);
  for (let turn = 0; turn < 100 && moving().length < count; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return moving().length;
}
"""


class Office:
    """A server with its people."""

    def __init__(self, server: Server, browser: Browser) -> None:
        self.server = server
        self.origin = f"https://{server.https}"
        self._browser = browser
        self._people: list[Person] = []

    def hire(self, number: str, name: str, role: str = "user") -> None:
        """A user who can sign in."""
        with self.server.store.transaction() as tx:
            add_user(
                tx,
                number,
                box=self.server._box,
                actor=ACTOR,
                name=name,
                role=role,
                sip_password=self.server.password(number),
                password_hash=QUICK.hash(web_password(number)),
            )
        self.server._changed(number)

    def open(self, number: str = "", name: str = "", *, path: str = "/sign-in", width: int = 1280) -> Person:
        """A browser in which nobody is signed in."""
        person = self._person(number, name, width)
        person.page.goto(self.origin + path)
        return person

    def _person(self, number: str, name: str, width: int) -> Person:
        """A browser that has opened nothing yet."""
        context = self._browser.new_context(
            ignore_https_errors=True,
            viewport={"width": width, "height": 800},
            locale="en-GB",
            service_workers="block",
            permissions=["microphone", "camera", "clipboard-read", "clipboard-write"],
            reduced_motion="reduce",
        )
        context.set_default_timeout(10_000)
        context.add_init_script(WATCH_TRACKS)
        person = Person(number, name, context, context.new_page())
        context.on("console", lambda message: self._listen(person, message))
        context.on("weberror", lambda error: person.complaints.append(str(error.error)))
        self._people.append(person)
        return person

    def sign_in(self, number: str, name: str, *, path: str = "/chats", width: int = 1280) -> Person:
        """A browser in which somebody is signed in, at a page."""
        person = self._person(number, name, width)
        answer = person.context.request.post(
            f"{self.origin}/api/v1/session",
            data={"user": number, "password": web_password(number)},
            headers={"X-Gorizont": "1", "Origin": self.origin},
        )
        assert answer.ok, answer.text()
        person.page.goto(self.origin + path)
        expect(person.page.get_by_role("navigation", name="Pages")).to_be_visible()
        return person

    def leave(self) -> list[str]:
        """Closes all browsers; what their consoles have complained of."""
        complaints = [f"{one.number}: {text}" for one in self._people for text in one.complaints]
        for one in self._people:
            one.context.close()
        self._people.clear()
        return complaints

    @staticmethod
    def _listen(person: Person, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(word in message.text for word in HARMLESS):
            person.complaints.append(message.text)
