"""Fixtures: one Chromium and one real server for all tests but those that need a server of their own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def new_office(folder: Path, chromium: Browser) -> Iterator[Office]:
    """`gorizont serve` with web, and three people."""
    with Server(folder, web=True) as server:
        office = Office(server, chromium)
        for number, name in PEOPLE.items():
            office.hire(number, name, role="admin" if number == "101" else "user")
        yield office


@pytest.fixture(scope="session")
def staffed(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Office]:
    """The office of all files. What a test leaves in it, those after it find."""
    with new_office(tmp_path_factory.mktemp("office"), chromium) as office:
        yield office


@pytest.fixture
def office(staffed: Office) -> Iterator[Office]:
    """The people of the office; no browser may have complained in the end."""
    yield staffed
    assert staffed.leave() == []
