"""Every fuzz target runs for a moment, always from the same seed: so none of them goes stale."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUNS = {  # two or three seconds each
    "dtls": 300,
    "frames": 1_500,
    "framing": 400,
    "message": 15_000,
    "rtcp": 4_000,
    "rtp": 300,
    "sdp": 2_500,
    "stun": 50_000,
}


def test_every_target_is_run() -> None:
    assert sorted(path.stem for path in Path(__file__).parent.glob("fuzz_*.py")) == [f"fuzz_{name}" for name in RUNS]


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed")
@pytest.mark.parametrize("name", RUNS)
def test_target_finds_nothing(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", f"tests.fuzz.fuzz_{name}", f"-runs={RUNS[name]}", "-seed=1"]
    done = subprocess.run(
        [*command, f"-artifact_prefix={tmp_path}/", str(tmp_path / "corpus")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Done {RUNS[name]} runs" in done.stderr
