"""Starts `gui_bare.py` and asks it."""

import contextlib
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


@contextlib.contextmanager
def bare():
    """A process that runs the attack without the app; ask it for the seconds."""
    process = subprocess.Popen(
        [sys.executable, HERE / "gui_bare.py"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    process.stdout.readline()

    def ask(threads, steps):
        process.stdin.write(f"{threads} {steps}\n")
        process.stdin.flush()
        return float(process.stdout.readline())

    try:
        yield ask
    finally:
        process.stdin.close()
        process.wait()
