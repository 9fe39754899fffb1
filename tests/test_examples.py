import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example(path, tmp_path):
    assert len(path.read_text().splitlines()) <= 80
    result = subprocess.run(
        [sys.executable, path, "--smoke"], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert "accuracy" in result.stdout


def test_there_are_three():
    assert [path.stem for path in EXAMPLES] == [
        "01_art_workflow",
        "02_torchattacks",
        "03_own_model",
    ]
