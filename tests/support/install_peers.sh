#!/bin/sh
# Installs the programs that the tests talk to, where that is possible, and says what is left out:
#
#     sh tests/support/install_peers.sh VENV
#
# On Debian and Ubuntu by apt, as root or by sudo; elsewhere tests that find no peer are skipped and say so.
set -eu
venv=$1

# program or library, and the package that has it
peers='
sipp               sip-tester
baresip            baresip-core
linphonec          linphone-cli
sipsak             sipsak
kamailio           kamailio
initdb             postgresql
setpriv            util-linux
systemd-analyze    systemd
chromium           chromium
firefox-esr        firefox-esr
rtpengine          rtpengine-daemon
libatomic.so.1     libatomic1
'

has() {
    case $1 in
        *.so.*) /sbin/ldconfig -p | grep -q "$1 " && return || return 1 ;; # what Playwright's own program needs
    esac
    for folder in $(echo "$PATH" | tr : ' ') /usr/sbin /usr/lib/postgresql/*/bin; do
        [ -x "$folder/$1" ] && return
    done
    return 1
}

missing=$(echo "$peers" | while read -r program package; do
    [ -z "$program" ] || has "$program" || echo "$package"
done)

# The tests start what they need themselves. A package's own service must not take port 5060, now or at the next boot.
install() {
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod 755 $policy
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    fi
    apt-get -q update
    for package in $missing; do # one by one: Ubuntu has no Firefox and Chromium as packages
        apt-get -qy install --no-install-recommends "$package" ||
            echo "cannot be installed here, so tests that need it are skipped: $package"
    done
    for service in kamailio postgresql rtpengine-daemon; do
        case $missing in *$service*)
            if command -v systemctl >/dev/null; then systemctl --quiet disable $service || true; fi ;;
        esac
    done
}

if [ "${1:-}" = --as-root ]; then
    missing=$2
    export DEBIAN_FRONTEND=noninteractive
    install
    exit
fi

if [ -n "$missing" ]; then
    missing=$(echo $missing)
    if ! command -v apt-get >/dev/null; then
        echo "no apt-get here: tests that need these are skipped: $missing"
    elif [ "$(id -u)" = 0 ]; then
        sh "$0" --as-root "$missing" || echo "apt-get failed: tests that need these are skipped: $missing"
    elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
        sudo sh "$0" --as-root "$missing" || echo "apt-get failed: tests that need these are skipped: $missing"
    else
        echo "neither root nor sudo: tests that need these are skipped: $missing"
    fi
fi

# One by one, because some have no wheel for every Python and machine.
stamp=$venv/peers
if [ ! -e "$stamp" ] || [ pyproject.toml -nt "$stamp" ]; then
    "$venv/bin/python" -c '
import tomllib
project = tomllib.load(open("pyproject.toml", "rb"))["project"]
print(*project["optional-dependencies"]["peers"], sep="\n")
' | while read -r requirement; do
        "$venv/bin/pip" install --quiet --disable-pip-version-check "$requirement" ||
            echo "cannot be installed here, so tests that need it are skipped: $requirement"
    done
    touch "$stamp"
fi
