"""An office whose people sit at browsers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.routing import Rule

from config.data import DataFolder
from tests.unit.web.office import Person, WebOffice, furnish


@pytest.fixture(autouse=True, scope="session")
def no_building_of_addresses() -> Iterator[None]:
    """Nobody builds addresses from routes here, and compiling what would do it is most of the time of a small test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "_compile_builder", lambda self, append_unknown=True: lambda *_: None)
        yield


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> DataFolder:
    return furnish(tmp_path_factory.mktemp("furnished"), sqlite_template)


@pytest.fixture
def office(tmp_path: Path, furnished: DataFolder) -> Iterator[WebOffice]:
    made = WebOffice(tmp_path / "data", furnished)
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
