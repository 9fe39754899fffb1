import numpy as np
import pytest

COLOURS = ((200, 0, 0), (0, 200, 0), (0, 0, 200))


def make_side(prediction, reference, image=None, **more):
    from art_segplugin_gui.session.frames import Prediction, Scores

    shape = prediction.shape
    image = np.full((*shape, 3), 100, np.uint8) if image is None else image
    scores = Scores(0.5, 0.1, np.zeros(3), np.zeros((3, 3)))
    confidence = more.pop("confidence", np.full(shape, 204, np.uint8))
    return Prediction(image, prediction, confidence, reference, scores, **more)


def scene(height=40, width=60):
    """Class 0 left, 1 right, void at the top; one clean mistake that heals, one that stays."""
    labels = np.zeros((height, width), np.uint8)
    labels[:, width // 2 :] = 1
    labels[:4] = 255
    before, after = labels.copy(), labels.copy()
    before[:4] = after[:4] = 0
    before[10:20, 5:15] = 2  # heals
    before[20:30, 5:15] = after[20:30, 5:15] = 2  # stays
    after[10:20, 40:50] = 0  # falls
    clean = make_side(before, labels)
    exact = np.full((3, height, width), 110 / 255, np.float32)
    adv = make_side(
        after,
        labels,
        np.full((height, width, 3), 110, np.uint8),
        exact=exact,
        delta=np.full((height, width, 3), 228, np.uint8),
        weights=np.full((height, width), 128, np.uint8),
    )
    return clean, adv


@pytest.fixture
def sides():
    return scene()


@pytest.fixture
def clean(sides):
    return sides[0]


@pytest.fixture
def adv(sides):
    return sides[1]


@pytest.fixture
def side_of():
    return make_side


@pytest.fixture
def colours():
    return COLOURS


@pytest.fixture
def grid(qtbot):
    """Four panes of 240x160 logical pixels: a picture of 60x40 is shown four times as large."""
    from art_segplugin_gui.qt.panes.grid import PaneGrid

    made = PaneGrid()
    qtbot.addWidget(made)
    made.set_compared(True)
    made.resize(482, 322)
    made.set_colours(("road", "car", "sky"), COLOURS)
    made.set_captions(*made_captions())
    with qtbot.waitExposed(made):
        made.show()
    return made


def made_captions():
    from art_segplugin_gui.qt.panes.titles import Caption

    return [Caption()] * 4


@pytest.fixture
def pixel():
    """The colour that a widget shows at a point of its own."""

    def read(widget, x, y):
        picture = widget.grab()
        ratio = picture.devicePixelRatio()
        return picture.toImage().pixelColor(int(x * ratio), int(y * ratio)).getRgb()[:3]

    return read
