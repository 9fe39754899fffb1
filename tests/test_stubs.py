import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_stubs_and_tables_are_those_of_the_specifications():
    command = [sys.executable, "tools/make_stubs.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
