#!/bin/sh
# Makes the virtual environment and installs the program into it: sh config/setup.sh VENV [PYTHON]
# Changes nothing outside of VENV, but for Debian's package of the venv module where that is missing.
set -eu
venv=$1
wanted=${2:-}

fits() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    if [ -n "$wanted" ]; then
        if fits "$wanted"; then echo "$wanted"; return; fi
        echo "PYTHON=$wanted is no Python 3.11 or newer" >&2
        exit 1
    fi
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if fits "$name"; then echo "$name"; return; fi
    done
    if found=$(python3 --version 2>/dev/null); then
        echo "Python 3.11 or newer is needed, and python3 here is $found (PYTHON=python3.12 names another)" >&2
    else
        echo "Python 3.11 or newer is needed, and there is none" >&2
    fi
    echo "(Debian 12 and Ubuntu 24.04 are the first whose python3 is new enough: apt install python3)" >&2
    exit 1
}

# As root, or by sudo if that asks nothing or somebody is there to be asked.
may_be_root() {
    [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; }
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

makes_environments() {
    "$1" -c 'import ensurepip, venv' 2>/dev/null
}

python=$(find_python)
if ! makes_environments "$python"; then
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if command -v apt-get >/dev/null && may_be_root; then
        echo "installing $package, which $python needs ..."
        as_root env DEBIAN_FRONTEND=noninteractive sh -c "apt-get -q update && apt-get -qy install $package" || true
    fi
    if ! makes_environments "$python"; then
        echo "$python has no module venv: install it (Debian, Ubuntu: as root, apt install $package)" >&2
        exit 1
    fi
fi

# An environment whose interpreter is gone or too old is made anew.
if ! fits "$venv/bin/python" || [ ! -x "$venv/bin/pip" ]; then
    echo "making the virtual environment $venv with $("$python" --version) ..."
    "$python" -m venv --clear "$venv"
fi
echo "installing the program and what it needs into $venv ..."
if ! "$venv/bin/pip" install --quiet --disable-pip-version-check --editable .; then
    echo "pip could not install this, for the reason above. It loads packages from the Python package" >&2
    echo "index, or from the mirror that PIP_INDEX_URL names." >&2
    exit 1
fi
