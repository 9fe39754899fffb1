import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage, QPalette


def palette(base, text):
    made = QPalette()
    for role, colour in (
        (QPalette.ColorRole.Base, base),
        (QPalette.ColorRole.Window, base),
        (QPalette.ColorRole.Text, text),
        (QPalette.ColorRole.WindowText, text),
        (QPalette.ColorRole.Highlight, "#3d7de0"),
    ):
        made.setColor(role, QColor(colour))
    return made


@pytest.fixture
def light():
    return palette("#ffffff", "#101010")


@pytest.fixture
def dark():
    return palette("#181818", "#f0f0f0")


@pytest.fixture
def show(qtbot, light):
    """Shows a chart at a size, with a palette of its own."""

    def show_it(chart, width=300, height=360):
        qtbot.addWidget(chart)
        chart.setPalette(light)
        chart.resize(width, height)
        chart.show()
        qtbot.waitExposed(chart)
        return chart

    return show_it


@pytest.fixture
def pixels(qapp):
    """What a widget looks like, uint8 (h, w, 3)."""

    def grab(widget):
        qapp.processEvents()
        # In logical pixels whatever the scale of the screen, as the geometry is.
        image = widget.grab().toImage().scaled(widget.size())
        image = image.convertToFormat(QImage.Format.Format_RGB888)
        rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
        return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()

    return grab


@pytest.fixture
def near():
    """How many pixels have a colour, within some levels."""

    def count(picture, colour, levels=12):
        wanted = np.array([colour.red(), colour.green(), colour.blue()])
        return int((np.abs(picture.astype(int) - wanted).max(axis=-1) <= levels).sum())

    return count


@pytest.fixture
def record():
    """Collects what signals send."""

    def listen(*signals):
        heard = []
        for number, signal in enumerate(signals):
            signal.connect(lambda *values, n=number: heard.append((n, *values)))
        return heard

    return listen
