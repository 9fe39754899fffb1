import re
import runpy
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))
ACCURACY = r"^(.+?) +(?:pixel )?accuracy +([\d.]+)%"


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example(path, tmp_path, monkeypatch, capsys):
    assert len(path.read_text().splitlines()) < 80
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(path), "--smoke"])
    runpy.run_path(str(path), run_name="__main__")
    printed = re.findall(ACCURACY, capsys.readouterr().out, re.MULTILINE)
    accuracy = {name: float(value) for name, value in printed}
    attacked = [name for name in accuracy if not name.endswith("clean")]
    assert len(attacked) >= 2
    for name in attacked:
        model = name.rpartition(": ")[0]  # "" where an example has one
        assert accuracy[name] < accuracy[f"{model}: clean" if model else "clean"], accuracy


def test_there_are_six():
    assert [path.stem for path in EXAMPLES] == [
        "01_art_workflow",
        "02_torchattacks",
        "03_own_model",
        "04_temperature_pgd",
        "05_class_diagnosis",
        "06_art_adversarial_training",
    ]
