"""A configuration that cannot be meant: one line names the key and what it may be, and nothing is started."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.scenarios.hostile.victim import ROOT

CASES = [
    ("[sip]\nupd = 5060", 'unknown key [sip] upd in {file}: did you mean "udp"? The known keys are domain, udp, '),
    ("[sip]\nudp = 5060", "[sip] udp = 5060 from {file}: expected "),
    ('[sip]\nudp = "300.0.0.1:5060"', '[sip] udp = "300.0.0.1:5060" from {file}: '),
    ('[log]\nlevel = "loud"', '[log] level = "loud" from {file}: expected one of "debug", "info", "warning", "error"'),
]


@pytest.mark.parametrize("command", ["serve", "check"])
@pytest.mark.parametrize(("toml", "said"), CASES, ids=["unknown key", "wrong type", "bad address", "bad choice"])
def test_bad_configuration_ends_the_start_with_one_line(tmp_path: Path, command: str, toml: str, said: str) -> None:
    file = tmp_path / "office.toml"
    file.write_text(toml)
    program = [sys.executable, "-m", "pbx.cli", command, "--data", str(tmp_path / "data"), "--config", str(file)]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("gorizont: ")
    assert said.format(file=file) in line
    assert not (tmp_path / "data" / "gorizont.db").exists()
