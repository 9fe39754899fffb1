"""The panel of the source: what is looked at, which picture of it, and playing it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import PurePath

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from art_segplugin_gui.qt.controls import narrow_combo
from art_segplugin_gui.qt.wrapped_label import WrappedLabel
from art_segplugin_gui.session.state import Source, step_index

SIZES: tuple[int | None, ...] = (480, 640, 960, None)
"""Longest sides to work at; None for the size of the picture."""
PICTURES = "Images (*.png *.jpg *.jpeg *.bmp *.webp *.tif *.tiff)"
VIDEOS = "Videos (*.mp4 *.mkv *.avi *.mov *.webm *.m4v)"
BOTH = f"Images and videos ({PICTURES[8:-1]} {VIDEOS[8:-1]})"


class SourcePanel(QWidget):
    """Shows a source and says how the user changed it.

    Signals:
        source_changed: a `Source`.
        playing: whether to play.

    Args:
        choose: asks for a path, given "image", "video", "image or video" or "folder"; "" for none.
            A dialog if not given.
        parent: owner.
    """

    source_changed = Signal(object)
    playing = Signal(bool)

    def __init__(
        self, choose: Callable[[str], str] | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._source = Source()
        self._count: int | None = None
        self._choose_path = choose or self._ask
        self.menu = QMenu(self)
        self.recent = QMenu("Recent", self)
        self.camera = QAction("Camera", self)
        self._fill_menu()
        self.open_button = QPushButton("Open")
        self.open_button.setMenu(self.menu)
        self.name = WrappedLabel()
        self.labels = WrappedLabel()
        self.labels.hide()
        self.previous = _arrow(Qt.ArrowType.LeftArrow, "Previous picture")
        self.next = _arrow(Qt.ArrowType.RightArrow, "Next picture")
        self.index = _spin("Number of the picture")
        self.count = QLabel()
        self.play = QPushButton("Play")
        self.play.setCheckable(True)
        self.loop = QCheckBox("Loop")
        self.first = _spin("First picture of the range")
        self.last = _spin("Last picture of the range")
        self.size_combo = narrow_combo("Working size")
        for side in SIZES:
            self.size_combo.addItem("full size" if side is None else f"at most {side} px", side)
        self._lay_out()
        self.set_recent(())
        self.set_camera_reason("not looked for yet")
        self.show_source(self._source)
        self._connect()

    @property
    def source(self) -> Source:
        """What is shown."""
        return self._source

    def show_source(self, source: Source) -> None:
        """Show a source without a signal."""
        self._source = source
        self.name.say(source_title(source.spec))
        self.name.setToolTip(source.spec)
        self.loop.setChecked(source.loop)
        place = self.size_combo.findData(source.longest_side)
        if place < 0:
            self.size_combo.addItem(f"at most {source.longest_side} px", source.longest_side)
            place = self.size_combo.count() - 1
        self.size_combo.setCurrentIndex(place)
        self._arrange()

    def show_labels(self, line: str) -> None:
        """Show how the labels of the picture were read; empty where there are none."""
        if line != self.labels.said:
            self.labels.say(line)
            self.labels.setVisible(bool(line))

    def show_count(self, count: int | None) -> None:
        """Show how many pictures there are; None where nobody knows, as with a camera. No signal."""
        self._count = count
        self._arrange()

    def set_recent(self, paths: Sequence[str]) -> None:
        """Offer what was opened before."""
        self.recent.clear()
        self.recent.setEnabled(bool(paths))
        for path in paths:
            action = self.recent.addAction(_elided(path))
            action.setToolTip(path)
            action.triggered.connect(lambda _, path=path: self._open(path))

    def set_camera_reason(self, reason: str) -> None:
        """Say why there is no camera; empty if there is one."""
        self.camera.setEnabled(not reason)
        self.camera.setText(f"Camera ({reason})" if reason else "Camera")

    def set_playing(self, playing: bool) -> None:
        """Show whether it plays, without a signal."""
        self.play.setChecked(playing)
        self.play.setText("Pause" if playing else "Play")

    def ask(self, kind: str) -> None:
        """Ask for an "image", a "video" or a "folder" and open it, as if by hand."""
        path = self._choose_path(kind)
        if path:
            self._open(path)

    def go(self, steps: int) -> None:
        """Go on or back by so many pictures of the range, as if by hand; round it if it loops."""
        self._change(replace(self._source, index=step_index(self._source, steps, self._count)))

    def _open(self, spec: str) -> None:
        self._change(Source(spec, loop=self._source.loop, longest_side=self._source.longest_side))

    def _change(self, source: Source) -> None:
        if source != self._source:
            self.show_source(source)
            self.source_changed.emit(source)

    def _range(self) -> None:
        first, last = self.first.value() - 1, self.last.value() - 1
        end = None if self._count is None or last >= self._count - 1 else last
        self._change(replace(self._source, first=first, last=end))

    def _arrange(self) -> None:
        source, count = self._source, self._count
        top = max(1, count if count is not None else 1)
        last = top - 1 if source.last is None else min(source.last, top - 1)
        for spin, low, high, value in (
            (self.index, 1, top if count is not None else 10**9, source.index + 1),
            (self.first, 1, last + 1, source.first + 1),
            (self.last, min(source.first + 1, top), top, last + 1),
        ):
            spin.blockSignals(True)
            spin.setRange(low, high)
            value = min(value, high)  # a session may name any
            if spin.value() != value:  # else what is being typed would go
                spin.setValue(value)
            spin.blockSignals(False)
        self.count.setText("" if count is None else f"of {count}")
        many = count is not None and count > 1
        for widget in (self.index, self.first, self.last, self.loop):
            widget.setEnabled(many)
        self.play.setEnabled(many or count is None)
        for button, by in ((self.previous, -1), (self.next, 1)):
            button.setEnabled(many and step_index(source, by, count) != source.index)

    def _fill_menu(self) -> None:
        for kind in ("image", "folder", "video"):
            action = self.menu.addAction(f"Open {kind}\u2026")
            action.triggered.connect(lambda _, kind=kind: self.ask(kind))
        self.menu.addMenu(self.recent)
        self.menu.addSeparator()
        self.camera.triggered.connect(lambda: self._open("camera:0"))
        self.menu.addAction(self.camera)
        scenes = self.menu.addAction("Rendered scenes")
        scenes.triggered.connect(lambda: self._open("scenes:test"))
        drive = self.menu.addAction("Rendered drive")
        drive.triggered.connect(lambda: self._open("drive:0"))
        self.recent.setToolTipsVisible(True)

    def _connect(self) -> None:
        self.previous.clicked.connect(lambda: self.go(-1))
        self.next.clicked.connect(lambda: self.go(1))
        self.index.valueChanged.connect(
            lambda value: self._change(replace(self._source, index=value - 1))
        )
        self.first.valueChanged.connect(self._range)
        self.last.valueChanged.connect(self._range)
        self.loop.clicked.connect(lambda on: self._change(replace(self._source, loop=on)))
        self.size_combo.activated.connect(
            lambda: self._change(replace(self._source, longest_side=self.size_combo.currentData()))
        )
        self.play.clicked.connect(self._play)

    def _play(self, on: bool) -> None:
        self.set_playing(on)
        self.playing.emit(on)

    def _ask(self, kind: str) -> str:
        if kind == "folder":
            return QFileDialog.getExistingDirectory(self, "Open folder")
        suffixes = {"image": PICTURES, "video": VIDEOS}.get(kind, BOTH)
        kinds = ";;".join([suffixes, "All files (*)"])
        return QFileDialog.getOpenFileName(self, f"Open {kind}", "", kinds)[0]

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.open_button)
        top.addWidget(self.name, 1)
        steps = QHBoxLayout()
        for widget in (self.previous, self.index, self.count, self.next):
            steps.addWidget(widget, 1 if widget is self.index else 0)
        play = QHBoxLayout()
        play.addWidget(self.play, 1)
        play.addWidget(self.loop)
        rest = QGridLayout()
        rest.setColumnStretch(1, 1)
        rest.setColumnStretch(3, 1)
        for column, (text, spin) in enumerate((("Range", self.first), ("to", self.last))):
            rest.addWidget(_caption(text, spin), 0, 2 * column)
            rest.addWidget(spin, 0, 2 * column + 1)
        rest.addWidget(_caption("Size", self.size_combo), 1, 0)
        rest.addWidget(self.size_combo, 1, 1, 1, 3)
        layout = QVBoxLayout(self)
        layout.addLayout(top)
        layout.addWidget(self.labels)
        for part in (steps, play, rest):
            layout.addLayout(part)
        layout.addStretch(1)


def source_title(spec: str) -> str:
    """What is looked at, in a few words."""
    kind, colon, rest = spec.partition(":")
    if colon and kind in ("scenes", "drive", "camera"):
        return {"scenes": f"Scenes ({rest})", "drive": f"Drive {rest}", "camera": f"Camera {rest}"}[
            kind
        ]
    return PurePath(spec).name or spec


def _elided(path: str) -> str:
    """Name and folder of a path, short enough for a menu; & is not taken for a mnemonic."""
    pure = PurePath(path)
    text = f"{pure.name}  ({pure.parent.name})" if pure.parent.name else pure.name
    return (text if len(text) <= 48 else f"{text[:24]}\u2026{text[-23:]}").replace("&", "&&")


def _caption(text: str, buddy: QWidget) -> QLabel:
    label = QLabel(text)
    label.setBuddy(buddy)
    return label


def _arrow(direction: Qt.ArrowType, name: str) -> QToolButton:
    button = QToolButton()
    button.setArrowType(direction)
    button.setAccessibleName(name)
    button.setToolTip(name)
    button.setAutoRepeat(True)
    return button


def _spin(name: str) -> QSpinBox:
    spin = QSpinBox()
    spin.setKeyboardTracking(False)
    spin.setAccessibleName(name)
    spin.setMinimum(1)
    return spin
