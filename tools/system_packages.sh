#!/bin/sh
# The shared libraries that opencv-python and the EGL renderer load, and Python's venv module.
#   sh tools/system_packages.sh [PYTHON]             for the library and the command line
#   sh tools/system_packages.sh PYTHON offscreen     and what Qt needs without a screen (tests)
#   sh tools/system_packages.sh PYTHON gui           and what it needs to open a window on X
# Installs what is missing as root on Debian or Ubuntu; elsewhere prints the one command to run.
set -u
python=${1:-python3}
app=${2:-none}
PATH=$PATH:/usr/sbin:/sbin  # ldconfig is not on the path of Debian's ordinary users

"$python" -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))" || {
    echo "$python is $("$python" --version 2>&1); art-segplugin needs Python 3.11 to 3.13."
    echo "Name one, for instance: make demo PYTHON=python3.12"
    exit 1
}

missing=""
need() { ldconfig -p 2>/dev/null | grep -qF "$1" || missing="$missing $2"; }
need libEGL.so.1 libegl1
need libGL.so.1 libgl1
need libglib-2.0.so.0 libglib2.0-0
case $app in none | offscreen | gui) ;; *)
    echo "$app is none of: offscreen, gui."
    exit 1
esac
if [ "$app" != none ]; then
    need libdbus-1.so.3 libdbus-1-3
    need libfontconfig.so.1 libfontconfig1
    need libxkbcommon.so.0 libxkbcommon0
    # Qt brings no fonts; without any, text is boxes
    find /usr/share/fonts /usr/local/share/fonts "$HOME/.fonts" "$HOME/.local/share/fonts" \
        -name '*.[to]tf' 2>/dev/null | grep -q . || missing="$missing fonts-dejavu-core"
fi
if [ "$app" = gui ]; then
    need libxcb-cursor.so.0 libxcb-cursor0
    need libxcb-icccm.so.4 libxcb-icccm4
    need libxcb-image.so.0 libxcb-image0
    need libxcb-keysyms.so.1 libxcb-keysyms1
    need libxcb-randr.so.0 libxcb-randr0
    need libxcb-render-util.so.0 libxcb-render-util0
    need libxcb-shape.so.0 libxcb-shape0
    need libxcb-xkb.so.1 libxcb-xkb1
    need libxkbcommon-x11.so.0 libxkbcommon-x11-0
fi
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
