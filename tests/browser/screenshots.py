"""Pictures of every page of the web client, to be looked at.

    npm --prefix web/client run build && npm --prefix web/client run preview -- --port 4173 &
    python -m tests.browser.screenshots /tmp/pictures [--only chats] [--base http://localhost:4173]

They show the invented office of `web/client/mock`: full, empty and broken, at 390 and 1440 pixels, light and dark,
in English and Russian.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
WIDTHS = {390: 844, 1440: 900}
PAGES = {
    "chats": "/chats",
    "chat": "/chats/1",
    "group": "/chats/4",
    "calls": "/calls",
    "call": "/calls/r3",
    "people": "/people",
    "person": "/people/105",
    "settings": "/settings",
    "profile": "/settings/profile",
    "forwarding": "/settings/forwarding",
    "devices": "/settings/devices",
    "media": "/settings/media",
    "look": "/settings/look",
    "sessions": "/settings/sessions",
    "overview": "/admin/overview",
    "users": "/admin/users",
    "user": "/admin/users/105",
    "groups": "/admin/groups",
    "registrations": "/admin/registrations",
    "live": "/admin/live",
    "records": "/admin/records/r3",
    "routing": "/admin/routing",
    "blocks": "/admin/blocks",
    "retention": "/admin/retention",
    "holds": "/admin/holds",
    "audit": "/admin/audit",
}
EMPTY = (
    "chats",
    "calls",
    "people",
    "forwarding",
    "devices",
    "overview",
    "groups",
    "registrations",
    "live",
    "blocks",
    "holds",
)
BROKEN = ("chats", "calls", "people", "forwarding", "users", "overview")


@dataclass(frozen=True)
class Look:
    """One way to look at the pages."""

    width: int
    theme: str
    language: str

    def __str__(self) -> str:
        return f"{self.width}-{self.theme}-{self.language}"


def looks() -> Iterator[Look]:
    for width, theme, language in itertools.product(WIDTHS, ("light", "dark"), ("en", "ru")):
        yield Look(width, theme, language)


def open_context(browser: Browser, base: str, look: Look, user: str) -> BrowserContext:
    """A browser window in which `user` of the mock is signed in."""
    context = browser.new_context(
        viewport={"width": look.width, "height": WIDTHS[look.width]},
        has_touch=look.width < 720,
        is_mobile=look.width < 720,
        locale="ru-RU" if look.language == "ru" else "en-GB",
        color_scheme="dark" if look.theme == "dark" else "light",
        reduced_motion="reduce",
        service_workers="block",
    )
    context.add_cookies([{"name": "mock", "value": user, "url": base}] if user else [])
    context.add_init_script(
        f"localStorage.setItem('gorizont.theme', '{look.theme}');"
        f"localStorage.setItem('gorizont.language', '{look.language}');"
    )
    return context


def report(message: ConsoleMessage) -> None:
    if message.type == "error" and "/sip" not in message.text and "500" not in message.text:
        print(f"    console: {message.text[:300]}")


def shoot(page: Page, base: str, path: str, file: Path) -> None:
    page.goto(base + path)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(250)  # fonts and the last transition
    page.screenshot(path=file)


def main() -> None:
    parser = argparse.ArgumentParser(description="Pictures of every page of the web client.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--base", default="http://localhost:4173")
    parser.add_argument("--only", default="")
    parser.add_argument("--look", default="", help="as 1440-dark-ru")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for look in looks():
            if arguments.look and str(look) != arguments.look:
                continue
            shots = [("", name) for name in PAGES]
            shots += [("empty", name) for name in EMPTY] + [("broken", name) for name in BROKEN]
            for mode, names in itertools.groupby(shots, key=lambda shot: shot[0]):
                context = open_context(browser, arguments.base, look, mode or "101")
                page = context.new_page()
                page.on("console", report)
                page.on("pageerror", lambda error: print(f"    error: {error}"))
                for _, name in names:
                    if arguments.only and name not in arguments.only.split(","):
                        continue
                    stem = f"{mode}-{name}" if mode else name
                    print(look, stem)
                    shoot(page, arguments.base, PAGES[name], arguments.folder / f"{look}-{stem}.png")
                context.close()
            context = open_context(browser, arguments.base, look, "")
            if not arguments.only or arguments.only == "sign-in":
                shoot(context.new_page(), arguments.base, "/sign-in", arguments.folder / f"{look}-sign-in.png")
            context.close()
        browser.close()


if __name__ == "__main__":
    main()
