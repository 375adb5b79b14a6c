"""What the project claims of itself, checked: who may import whom, style, types, names, words."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

import pytest

from config.client import CLIENT, npm

ROOT = Path(__file__).parents[1]
PACKAGES = ("sip", "pbx", "messaging", "web", "config")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
TOP_LEVEL = {
    "pyproject.toml",
    "README.md",
    "Makefile",
    "CHANGELOG.md",
    "LICENSE",
    ".gitignore",
    ".ci",
    *PACKAGES,
    "tests",
    "docs",
}

TEXT = (".py", ".md", ".toml", ".sh", ".service", ".mako", ".xml", ".cfg", ".txt", ".csv")
# Words that promise what is not there.
UNWANTED = re.compile(r"\bTODO\b|\bFIXME\b|\bXXX\b|(?i:not implemented yet)")

# A module is 100 to 400 lines; this is where the exceptions end.
MAX_LINES = 450


def tracked_files() -> list[Path]:
    """The files of the project, without what a build or a run has left between them."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("this is no git working copy")
    return [path for name in listed.stdout.splitlines() if (path := ROOT / name).is_file()]


DOCSTRING = ('"""', "'''")
LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(("-m", "ruff", "check", "."), id="ruff check"),
        pytest.param(("-m", "ruff", "format", "--check", "."), id="ruff format"),
        pytest.param(("-m", "mypy"), id="mypy"),
        pytest.param(("-c", LINT_IMPORTS), id="import contracts"),
    ],
)
def test_checker_finds_nothing(program: Sequence[str]) -> None:
    done = subprocess.run([sys.executable, *program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("script", ["type-check", "test"])
def test_checks_of_the_web_client_find_nothing(script: str) -> None:
    if not (CLIENT / "node_modules").exists():
        if os.environ.get("CI") == "true":
            pytest.fail("the packages of the web client are not installed")
        pytest.skip("the packages of the web client are not installed")
    command, environment = npm()
    done = subprocess.run(
        [*command, "run", script], cwd=CLIENT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_top_level_is_as_agreed() -> None:
    found = {path.relative_to(ROOT).parts[0] for path in tracked_files()}
    assert found <= TOP_LEVEL, f"who put {found - TOP_LEVEL} there?"


@pytest.mark.parametrize("name", PACKAGES)
def test_package_is_ours(name: str) -> None:
    module = import_module(name)
    assert module.__file__ is not None
    assert Path(module.__file__).parent == ROOT / name, "another distribution has installed a package of this name"


@pytest.mark.parametrize("name", PACKAGES)
def test_every_folder_of_modules_is_a_package_that_says_what_it_is_for(name: str) -> None:
    for folder in {path.parent for path in (ROOT / name).rglob("*.py") if "node_modules" not in path.parts}:
        if folder.name == "versions":  # of migrations, which Alembic finds by their folder
            continue
        opening = folder / "__init__.py"
        assert opening.exists(), f"{folder} has no __init__.py"
        assert opening.read_text().startswith(DOCSTRING), f"{opening} has no docstring"


def modules() -> Iterator[Path]:
    for name in PACKAGES:
        yield from sorted(path for path in (ROOT / name).rglob("*.py") if "node_modules" not in path.parts)


def test_every_module_begins_with_what_it_is_for() -> None:
    silent = [path for path in modules() if not path.read_text().startswith((*DOCSTRING, "#!"))]
    assert silent == []


def test_no_module_has_outgrown_a_readers_head() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in modules()
        if (count := len(path.read_text().splitlines())) > MAX_LINES
    }
    assert long == {}


def test_no_module_is_a_drawer_for_odds_and_ends() -> None:
    drawers = [path for path in modules() if path.stem in ("utils", "util", "helpers", "misc", "common")]
    assert drawers == []


def test_no_text_promises_what_is_not_there() -> None:
    found = []
    for path in tracked_files():
        if path == Path(__file__) or not (path.suffix in TEXT or path.name in ("Makefile", "run")):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if UNWANTED.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert found == []


def test_licence_is_the_one_that_the_metadata_names() -> None:
    assert PROJECT["project"]["license"]["text"] == "Apache-2.0"
    assert "Version 2.0, January 2004" in (ROOT / "LICENSE").read_text()


def test_nothing_that_the_server_needs_is_under_the_gpl() -> None:
    needed = " ".join(PROJECT["project"]["dependencies"]).lower()
    assert "pjsua2" not in needed
    for path in modules():
        assert not re.search(r"^\s*(import|from) pjsua2", path.read_text(), re.MULTILINE), path


def test_program_is_the_command_line() -> None:
    module, _, name = PROJECT["project"]["scripts"]["gorizont"].partition(":")
    assert callable(getattr(import_module(module), name))


def test_version_has_its_entry_in_the_changelog() -> None:
    assert f"## {PROJECT['project']['version']}" in (ROOT / "CHANGELOG.md").read_text()
