#!/bin/sh
# The shared libraries that opencv-python and the EGL renderer load, and Python's venv module.
# Installs what is missing as root on Debian or Ubuntu; elsewhere prints the one command to run.
set -u
python=${1:-python3}
PATH=$PATH:/usr/sbin:/sbin  # ldconfig is not on the path of Debian's ordinary users

"$python" -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))" || {
    echo "$python is $("$python" --version 2>&1); art-segplugin needs Python 3.11 to 3.13."
    echo "Name one, for instance: make demo PYTHON=python3.12"
    exit 1
}

missing=""
has_library() { ldconfig -p 2>/dev/null | grep -q "$1"; }
has_library libEGL.so.1 || missing="$missing libegl1"
has_library libGL.so.1 || missing="$missing libgl1"
has_library libglib-2.0.so.0 || missing="$missing libglib2.0-0"
"$python" -c "import venv, ensurepip" 2>/dev/null || missing="$missing python3-venv"

[ "$(uname -s)" = Linux ] || exit 0
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing system packages:$missing"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
else
    echo "System packages are missing. On Debian or Ubuntu run:"
    echo "    sudo apt-get install -y --no-install-recommends$missing"
    exit 1
fi
