"""What `make` says, and does, on a machine that lacks something: config/setup.sh with invented programs around it."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

SETUP = Path(__file__).parents[3] / "config" / "setup.sh"

# 3.11 or newer is asked for by way of the exit status; the package of venv is named after the version.
PYTHON = """
case "$*" in
    --version) echo Python {version} ;;
    *version_info\\ \\<*) exit {too_old} ;;
    *version_info*) echo python{version}-venv ;;
    *ensurepip*) [ -e "$MACHINE/ensurepip" ] ;;
    -m\\ venv*) mkdir -p "$4/bin"; cp "$0" "$4/bin/python"; cp "$MACHINE/pip" "$4/bin/" ;;
    *) exit 99 ;;
esac
"""


@dataclass
class Machine:
    """One that has the programs which are put there, and no others but those of `setup.sh` itself."""

    folder: Path

    def has(self, name: str, script: str) -> None:
        """Puts a program there."""
        program = self.folder / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def has_python(self, version: str, *, name: str = "python3", venv: bool = True) -> None:
        too_old = int(tuple(map(int, version.split("."))) < (3, 11))
        self.has(name, PYTHON.format(version=version, too_old=too_old))
        if venv:
            (self.folder / "ensurepip").touch()

    def set_up(self, wanted: str = "") -> tuple[int, str]:
        """The exit status, and all that was said."""
        done = subprocess.run(
            ["/bin/sh", str(SETUP), str(self.folder / "venv"), wanted],
            env={"PATH": str(self.folder), "MACHINE": str(self.folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    for name in ("sh", "env", "mkdir", "cp", "touch"):
        (tmp_path / name).symlink_to(shutil.which(name) or name)
    machine.has("id", "echo 1000")
    machine.has("pip", 'echo "$*" >"$MACHINE/installed"')
    return machine


def test_newcomer_with_python_gets_an_environment_with_the_program(machine: Machine) -> None:
    machine.has_python("3.13")
    status, said = machine.set_up()
    assert status == 0, said
    assert "with Python 3.13" in said
    assert (machine.folder / "installed").read_text().endswith("--editable .\n")


def test_machine_without_python_is_told_which_one_is_needed(machine: Machine) -> None:
    status, said = machine.set_up()
    assert status == 1
    assert said.startswith("Python 3.11 or newer is needed, and there is none\n")
    assert "apt install python3" in said


def test_python_that_is_too_old_is_named(machine: Machine) -> None:
    machine.has_python("3.10")
    status, said = machine.set_up()
    assert status == 1
    assert "Python 3.11 or newer is needed, and python3 here is Python 3.10 " in said


def test_newer_python_beside_an_old_one_is_found(machine: Machine) -> None:
    machine.has_python("3.10")
    machine.has_python("3.12", name="python3.12")
    assert "with Python 3.12" in machine.set_up()[1]


def test_interpreter_that_was_asked_for_is_not_replaced_by_another(machine: Machine) -> None:
    machine.has_python("3.12")
    assert machine.set_up("python9") == (1, "PYTHON=python9 is no Python 3.11 or newer\n")


def test_user_without_rights_is_told_which_package_is_missing(machine: Machine) -> None:
    machine.has_python("3.11", venv=False)
    machine.has("apt-get", "exit 100")
    expected = "python3 has no module venv: install it (Debian, Ubuntu: as root, apt install python3.11-venv)\n"
    assert machine.set_up() == (1, expected)


@pytest.mark.parametrize("rights", ["root", "sudo"])
def test_missing_package_is_installed_with_the_rights_for_it(machine: Machine, rights: str) -> None:
    machine.has_python("3.11", venv=False)
    machine.has("apt-get", 'case "$*" in *install\\ python3.11-venv) touch "$MACHINE/ensurepip" ;; esac')
    if rights == "root":
        machine.has("id", "echo 0")
    else:
        machine.has("sudo", 'if [ "$1" = -n ]; then exit 0; fi; exec "$@"')
    status, said = machine.set_up()
    assert status == 0, said
    assert "installing python3.11-venv, which python3 needs" in said


def test_index_that_is_out_of_reach_ends_with_what_can_be_done(machine: Machine) -> None:
    machine.has_python("3.11")
    machine.has("pip", "echo no route to the index >&2; exit 1")
    status, said = machine.set_up()
    assert status == 1
    assert "no route to the index\npip could not install this" in said
    assert "PIP_INDEX_URL" in said
