import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from art_segplugin_gui.qt import theme
from art_segplugin_gui.qt.layer_strip import LayerStrip
from art_segplugin_gui.session.state import LAYERS, View


@pytest.fixture
def strip(qtbot, qapp):
    theme.apply(qapp, "dark")
    holder = QWidget()
    qtbot.addWidget(holder)
    strip = LayerStrip()
    column = QVBoxLayout(holder)
    column.setContentsMargins(0, 0, 0, 0)
    column.addWidget(strip)
    holder.resize(1000, 30)
    holder.show()
    strip.holder = holder  # else it goes, and the strip with it
    strip.seen = []
    strip.layer_chosen.connect(strip.seen.append)
    strip.opacity_changed.connect(strip.seen.append)
    strip.parts_changed.connect(strip.seen.append)
    return strip


def test_showing_is_silent(strip):
    strip.show_view(View("healed", opacity=0.4))
    assert [name for name, button in strip.buttons.items() if button.isChecked()] == ["healed"]
    assert (strip.slider.value(), strip.percent.text()) == (40, "40 %")
    assert strip.seen == []


def test_buttons_and_slider_say_what_is_chosen(strip, qtbot):
    qtbot.mouseClick(strip.buttons["error"], Qt.MouseButton.LeftButton)
    strip.slider.setValue(20)
    assert strip.seen == ["error", 0.2]
    with qtbot.waitSignal(strip.settled):
        strip.slider.setSliderDown(True)
        strip.slider.setSliderDown(False)


def test_the_picture_itself_has_no_opacity(strip):
    for name in LAYERS:
        strip.show_view(View(name))
        assert strip.slider.isEnabled() == (name not in ("image", "perturbation"))


@pytest.mark.parametrize("width", [410, 560, 720, 800, 950, 1400])
def test_names_get_shorter_and_are_never_cut(strip, qtbot, width):
    assert strip.minimumSizeHint().width() <= 410
    strip.parentWidget().resize(width, 30)
    strip.parentWidget().grab()
    assert strip.width() == width
    right = 0
    for name, button in strip.buttons.items():
        assert button.text().startswith(str(LAYERS.index(name) + 1))
        assert button.width() >= button.minimumSizeHint().width()
        assert button.x() >= right
        right = button.geometry().right()
    for label in (one for one in strip.findChildren(QLabel) if one.isVisible()):
        assert label.width() >= label.fontMetrics().horizontalAdvance(label.text())
    assert strip.choose.geometry().right() < width
    if width >= 720:  # the room between the panels of a window of 1280x720
        assert strip.buttons["newly wrong"].text() in ("4 new", "4 newly wrong")
    if width >= 950:
        assert strip.buttons["perturbation"].text() == "7 perturbation"


def test_the_chosen_layer_stands_out_in_any_theme(strip, qapp):
    for look in ("light", "dark"):
        theme.apply(qapp, look)
        picture = strip.grab().toImage()

        def shade(name, picture=picture):
            box = strip.buttons[name].geometry()
            return picture.pixelColor(box.left() + 4, box.center().y())

        assert theme.contrast(shade("prediction"), shade("error")) > 1.5
        assert shade("prediction").blue() > shade("prediction").red() + 30


def test_what_it_shows_can_be_chosen(strip):
    layers, opacity = strip.menu.actions()
    opacity.trigger()
    assert strip.seen == [("layers",)]
    assert strip.slider.isHidden()
    assert strip.buttons["image"].isVisible()
    layers.trigger()
    assert strip.buttons["image"].isHidden()
    strip.show_parts(["opacity"])
    assert strip.parts == ("opacity",)
    assert not strip.slider.isHidden()
    assert len(strip.seen) == 2
