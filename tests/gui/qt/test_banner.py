import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QCursor, QPalette
from PySide6.QtWidgets import QVBoxLayout, QWidget

from art_segplugin_gui.qt import banner as module
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
    window.setGeometry(200, 200, 300, 400)
    QCursor.setPos(0, 0)  # a banner below the pointer is being read
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
def test_a_long_text_is_cut_and_shown_whole_when_asked_for(banners, qtbot, text):
    banners.show_message("error", text, "Restart worker")
    banner = banners.banners[0]
    label, line = banner.label, banner.label.fontMetrics().lineSpacing()
    qtbot.waitUntil(lambda: label.cut and banner.more.isVisible())
    qtbot.waitUntil(lambda: label.height() == 2 * line)
    assert label.lines[-1].endswith("\u2026")
    assert banner.text == text
    qtbot.mouseClick(banner.more, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: label.height() > 5 * line)
    assert "".join(label.lines) == text
    assert all(label.fontMetrics().horizontalAdvance(one) <= label.width() for one in label.lines)
    assert banners.width() == 300
    qtbot.mouseClick(banner.more, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: label.height() == 2 * line)


def test_a_text_that_fits_is_not_cut(banners, qtbot):
    banners.show_message("error", "Short.")
    banner = banners.banners[0]
    qtbot.waitUntil(lambda: banner.label.lines == ("Short.",))
    assert not banner.more.isVisible()


def test_a_banner_with_a_button_outlives_plain_ones(banners):
    banners.show_message("warning", "The model does not answer.", "Restart worker", name="stuck")
    for n in range(LIMIT + 3):
        banners.show_message("error", f"Sentence {n}.")
    texts = [one.text for one in banners.banners]
    assert texts == ["The model does not answer.", "Sentence 4.", "Sentence 5."]
    for n in range(LIMIT):  # one with a button goes for another of its kind only
        banners.show_message("error", f"Lost {n}.", "Retry")
    assert [one.text for one in banners.banners] == [f"Lost {n}." for n in range(LIMIT)]
    banners.show_message("error", "Plain.")
    assert "Plain." in [one.text for one in banners.banners]
    assert [one.text for one in banners.banners][:LIMIT] == [f"Lost {n}." for n in range(LIMIT)]


def test_what_is_only_good_to_know_goes_by_itself(banners, qtbot, monkeypatch):
    monkeypatch.setattr(module, "INFO_MS", 30)
    banners.show_message("info", "5 files are written.")
    banners.show_message("warning", "Its labels are of another size.")
    banners.show_message("error", "It broke.")
    banners.show_message("info", "Camera found.", "Open", name="camera")
    assert banners.banners[0].text != "5 files are written."  # three at most
    banners.clear()
    banners.show_message("info", "5 files are written.")
    banners.show_message("error", "It broke.")
    qtbot.waitUntil(lambda: [one.text for one in banners.banners] == ["It broke."])
    qtbot.wait(60)
    assert [one.text for one in banners.banners] == ["It broke."]


def test_what_is_being_read_stays(banners, qtbot, monkeypatch):
    monkeypatch.setattr(module, "INFO_MS", 30)
    banners.show_message("info", "5 files are written.")
    one = banners.banners[0]
    qtbot.waitUntil(lambda: one.width() > 100)
    monkeypatch.setattr(one, "underMouse", lambda: True)
    qtbot.wait(120)
    assert banners.banners == (one,)
    monkeypatch.undo()
    qtbot.waitUntil(lambda: banners.banners == ())


def test_older_banners_have_one_line(banners, qtbot):
    for n in range(3):
        banners.show_message("error", f"{n} " + "word " * 60)
    line = banners.fontMetrics().lineSpacing()
    qtbot.waitUntil(
        lambda: [one.label.height() for one in banners.banners] == [line, line, 2 * line]
    )
    banners.dismiss(banners.banners[-1].text)
    qtbot.waitUntil(lambda: [one.label.height() for one in banners.banners] == [line, 2 * line])


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
