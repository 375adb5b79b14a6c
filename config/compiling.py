"""Compiles the hot path by mypyc: the same source, some twice as fast. Optional.

    python -m config.compiling          compile, beside the sources
    python -m config.compiling --clean  go back to the interpreter

Needs a C compiler, the headers of Python and the `fast` extra. What is imported afterwards is the compiled module;
nothing else changes, and the tests pass on both.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

COMPILED = (
    "sip/*.py",
    "sip/dialog/*.py",
    "sip/sdp/*.py",
    "sip/transaction/*.py",
    "sip/transport/addresses.py",
    "sip/transport/base.py",
    "sip/transport/udp.py",
    "pbx/calls/*.py",
    "pbx/clock.py",
    "pbx/directory/snapshot.py",
    "pbx/media/relay/correspondence.py",
    "pbx/media/relay/express.py",
    "pbx/media/relay/formats.py",
    "pbx/media/relay/hub.py",
    "pbx/media/relay/latching.py",
    "pbx/media/relay/packet.py",
    "pbx/media/relay/rtp_leg.py",
    "pbx/media/relay/srtp.py",
    "pbx/media/relay/statistics.py",
    "pbx/media/relay/stream.py",
    "pbx/media/relay/suites.py",
    "pbx/media/relay/webrtc_leg.py",
    "pbx/messages/*.py",
    "pbx/registrar/*.py",
    "pbx/routing/*.py",
    "pbx/switchboard.py",
)
# Declarative tables of the database are made at run time by their base class.
LEFT_OUT = ("__init__.py", "models.py")


def sources() -> list[Path]:
    """The modules that are compiled, relative to the project's folder."""
    found = [path for pattern in COMPILED for path in sorted(ROOT.glob(pattern))]
    return [path.relative_to(ROOT) for path in found if path.name not in LEFT_OUT]


def clean() -> None:
    """Removes everything that `compile_all` has made."""
    for package in ("sip", "pbx"):
        for library in (ROOT / package).rglob("*.so"):
            library.unlink()
    for library in ROOT.glob("*__mypyc*.so"):
        library.unlink()


def compile_all() -> None:
    """Compiles in a folder of its own and puts the libraries beside the sources.

    Raises SystemExit with a clear line when the compiler, Python's headers or mypyc are missing.
    """
    try:
        from mypyc.build import mypycify
        from setuptools import setup
    except ImportError as error:
        raise SystemExit(f"{error.name} is missing: pip install -e .[fast]") from None
    if shutil.which(os.environ.get("CC", "cc")) is None:
        raise SystemExit("no C compiler: install gcc (Debian: apt install build-essential python3-dev)")
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        package = f"python{sysconfig.get_python_version()}-dev"
        raise SystemExit(f"no headers of Python, which C needs (Debian: apt install {package})")
    clean()
    with tempfile.TemporaryDirectory(prefix="gorizont-compile-") as scratch:
        os.chdir(ROOT)
        extensions = mypycify([str(path) for path in sources()], opt_level="2", target_dir=f"{scratch}/c")
        setup(
            name="gorizont-compiled",
            ext_modules=extensions,
            packages=[],
            script_args=["-q", "build_ext", "--inplace", "--build-temp", scratch, "--build-lib", scratch],
        )


def main() -> int:
    """Compiles or cleans; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m config.compiling", description=__doc__)
    parser.add_argument("--clean", action="store_true", help="remove the compiled modules")
    options = parser.parse_args()
    if options.clean:
        clean()
    else:
        compile_all()
    return 0


if __name__ == "__main__":
    sys.exit(main())
