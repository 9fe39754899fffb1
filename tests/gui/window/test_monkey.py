import os
import subprocess
import sys
from pathlib import Path

import pytest

MONKEY = Path(__file__).parents[3] / "tools" / "monkey.py"


@pytest.mark.slow
def test_a_minute_of_a_monkey():
    done = subprocess.run(
        [sys.executable, str(MONKEY), "--minutes", "0.8", "--seed", "3"],
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "OMP_NUM_THREADS": "1"},
        check=False,
    )
    said = f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert done.returncode == 0, said
    assert "0 problems" in done.stdout
    lines = [line for line in done.stdout.splitlines() if "actions" in line]
    assert len(lines) >= 4
    assert int(lines[-1].split(" s ")[1].split()[0]) > 100, said
