#!/bin/sh
# Runs a command on a screen of its own: Xvfb on a free display, and openbox, for without a window
# manager no window gets the keyboard. Ends both when the command ends, with its exit status.
#   sh tools/x_session.sh [-s WIDTHxHEIGHT] COMMAND [ARGUMENT...]
# On Debian or Ubuntu: apt-get install xvfb openbox, and xdotool for a command that uses it.
set -u
size=1440x900
if [ "${1:-}" = -s ]; then
    size=${2:-}
    shift 2
fi
[ $# -gt 0 ] || { echo "Name a command: sh tools/x_session.sh [-s 1440x900] COMMAND"; exit 2; }
for program in Xvfb openbox; do
    command -v $program >/dev/null || {
        echo "$program is missing: sudo apt-get install -y --no-install-recommends xvfb openbox"
        exit 2
    }
done

folder=$(mktemp -d)
server="" manager="" running=""
finish() {
    for process in $running $manager $server; do kill "$process" 2>/dev/null; done
    wait
    rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# wait_for FILE PROCESS: until the file has something in it, for 10 s at most
wait_for() {
    tries=0
    until [ -s "$1" ]; do
        tries=$((tries + 1))
        if [ $tries -gt 100 ] || ! kill -0 "$2" 2>/dev/null; then
            tail -n 3 "$folder/log" >&2
            exit 1
        fi
        sleep 0.1
    done
}

Xvfb -displayfd 3 -screen 0 "${size}x24" -nolisten tcp 3>"$folder/display" >"$folder/log" 2>&1 &
server=$!
wait_for "$folder/display" $server
DISPLAY=:$(cat "$folder/display")
export DISPLAY
unset WAYLAND_DISPLAY QT_QPA_PLATFORM
openbox --sm-disable --startup "sh -c 'echo ready >$folder/ready'" >>"$folder/log" 2>&1 &
manager=$!
wait_for "$folder/ready" $manager

"$@" &
running=$!
wait $running
status=$?
running=""
exit $status
