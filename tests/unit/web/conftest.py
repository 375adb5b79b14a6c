"""An office whose people sit at browsers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.web.office import Person, WebOffice


@pytest.fixture
def office(tmp_path: Path, sqlite_template: Path) -> Iterator[WebOffice]:
    made = WebOffice(tmp_path / "data", sqlite_template)
    yield made
    made.close()


@pytest.fixture
def anna(office: WebOffice) -> Person:
    """The admin, signed in."""
    return office.person("101")


@pytest.fixture
def boris(office: WebOffice) -> Person:
    """A user, signed in."""
    return office.person("102")


@pytest.fixture
def nobody(office: WebOffice) -> Person:
    """A browser in which nobody is signed in."""
    return office.person()
