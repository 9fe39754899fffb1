"""No text is cut, every control has a name, and nothing is light in the dark."""

import numpy as np
import pytest
from gui_parts import FakeSource, Opened, Sources, small_state
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QLabel,
    QLineEdit,
    QMenuBar,
    QScrollBar,
    QStyle,
    QStyleOptionComboBox,
    QTabBar,
    QToolButton,
    QWidget,
)

from art_segplugin_gui.qt import theme
from art_segplugin_gui.qt.shortcuts import ShortcutEditor, ShortcutSheet
from art_segplugin_gui.qt.status import ElidedLabel
from art_segplugin_gui.session.session import with_attack, with_models

SIZES = [(1280, 720), (2560, 1440)]
CONTROLS = (QAbstractButton, QComboBox, QAbstractSpinBox, QAbstractSlider, QLineEdit, QTabBar)


@pytest.fixture(scope="module")
def opened(qapp):
    """One window for all of the file: two models, all docks, a banner, long names."""
    theme.apply(qapp, "dark")
    made = Opened(
        state=small_state(b="two"),
        sources=Sources(fake=FakeSource("fake", shape=(36, 48)), other=FakeSource("other", 9000)),
    )
    wait(lambda: made.answered)
    made.window.say(
        "error", "The picture /a/long/path/to/some/picture.png is gone.", action="Retry"
    )
    yield made
    made.close()
    theme.apply(qapp, "dark")


def wait(done, seconds=10):
    from PySide6.QtTest import QTest

    for _ in range(int(seconds * 100)):
        QTest.qWait(10)
        if done():
            return
    raise AssertionError("too late")


def settle():
    for _ in range(6):
        QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
        QApplication.processEvents()


def visible(root, kinds):
    return [one for one in root.findChildren(QWidget) if isinstance(one, kinds) and one.isVisible()]


def name_of(widget):
    text = widget.text() if hasattr(widget, "text") else ""
    return f"{type(widget).__name__} {widget.accessibleName() or text!r} {widget.size().toTuple()}"


def room_for_combo(combo):
    option = QStyleOptionComboBox()
    combo.initStyleOption(option)
    field = combo.style().subControlRect(
        QStyle.ComplexControl.CC_ComboBox,
        option,
        QStyle.SubControl.SC_ComboBoxEditField,
        combo,
    )
    return field.width()


def clipped(root):
    """What does not have the room that it needs."""
    found = []
    for label in visible(root, QLabel):
        if isinstance(label, ElidedLabel) or label.pixmap().width() or not label.text():
            continue
        if label.wordWrap():
            short = label.height() < label.heightForWidth(label.width())
        else:
            hint = label.minimumSizeHint()
            short = label.width() < hint.width() or label.height() < hint.height()
        if short:
            found.append(name_of(label))
    for button in visible(root, QAbstractButton):
        if not button.text() or (
            isinstance(button, QToolButton)
            and button.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonIconOnly
            and not button.icon().isNull()
        ):
            continue
        hint = button.minimumSizeHint()
        if button.width() < hint.width() or button.height() < hint.height():
            found.append(name_of(button))
    for spin in visible(root, QAbstractSpinBox):
        text = spin.lineEdit().text()
        if spin.fontMetrics().horizontalAdvance(text) + 2 > spin.lineEdit().width():
            found.append(f"{name_of(spin)}: {text}")
    for combo in visible(root, QComboBox):
        text = combo.currentText()
        if combo.fontMetrics().horizontalAdvance(text) > room_for_combo(combo):
            elides = combo.isEditable() or "…" in text
            if not elides:
                found.append(f"{name_of(combo)}: {text}")
    for bar in visible(root, QTabBar):
        hint = bar.minimumSizeHint()
        if bar.height() < hint.height() or (
            not bar.usesScrollButtons() and bar.width() < hint.width()
        ):
            found.append(name_of(bar))
    bars = visible(root, QMenuBar)
    return found + [name_of(bar) for bar in bars if bar.width() < bar.sizeHint().width()]


def beyond(root):
    """Controls that stick out of what they are in, where nothing scrolls sideways."""
    found = []
    for one in visible(root, (QLabel, *CONTROLS)):
        parent = one.parentWidget()
        if parent is None or isinstance(one, QScrollBar) or isinstance(parent, QAbstractItemView):
            continue
        if one.geometry().right() > parent.rect().right() or one.x() < parent.rect().x():
            found.append(f"{name_of(one)} at {one.geometry()} in {name_of(parent)}")
    return found


def nameless(root):
    buddies = {id(label.buddy()) for label in root.findChildren(QLabel) if label.buddy()}
    found = []
    for one in visible(root, CONTROLS):
        inner = one.parentWidget() is not None and isinstance(
            one.parentWidget(), (QAbstractSpinBox, QComboBox, QTabBar)
        )
        if inner or isinstance(one, QScrollBar) or one.objectName().startswith("qt_"):
            continue
        text = one.text() if isinstance(one, QAbstractButton) else ""
        tip = one.toolTip() if isinstance(one, QAbstractButton) else ""
        named = one.accessibleName() or text or tip or id(one) in buddies
        if not named and not isinstance(one, QTabBar):
            found.append(f"{name_of(one)} in {type(one.parentWidget()).__name__}")
    return found


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("look", ["dark", "light"])
@pytest.mark.parametrize("recipe", ["segpgd", "apgd", "temperature-pgd"])
def test_the_window(qapp, opened, size, look, recipe):
    theme.apply(qapp, look)
    opened.window.resize(*size)
    opened.change(with_attack, recipe=recipe, goal="class", from_class=1, region="painted")
    for name in ("log", "clip"):
        opened.parts.docks[name].show()
    more = opened.parts.attack.form.more_button
    if more.isVisible() and not more.isChecked():
        more.click()
    settle()
    assert clipped(opened.window) == []
    assert beyond(opened.window) == []
    assert nameless(opened.window) == []
    assert opened.window.size().toTuple() == size  # nothing has pushed it wider


@pytest.mark.parametrize("size", SIZES)
def test_demo_mode(qapp, opened, size):
    opened.window.resize(*size)
    demo = opened.window.actions_table.action("demo")
    demo.trigger()
    settle()
    try:
        assert clipped(opened.window) == []
        assert beyond(opened.window) == []
    finally:
        demo.trigger()
        settle()


def test_long_names_and_numbers(qapp, opened, tmp_path):
    opened.window.resize(1280, 720)
    path = tmp_path / ("a-very-long-name-of-a-checkpoint-" * 5 + ".safetensors")
    opened.change(with_models, a=str(path))
    opened.parts.source.show_count(123_456)
    opened.parts.attack.show_progress(12_345, 99_999, 12.3)
    opened.parts.status.show_waiting("loading " + "hf:someone/a-long-name " * 3, 0.5)
    settle()
    try:
        assert clipped(opened.window) == []
        assert beyond(opened.window) == []
        assert opened.window.width() == 1280
    finally:
        opened.session.undo()
        opened.parts.status.show_waiting("", -1.0)


def dialogs(made):
    from art_segplugin_gui.qt.export import ExportDialog

    yield ShortcutSheet(made.window.actions_table, made.window)
    yield ShortcutEditor(made.window.actions_table, made.window)
    yield ExportDialog(made.window.exporting._folder, made.window)


@pytest.mark.parametrize("look", ["dark", "light"])
def test_dialogs(qapp, opened, look):
    theme.apply(qapp, look)
    for dialog in dialogs(opened):
        dialog.show()
        settle()
        assert clipped(dialog) == [], dialog.windowTitle()
        assert beyond(dialog) == [], dialog.windowTitle()
        assert nameless(dialog) == [], dialog.windowTitle()
        assert dialog.width() <= 1280
        assert dialog.height() <= 720
        assert isinstance(dialog, QDialog)
        dialog.close()
        dialog.deleteLater()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("look", ["dark", "light"])
def test_files_that_would_be_replaced(qapp, opened, tmp_path, size, look):
    from art_segplugin_gui.qt.export import ExportDialog
    from art_segplugin_gui.session.export_names import FINISHED, OWNED

    theme.apply(qapp, look)
    opened.window.resize(*size)
    for name in (OWNED["pictures"] | OWNED["clip"]) - set(FINISHED):
        (tmp_path / name).touch()
    panel, before = opened.parts.clip, opened.parts.clip.folder.text()
    opened.parts.docks["clip"].show()
    opened.parts.docks["clip"].raise_()
    panel.folder.setText(str(tmp_path))
    dialog = ExportDialog(tmp_path, opened.window)
    dialog.show()
    try:
        wait(lambda: panel.replaced.isVisible() and dialog.replaced.isVisible())
        settle()
        for root in (opened.window, dialog):
            assert clipped(root) == []
            assert beyond(root) == []
            assert nameless(root) == []
        dialog.resize(1, 1)  # as small as it can be
        settle()
        assert clipped(dialog) == []
        assert opened.window.size().toTuple() == size
    finally:
        dialog.close()
        dialog.deleteLater()
        panel.folder.setText(before)


def pixels(widget):
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.array(image.constBits()).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3)


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_light_in_the_dark(qapp, opened, size):
    """Outside of the pictures only letters, lines and signs are light."""
    theme.apply(qapp, "dark")
    opened.window.resize(*size)
    settle()
    assert light_share(opened) < 0.05
    theme.apply(qapp, "light")
    settle()
    assert light_share(opened) > 0.3
    theme.apply(qapp, "dark")
    settle()
    assert light_share(opened) < 0.05  # and back, without anything left over


def light_share(made):
    """The share of light blocks of 12x12 pixels outside of the pictures: text is no block."""
    picture = pixels(made.window).max(axis=2)
    grid = made.parts.grid
    corner = grid.mapTo(made.window, grid.rect().topLeft())
    picture[corner.y() : corner.y() + grid.height(), corner.x() : corner.x() + grid.width()] = 0
    height, width = (side // 12 * 12 for side in picture.shape)
    blocks = picture[:height, :width].reshape(height // 12, 12, width // 12, 12)
    light = np.median(blocks, axis=(1, 3)) > 150
    return light.mean()
