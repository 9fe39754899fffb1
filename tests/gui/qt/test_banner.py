import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QVBoxLayout, QWidget

from art_segplugin_gui.qt import theme
from art_segplugin_gui.qt.banner import LIMIT, Banners


@pytest.fixture
def banners(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    layout = QVBoxLayout(window)
    layout.setContentsMargins(0, 0, 0, 0)
    found = Banners()
    layout.addWidget(found)
    layout.addStretch(1)
    window.resize(300, 400)
    window.show()
    yield found
    window.close()


def test_nothing_takes_no_room(banners):
    assert not banners.isVisible()
    banners.show_message("info", "Hello.")
    assert banners.isVisible()
    banners.dismiss("Hello.")
    assert not banners.isVisible()


def test_the_oldest_goes(banners):
    for n in range(LIMIT + 2):
        banners.show_message("warning", f"Sentence {n}.")
    assert [one.text for one in banners.banners] == [f"Sentence {n}." for n in range(2, LIMIT + 2)]


def test_the_same_thing_is_said_once(banners):
    banners.show_message("error", "Camera lost.", "Retry", name="camera")
    banners.show_message("error", "Camera 0 is still lost.", "Retry", name="camera")
    assert [one.text for one in banners.banners] == ["Camera 0 is still lost."]


def test_buttons_say_which_banner_and_close_it(banners, qtbot):
    banners.show_message("error", "Camera lost.", "Retry", name="camera")
    banners.show_message("info", "No button here.")
    retry, plain = banners.banners
    assert not plain.action.isVisible()
    assert retry.action.text() == "Retry"
    with qtbot.waitSignal(banners.acted) as acted:
        qtbot.mouseClick(retry.action, Qt.MouseButton.LeftButton)
    assert acted.args == ["camera"]
    with qtbot.waitSignal(banners.closed) as closed:
        qtbot.mouseClick(plain.close_button, Qt.MouseButton.LeftButton)
    assert closed.args == ["No button here."]
    assert banners.banners == ()


@pytest.mark.parametrize("text", ["word " * 60, "/a/very/long/path" * 12])
def test_text_wraps_and_never_clips(banners, qtbot, text):
    banners.show_message("error", text, "Restart worker")
    label = banners.banners[0].label
    qtbot.waitUntil(lambda: label.height() >= label.heightForWidth(label.width()))
    assert label.heightForWidth(label.width()) > 5 * label.fontMetrics().height()
    wanted = label.fontMetrics().boundingRect(
        0, 0, label.width(), 10**6, int(Qt.TextFlag.TextWordWrap), label.text()
    )
    assert wanted.width() <= label.width()
    assert banners.width() == 300
    assert banners.banners[0].text == text


@pytest.mark.parametrize("name", ["dark", "light"])
def test_the_edge_has_the_colour_of_its_kind_also_after_a_change_of_theme(
    banners, qapp, qtbot, name
):
    before = qapp.palette()
    theme.apply(qapp, "light" if name == "dark" else "dark")
    banners.show_message("error", "Something.")
    theme.apply(qapp, name)
    banner = banners.banners[0]
    qtbot.wait(1)
    image = banner.grab().toImage()
    palette = theme.palette_of(name)
    assert image.pixelColor(1, banner.height() // 2) == theme.semantic(palette).error
    assert image.pixelColor(8, 3) == palette.color(QPalette.ColorRole.Base)
    qapp.setPalette(before)
