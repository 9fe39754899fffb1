import pytest
from gui_parts import side

from art_segplugin_gui.qt.status import Status
from art_segplugin_gui.session.frames import Step


@pytest.fixture
def status(qtbot):
    made = Status()
    qtbot.addWidget(made)
    made.resize(500, 24)
    made.show()
    return made


@pytest.mark.parametrize(
    ("device", "threads", "text"),
    [("cpu", 1, "CPU, 1 thread"), ("cpu", 3, "CPU, 3 threads"), ("cuda", 3, "cuda")],
)
def test_the_device_is_named(status, device, threads, text):
    status.show_device(device, threads)
    assert status.pace.text() == text


def test_the_pace_is_measured(status):
    status.show_device("cpu", 2)
    status.show_step(Step(1, 3, 20, side(), None, 0.0923))
    assert status.pace.text() == "CPU, 2 threads  92 ms/step"


def test_waiting(status):
    status.show_waiting("loading small", 0.256)
    assert status.waiting.text() == "loading small  26 %"
    status.show_waiting("loading small", -1.0)
    assert status.waiting.text() == "loading small"
    status.show_waiting("", -1.0)
    assert status.waiting.text() == ""


def test_a_long_reading_is_cut_and_whole_in_the_tooltip(qtbot, status):
    narrow = status.minimumSizeHint().width()
    text = "(240, 260)  truth road | " * 20
    status.reading.setText(text)
    assert status.reading.toolTip() == text
    assert status.minimumSizeHint().width() == narrow
    assert status.reading.sizeHint().width() == 0
    picture = status.reading.grab().toImage()
    inked = {
        picture.pixelColor(x, y).name()
        for x in range(0, picture.width())
        for y in range(0, picture.height(), 2)
    }
    assert len(inked) > 1
