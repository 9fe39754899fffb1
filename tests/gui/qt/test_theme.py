import pyqtgraph as pg
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QLabel, QListWidget, QPushButton, QWidget

from art_segplugin_gui.qt import theme

ROLE, GROUP = QPalette.ColorRole, QPalette.ColorGroup
PAIRS = [
    (ROLE.WindowText, ROLE.Window),
    (ROLE.Text, ROLE.Base),
    (ROLE.Text, ROLE.AlternateBase),
    (ROLE.ButtonText, ROLE.Button),
    (ROLE.ToolTipText, ROLE.ToolTipBase),
    (ROLE.PlaceholderText, ROLE.Base),
    (ROLE.HighlightedText, ROLE.Highlight),
    (ROLE.Link, ROLE.Base),
    (ROLE.Link, ROLE.Window),
]


@pytest.fixture(autouse=True)
def as_before(qapp):
    font, palette = qapp.font(), qapp.palette()
    yield
    qapp.setFont(font)
    qapp.setPalette(palette)


def test_contrast_is_that_of_the_standard():
    assert theme.contrast(QColor("black"), QColor("white")) == pytest.approx(21)
    assert theme.contrast(QColor("#777777"), QColor("white")) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("name", ["dark", "light"])
@pytest.mark.parametrize("group", [GROUP.Active, GROUP.Inactive, GROUP.Disabled])
def test_all_text_is_readable(name, group):
    palette = theme.palette_of(name)
    for text, ground in PAIRS:
        found = theme.contrast(palette.color(group, text), palette.color(group, ground))
        assert found >= 4.5, (text, ground, found)


@pytest.mark.parametrize("name", ["dark", "light"])
def test_colours_that_mean_something_are_readable(name):
    palette = theme.palette_of(name)
    colours = theme.semantic(palette)
    for kind in ("error", "warning", "ok", "info"):
        for ground in (ROLE.Window, ROLE.Base):
            assert theme.contrast(getattr(colours, kind), palette.color(ground)) >= 4.5


@pytest.mark.parametrize(("name", "dark"), [("dark", True), ("light", False)])
def test_windows_and_charts_take_the_theme(qtbot, qapp, name, dark):
    assert theme.apply(qapp, name) == name
    widget = QWidget()
    qtbot.addWidget(widget)
    pixel = widget.grab().toImage().pixelColor(5, 5)
    assert (pixel.lightness() < 80) is dark
    assert pg.getConfigOption("background") == qapp.palette().color(ROLE.Base)
    assert pg.getConfigOption("useOpenGL") is False
    assert theme.is_dark(qapp.palette()) is dark


def test_the_system_without_a_choice_is_dark(qapp, monkeypatch):
    assert theme.apply(qapp, "system") in ("dark", "light")
    assert theme.apply(qapp, "nonsense") == theme.apply(qapp, "system")


def test_text_grows_in_demo_mode_and_shrinks_again(qapp):
    theme.apply(qapp, "dark")
    usual = qapp.font().pointSizeF()
    theme.apply(qapp, "dark", theme.DEMO_SCALE)
    theme.apply(qapp, "dark", theme.DEMO_SCALE)
    assert qapp.font().pointSizeF() == pytest.approx(usual * theme.DEMO_SCALE, rel=0.02)
    theme.apply(qapp, "dark")
    assert qapp.font().pointSizeF() == pytest.approx(usual)


@pytest.mark.parametrize("name", ["dark", "light"])
def test_the_focus_is_seen(qtbot, qapp, name):
    theme.apply(qapp, name)
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(200, 60)
    button, other = QPushButton("Run", window), QPushButton("Stop", window)
    other.move(100, 0)
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    other.setFocus()
    plain = button.grab().toImage()
    qtbot.keyClick(other, Qt.Key.Key_Tab)
    assert button.hasFocus()
    focused = button.grab().toImage()
    ground = qapp.palette().color(ROLE.Window)
    changed = [
        focused.pixelColor(x, y)
        for x in range(focused.width())
        for y in range(focused.height())
        if focused.pixelColor(x, y) != plain.pixelColor(x, y)
    ]
    assert len(changed) > 50
    assert max(theme.contrast(colour, ground) for colour in changed) >= 3


@pytest.mark.parametrize("name", ["dark", "light"])
def test_chosen_entries_are_readable(qtbot, qapp, name):
    theme.apply(qapp, name)
    box = QListWidget()
    qtbot.addWidget(box)
    box.addItem("")
    box.setCurrentRow(0)
    box.show()
    place = box.visualItemRect(box.item(0)).center() + box.viewport().pos()
    pixel = box.grab().toImage().pixelColor(place)
    text = qapp.palette().color(ROLE.HighlightedText)
    assert pixel != qapp.palette().color(ROLE.Base)
    assert theme.contrast(text, pixel) >= 4.5


def test_disabled_text_is_drawn_readably(qtbot, qapp):
    theme.apply(qapp, "dark")
    label = QLabel("\u2588\u2588\u2588\u2588")
    qtbot.addWidget(label)
    label.setEnabled(False)
    image = label.grab().toImage()
    brightest = max(
        (image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())),
        key=lambda colour: colour.lightness(),
    )
    assert theme.contrast(brightest, qapp.palette().color(ROLE.Window)) >= 4.5
