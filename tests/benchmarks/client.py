"""What the web client costs its users: `python -m tests.benchmarks.client [--repeat 5] [--language ru] [--markdown]`.

Chromium against `gorizont serve` of this tree: what a first visit loads and how long it takes, how long a call from
a browser needs to a desk phone (baresip) and to another browser, and with `--build` how long the client takes to
install and build where there is nothing yet. Needs Chromium, baresip, the built client, and the right to see packets on
loopback (root). Progress is told on standard error, the figures on standard output.
"""

import argparse
import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from config import client as building
from tests.benchmarks import client_calls, client_pages
from tests.benchmarks.client_figures import Figure, Figures
from tests.benchmarks.client_wire import Wire
from tests.benchmarks.conditions import conditions
from tests.browser.office import ARGUMENTS, BUILT, CHROMIUM, Office
from tests.support.peers.baresip import Baresip
from tests.support.peers.base import Account
from tests.support.server import Server
from tests.support.tones import write_tone

PEOPLE = {"101": "Anna Orlova", "102": "Boris Klimov", "103": "Vera Sokolova"}
TONE, PHONE_TONE = 1000.0, 700.0  # Hz
INSTALL, BUILD, BOTH = "npm ci, nothing there, its cache empty", "vite build", "both"
CLIENT = Path(__file__).parents[2] / "web/client"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def office(folder: Path) -> Iterator[tuple[Office, Browser]]:
    """A server with three people, and a browser whose microphone says a tone."""
    with Server(folder / "server", web=True) as server, sync_playwright() as playwright:
        microphone = write_tone(folder / "microphone.wav", TONE)
        arguments = [*ARGUMENTS, f"--use-file-for-fake-audio-capture={microphone}", client_pages.trusting(server)]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        people = Office(server, browser)
        for number, name in PEOPLE.items():
            people.hire(number, name)
        yield people, browser
        browser.close()


def measure_pages(folder: Path, repeat: int, language: str, names: bool) -> Figures:
    """First visits. One before those that count: the server, too, has its first time."""
    found = Figures(*client_pages.figures())
    with office(folder) as (people, browser):
        client_pages.load(browser, people.origin, "101", language, Figures(*client_pages.figures()))
        for number in range(repeat):
            say(f"pages, round {number + 1} of {repeat} ...")
            traffic = client_pages.load(browser, people.origin, "101", language, found)
    if names:
        for octets, name in sorted(traffic.names, reverse=True):
            say(f"{octets / client_pages.KB:7.1f} kB  {name}")
    return found


def measure_calls(folder: Path, repeat: int) -> Figures:
    """Calls. One of each before those that count: nobody asks how quick the first one of a browser's life is."""
    found = Figures(*client_calls.figures())
    with office(folder) as (people, _), Wire(int(people.server.udp.rpartition(":")[2])) as wire:
        server = people.server
        account = Account("103", server.password("103"), server.udp)
        with Baresip(account, folder / "baresip", tone=PHONE_TONE) as phone:
            phone.register()
            anna, boris = (people.sign_in(number, PEOPLE[number]) for number in ("101", "102"))
            for person in (anna, boris):
                person.context.add_init_script(client_calls.WATCH_CALLS)
                person.page.reload()
                person.wait_for_phone()
            for number in range(-1, repeat):
                say(f"calls, round {number + 1} of {repeat} ...")
                into = found if number >= 0 else Figures(*client_calls.figures())
                client_calls.to_phone(anna, phone, wire, into)
                client_calls.to_browser(anna, boris, into)
            for complaint in people.leave():
                say(complaint)
    return found


def measure_build(folder: Path, repeat: int) -> Figures:
    """Installation and build in a copy of the client without its packages, all of which npm has to fetch."""
    found = Figures(Figure(INSTALL, "s"), Figure(BUILD, "s"), Figure(BOTH, "s", 240))
    for number in range(repeat):
        say(f"build, round {number + 1} of {repeat} ...")
        place = folder / f"client-{number}"
        shutil.copytree(CLIENT, place, ignore=shutil.ignore_patterns("node_modules", "dist"))
        building.CLIENT = place
        os.environ["NPM_CONFIG_CACHE"] = str(folder / f"cache-{number}")
        begun = time.monotonic()
        building.install_packages()
        installed = time.monotonic()
        building._run("run", "build", "--silent")
        built = time.monotonic()
        if not (place / "dist/index.html").exists():
            raise SystemExit("the build has made no index.html")
        for name, seconds in ((INSTALL, installed - begun), (BUILD, built - installed), (BOTH, built - begun)):
            found.add(name, seconds)
        shutil.rmtree(place)
    return found


def circumstances(version: str, load: float) -> list[str]:
    """What the figures depend on, one fact a line."""
    facts = conditions(None, None)
    return [
        f"{facts.processor}, {facts.processors} processors, {facts.memory_gib:.0f} GiB; {facts.system}; {facts.python}",
        f"Chromium {version} without a window, server, phone and browser on this machine, over loopback",
        f"{facts.priority}; load average when it began: {load:.2f}, at the end: {os.getloadavg()[0]:.2f}",
    ]


def chromium_version() -> str:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        version = browser.version
        browser.close()
    return version


def main() -> int:
    """Measures what was asked for; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--language", choices=("en", "ru"), default="en", help="of the browser that loads the pages")
    parser.add_argument("--markdown", action="store_true", help="tables for docs/performance.md")
    parser.add_argument("--only", choices=("pages", "calls", "build"), help="one of the three")
    parser.add_argument("--build", action="store_true", help="installation and build, too: minutes each time")
    parser.add_argument("--names", action="store_true", help="what the app loads, the largest first")
    options = parser.parse_args()
    if not Path(CHROMIUM).exists() or not BUILT.exists() or not Baresip.installed():
        raise SystemExit("needs Chromium, baresip, and the web client built (make client)")
    load = os.getloadavg()[0]
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.only in (None, "pages"):
            found.append(measure_pages(folder / "pages", options.repeat, options.language, options.names))
        if options.only in (None, "calls"):
            found.append(measure_calls(folder / "calls", options.repeat))
        if options.build or options.only == "build":
            found.append(measure_build(folder / "build", options.repeat))
    for line in circumstances(chromium_version(), load):
        print(f"- {line}")
    for one in found:
        print()
        print(one.markdown() if options.markdown else "\n".join(one.lines()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
