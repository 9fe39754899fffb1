import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APP = ROOT / "gui" / "art_segplugin_gui"
ITS_WINDOWS = re.compile(
    r"\bcv2\.imshow\b|\b(namedWindow|waitKey|createTrackbar|destroyAllWindows)\b"
)

WIDGET = """
from PySide6.QtWidgets import QApplication, QLabel
app = QApplication([])
label = QLabel("x")
label.show()
app.processEvents()
assert label.grab().width() > 0
"""
OPENCV = """
import os
import cv2 as plain  # as the library does
before = os.environ.get("QT_QPA_PLATFORM_PLUGIN_PATH")
from art_segplugin_gui._cv2 import cv2
import numpy as np
assert cv2 is plain
assert cv2.resize(np.zeros((4, 4, 3), np.uint8), (8, 8)).shape == (8, 8, 3)
"""
LEFT = 'print([k for k in ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR") if k in os.environ])'


@pytest.mark.parametrize("order", [(OPENCV, WIDGET), (WIDGET, OPENCV)], ids=["opencv", "qt"])
def test_qt_and_opencv_live_together_whichever_comes_first(order):
    ended = subprocess.run(
        [sys.executable, "-c", "\n".join((*order, LEFT))],
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == "[]"
    assert "cv2" not in ended.stderr


def test_variables_that_point_elsewhere_stay():
    ended = subprocess.run(
        [
            sys.executable, "-c",
            "import os, cv2; os.environ['QT_QPA_FONTDIR'] = '/fonts'; import art_segplugin_gui._cv2; "
            "print(os.environ['QT_QPA_FONTDIR'], os.environ.get('QT_QPA_PLATFORM_PLUGIN_PATH'))",
        ],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert ended.stdout.split() == ["/fonts", "None"]


def sources():
    found = [p for folder in (APP, ROOT / "art_segplugin") for p in folder.rglob("*.py")]
    assert len(found) > 100
    return [p for p in found if p != APP / "_cv2.py"]


def test_windows_of_opencv_appear_nowhere():
    """In a process that runs Qt 6 they abort it."""
    assert [p for p in sources() if ITS_WINDOWS.search(p.read_text(encoding="utf-8"))] == []


def test_the_app_imports_opencv_through_its_own_door_only():
    direct = re.compile(r"^\s*(import cv2|from cv2)\b", re.MULTILINE)
    assert [
        p for p in sources() if p.is_relative_to(APP) and direct.search(p.read_text("utf-8"))
    ] == []
    assert direct.search((APP / "_cv2.py").read_text("utf-8"))
