"""Fixtures: one Chromium for all tests, one real server for each file."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.office import ARGUMENTS, BUILT, CHROMIUM, Office
from tests.support.server import Server

PEOPLE = {"101": "Anna Orlova", "102": "Boris Klimov", "103": "Vera Sokolova"}


def _needs(thing: str, path: Path | str, how: str) -> None:
    if not Path(path).exists():
        words = f"{thing} is missing: {how}"
        if os.environ.get("CI") == "true":
            pytest.fail(words)
        pytest.skip(words)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    _needs("Chromium", CHROMIUM, "install Debian's package chromium")
    _needs("the web client", BUILT, "build it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`gorizont serve` with web."""
    with Server(tmp_path_factory.mktemp("office"), web=True) as running:
        yield running


@pytest.fixture(scope="module")
def staffed(server: Server, chromium: Browser) -> Office:
    office = Office(server, chromium)
    for number, name in PEOPLE.items():
        office.hire(number, name, role="admin" if number == "101" else "user")
    return office


@pytest.fixture
def office(staffed: Office) -> Iterator[Office]:
    """The people of the office; no browser may have complained in the end."""
    yield staffed
    assert staffed.leave() == []
