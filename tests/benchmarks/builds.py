"""The server in its two builds: interpreted, and with the hot path compiled.

Each is a copy of the sources, so that compiling leaves this tree alone and an edit in the middle of a run changes
nothing.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("sip", "pbx", "messaging", "web", "config")
LEFT_OUT = {"node_modules", "__pycache__"}
STAMP = "sources.sha256"


class Build(StrEnum):
    INTERPRETED = "interpreted"
    COMPILED = "compiled"


class BuildError(Exception):
    """A build could not be made, or is not what it should be."""


def make(build: Build, folder: Path) -> Path:
    """The folder of a build, made anew unless there is one of the same sources. Raises BuildError."""
    place = folder / build
    stamp = _digest()
    if not (place / STAMP).exists() or (place / STAMP).read_text() != stamp:
        shutil.rmtree(place, ignore_errors=True)
        for path in _sources():
            copy = place / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
        shutil.copy(ROOT / "pyproject.toml", place)
        if build is Build.COMPILED:
            run_python(place, "-m", "config.compiling")
        (place / STAMP).write_text(stamp)
    _check(build, place)
    return place


def environment(place: Path, also: Path | None = None) -> dict[str, str]:
    """What makes a Python import the packages of a build, whatever is installed; what it lacks, from `also`."""
    return {"PYTHONPATH": os.pathsep.join(map(str, filter(None, (place, also)))), "PYTHONSAFEPATH": "1"}


def run_python(place: Path, *arguments: str, also: Path | None = None) -> str:
    """What a Python of a build prints. Raises BuildError when it fails."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=place,
        env={**os.environ, **environment(place, also)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BuildError(done.stderr.strip())
    return done.stdout


def _check(build: Build, place: Path) -> None:
    """That what is imported is this build, as far as one module tells."""
    found = Path(run_python(place, "-c", "import sip.message; print(sip.message.__file__)").strip())
    compiled = found.suffix == ".so"
    if not found.is_relative_to(place) or compiled is not (build is Build.COMPILED):
        raise BuildError(f"the {build} server imports {found}")


def _sources() -> Iterator[Path]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*")):
            if path.is_file() and path.suffix != ".so" and not LEFT_OUT.intersection(path.parts):
                yield path


def _digest() -> str:
    digest = hashlib.sha256(sys.version.encode())
    for path in _sources():
        digest.update(str(path.relative_to(ROOT)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
