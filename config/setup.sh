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
    echo "Python 3.11 or newer is needed, and there is none (Debian 12, Ubuntu 24.04: apt install python3)" >&2
    exit 1
}

# As root, or by sudo if that asks nothing or somebody is there to be asked.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
        sudo "$@"
    else
        return 1
    fi
}

python=$(find_python)
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    echo "installing $package, which $python needs ..."
    if ! command -v apt-get >/dev/null ||
        ! as_root env DEBIAN_FRONTEND=noninteractive sh -c "apt-get -q update && apt-get -qy install $package"; then
        echo "$python has no module venv: install it (Debian, Ubuntu: apt install $package)" >&2
        exit 1
    fi
fi

# An environment whose interpreter is gone or too old is made anew.
if ! fits "$venv/bin/python" || [ ! -x "$venv/bin/pip" ]; then
    echo "making the virtual environment $venv with $("$python" --version) ..."
    "$python" -m venv --clear "$venv"
fi
echo "installing the program and what it needs into $venv ..."
"$venv/bin/pip" install --quiet --disable-pip-version-check --editable .
