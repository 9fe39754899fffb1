from pathlib import Path

import pytest
from gui_parts import Said
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QWidget

from art_segplugin_gui.qt.files import DropTarget, kind_of

ACTIONS, LEFT = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
PLAIN = Qt.KeyboardModifier.NoModifier


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.png", "source"),
        ("a.MKV", "source"),
        ("folder", "source"),
        ("a.safetensors", "model"),
        ("a.PT", "model"),
        ("a.segstudio.json", "session"),
    ],
)
def test_kinds(name, kind):
    assert kind_of(Path(name)) == kind


@pytest.fixture
def target(qtbot):
    widget = QWidget()
    qtbot.addWidget(widget)
    made = DropTarget(widget)
    made.said = Said(dropped=made.dropped)
    made.widget = widget
    return made


def drop(widget, *urls):
    """Whether the window would take it, and whether it took it."""
    data = QMimeData()
    data.setUrls([QUrl(url) for url in urls])
    enter = QDragEnterEvent(QPoint(5, 5), ACTIONS, data, LEFT, PLAIN)
    enter.ignore()
    QApplication.sendEvent(widget, enter)
    event = QDropEvent(QPointF(5, 5), ACTIONS, data, LEFT, PLAIN)
    event.ignore()
    QApplication.sendEvent(widget, event)
    return enter.isAccepted(), event.isAccepted()


def test_files_are_taken_and_told_once(target):
    files = ["file:///tmp/a.png", "file:///tmp/net.safetensors"]
    assert target.widget.acceptDrops()
    assert drop(target.widget, *files) == (True, True)
    assert target.said.of("dropped") == [
        ("source", str(Path("/tmp/a.png"))),
        ("model", str(Path("/tmp/net.safetensors"))),
    ]


def test_what_is_no_file_is_left_alone(target):
    assert drop(target.widget, "https://example.org/a.png") == (False, False)
    assert drop(target.widget) == (False, False)
    assert target.said.all == []
