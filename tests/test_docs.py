"""What the documentation says works: its links lead somewhere, and its commands run.

A block of commands that begins with ```sh run is run here, against a server that knows nobody; the blocks of a
page run in their order, in one folder. All other blocks are for reading.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.server import Server

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])

_BLOCK = re.compile(r"^(?P<indent> *)```sh run\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)|!\[[^\]]*\]\((?P<picture>[^)\s]+)\)")
_CODE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> Iterator[str]:
    """The commands of a page, as typed."""
    for block in _BLOCK.finditer(page.read_text()):
        indent = len(block["indent"])
        yield "".join(line[indent:] for line in block["text"].splitlines(keepends=True))


def heading_anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ +(.*)$", _CODE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("docs") / "server") as server:
        yield server


@pytest.fixture
def server(shared_server: Server) -> Iterator[Server]:
    """What the commands of one page have made in its directory, those of the next one don't find."""
    yield shared_server
    shared_server.dismiss()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for match in _LINK.finditer(_CODE.sub("", page.read_text())):
        target, _, anchor = (match["target"] or match["picture"]).partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        place = page.parent / target if target else page
        if not place.exists() or (anchor and anchor not in heading_anchors(place)):
            broken.append(match[0])
    assert broken == []


@pytest.mark.parametrize("page", [page for page in PAGES if any(blocks(page))], ids=name)
def test_commands_of_a_page_run(page: Path, server: Server, tmp_path: Path) -> None:
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name, command in (("gorizont", f"{sys.executable} -m pbx.cli"), ("python", sys.executable)):
        (programs / name).write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {command} "$@"\n')
        (programs / name).chmod(0o755)
    environment = {
        "PATH": f"{programs}:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "GORIZONT_DATA": str(server.data.root),
    }
    for text in blocks(page):
        done = subprocess.run(
            ["/bin/sh", "-eu", "-c", text],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
