"""What the server says when it is ready: commands that can be typed as they stand, in another terminal."""

import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from config.data import DataFolder
from config.loader import load_settings
from pbx.supervisor.preparation import Prepared
from pbx.supervisor.serve import welcome


def command(data: DataFolder) -> str:
    """The first command that the newcomer is offered."""
    said = welcome(load_settings(data), data, Prepared(news=(), users=0, user="", password=""), 1.0)
    return next(line.strip() for line in said.splitlines() if "user add 101" in line)


@pytest.fixture
def home() -> Iterator[Path]:
    """A home folder with a short name: the name of a socket in it has 107 octets at most."""
    with TemporaryDirectory(prefix="home-") as folder:
        yield Path(folder)


@pytest.fixture
def program(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program in a folder of its own, started from there; the folder."""
    monkeypatch.setenv("HOME", str(home))
    folder = tmp_path / "gorizont"
    folder.mkdir()
    monkeypatch.setattr(sys, "argv", [str(folder / ".venv/bin/gorizont"), "serve"])
    monkeypatch.chdir(folder)
    return folder


def test_command_is_as_short_as_in_the_readme(program: Path, home: Path) -> None:
    data = DataFolder(home / ".local/share/gorizont")
    assert command(data) == '.venv/bin/gorizont user add 101 --name "Anna Orlova"'


def test_command_of_a_service_works_in_any_folder_and_environment(
    program: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    monkeypatch.setenv("GORIZONT_DATA", str(home / "var"))
    expected = f'{program}/.venv/bin/gorizont user add 101 --name "Anna Orlova" --data {home}/var'
    assert command(DataFolder.locate()) == expected


def test_user_without_a_home_gets_the_command_too(program: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    assert command(DataFolder(home / "var")).endswith(f"--data {home}/var")
