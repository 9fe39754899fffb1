"""What the tests of the whole window share."""

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage

from art_segplugin_gui.session.session import with_attack, with_models

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
K = Qt.Key


def settled(qtbot, made, act, **state):
    """Do something, and wait until it was answered with that picture, attack or model."""
    before = made.shown.step
    act()
    qtbot.waitUntil(lambda: made.answered and made.shown.step is not before)


def pixels(widget):
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.array(image.constBits()).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()]


def noise(seed=0, shape=(32, 40)):
    return np.random.default_rng(seed).integers(0, 255, (*shape, 3), dtype=np.uint8)


def says(qtbot, made, *words):
    """Wait for a banner with these words; it is one or two sentences."""

    def found():
        return [text for text in made.banners if all(word in text for word in words)]

    qtbot.waitUntil(lambda: found() != [])
    (text,) = found()
    assert len(text) < 400
    assert "Traceback" not in text
    assert made.window.isVisible()
    return text


def lives(qtbot, made):
    """It still attacks what it is given."""
    before = made.shown.step
    seed = made.session.state.attack.seed + 1
    made.session.change(with_attack(with_models(made.session.state, a="one"), seed=seed))
    qtbot.waitUntil(lambda: made.answered and made.shown.step is not before)
