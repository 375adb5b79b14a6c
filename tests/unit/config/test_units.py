"""The units of systemd: each starts a program that exists, in the same sandbox, and they stop in the right order."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[3] / "config" / "systemd"
WHOLE = UNITS / "gorizont.service"
SINGLE = sorted(UNITS.glob("gorizont-*.service"))
HELD_OVER_A_CALL = [UNITS / "gorizont-media@.service", UNITS / "gorizont-web.service"]
by_name = pytest.mark.parametrize("unit", [WHOLE, *SINGLE], ids=lambda unit: unit.stem)


def values(unit: Path, key: str) -> list[str]:
    """What the unit says for this key, word by word."""
    return [word for line in re.findall(rf"^{key}=(.*)$", unit.read_text(), re.MULTILINE) for word in line.split()]


def sandbox(unit: Path) -> str:
    """All from the folder that it may write to on."""
    text = unit.read_text()
    return text[text.index("StateDirectory=") :].partition("\n[Install]")[0].strip()


@by_name
def test_unit_starts_a_program_of_ours(unit: Path) -> None:
    started = values(unit, "ExecStart") + values(unit, "ExecStartPre")
    modules = [module for option, module in pairwise(started) if option == "-m"]
    assert modules or started == ["/opt/gorizont/.venv/bin/gorizont", "serve"]
    assert all(importlib.util.find_spec(module) for module in modules)


@by_name
def test_unit_has_the_sandbox_of_all(unit: Path) -> None:
    assert sandbox(unit) == sandbox(WHOLE)


@pytest.mark.parametrize("unit", HELD_OVER_A_CALL, ids=lambda unit: unit.stem)
def test_media_and_web_outlive_the_calls_that_the_engine_lets_end(unit: Path) -> None:
    # systemd stops in the opposite order of starting.
    assert "gorizont-engine.service" in values(unit, "Before")
    assert "gorizont-engine.service" not in values(unit, "After")


@pytest.mark.parametrize("unit", SINGLE, ids=lambda unit: unit.stem)
def test_single_unit_runs_on_a_prepared_installation_only(unit: Path) -> None:
    assert values(unit, "ExecStartPre")[1:] == ["-m", "pbx.first_start"]


@by_name
def test_systemd_finds_nothing_wrong_with_the_unit(unit: Path, tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        assert os.environ.get("CI") != "true", "no systemd-analyze: install Debian's package systemd"
        pytest.skip("systemd-analyze is not on this machine")
    for one in (WHOLE, *SINGLE):
        here = re.sub(r"/opt/gorizont/\.venv/bin/\w+", sys.executable, one.read_text())
        (tmp_path / one.name).write_text(here)
    command = [program, "verify", "--man=no", str(tmp_path / unit.name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    about_ours = [line for line in done.stderr.splitlines() if "gorizont" in line]
    assert (done.returncode, about_ours) == (0, [])
