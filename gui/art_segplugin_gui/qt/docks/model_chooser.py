"""A list of models in which other models can be typed."""

from collections.abc import Sequence
from pathlib import PurePath

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from art_segplugin_gui.qt.controls import narrow_combo

HINT = "name, file, torchvision:NAME, hf:NAME, smp:NAME or file.py:function"
ZOOS = ("torchvision", "hf", "smp")
"""Prefixes that stand for a library rather than for code of the user."""
_OPEN = "Open checkpoint\u2026"
_ROLE = Qt.ItemDataRole.UserRole


def factory_file(spec: str) -> str:
    """The file or module whose code a model's text would run; empty for none."""
    source, colon, function = spec.rpartition(":")
    drive = len(source) == 1  # C:/model.safetensors
    if not colon or drive or not function.isidentifier() or source.partition(":")[0] in ZOOS:
        return ""
    return source


class ModelChooser(QWidget):
    """One model: from the list, typed, or from a file.

    Signals:
        chosen: the text of another model.
        browse: a file shall be asked for.

    Args:
        name: accessible name.
    """

    chosen = Signal(str)
    browse = Signal()

    def __init__(self, name: str) -> None:
        super().__init__()
        self._spec = self._written = ""
        self.combo: QComboBox = narrow_combo(name, editable=True)
        edit = self.combo.lineEdit()
        assert edit is not None
        self._edit = edit
        self._edit.setPlaceholderText(HINT)
        self._edit.setAccessibleName(name)
        self.combo.setAccessibleDescription(HINT)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.combo)
        self.setFocusProxy(self.combo)
        self.set_known(())
        self.combo.installEventFilter(self)  # the focus of its line is its own
        self._edit.installEventFilter(self)
        self.combo.setCompleter(None)  # type: ignore[arg-type]  # it would lengthen short names
        self.combo.activated.connect(self._activated)
        self._edit.editingFinished.connect(self._typed)

    def set_known(self, shipped: Sequence[str], recent: Sequence[str] = ()) -> None:
        """Offer these models; no signal."""
        self.combo.blockSignals(True)
        self.combo.clear()
        self._add(shipped)
        if shipped and recent:
            self.combo.insertSeparator(self.combo.count())
        self._add(recent)
        if self.combo.count():
            self.combo.insertSeparator(self.combo.count())
        self.combo.addItem(_OPEN)
        self.combo.blockSignals(False)
        self.show_spec(self._spec)

    def show_spec(self, spec: str) -> None:
        """Show a model without a signal."""
        self._spec = spec
        self.combo.blockSignals(True)
        self.combo.setCurrentIndex(self.combo.findData(spec))
        self.combo.blockSignals(False)
        self._write()
        self.combo.setToolTip(f"{spec}\n{HINT}" if spec else HINT)

    def _add(self, specs: Sequence[str]) -> None:
        for spec in specs:
            self.combo.addItem(_short(spec), spec)
            self.combo.setItemData(self.combo.count() - 1, spec, Qt.ItemDataRole.ToolTipRole)

    def _activated(self, index: int) -> None:
        spec = self.combo.itemData(index, _ROLE)
        if spec is None:
            self.show_spec(self._spec)
            self.browse.emit()
        elif spec != self._spec:
            self._choose(spec)

    def _typed(self) -> None:
        text = self._edit.text().strip()
        if not text or text in (_short(self._spec), self._written, _OPEN):
            self.show_spec(self._spec)
        else:
            known = self.combo.findText(text)
            self._choose(self.combo.itemData(known, _ROLE) or text if known >= 0 else text)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
        """The whole name while it can be edited, else as much as there is room for."""
        untouched = self._edit.text() == self._written
        if (event.type() == QEvent.Type.FocusIn and watched is self.combo and untouched) or (
            event.type() == QEvent.Type.Resize and watched is self._edit and untouched
        ):
            self._write()
        return False

    def _write(self) -> None:
        text, metrics = _short(self._spec), self._edit.fontMetrics()
        if not self.combo.hasFocus():
            room = self._edit.width() - 2 * metrics.averageCharWidth()
            text = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, max(room, 0))
        self._written = text
        self._edit.setText(text)
        self._edit.setCursorPosition(0)

    def _choose(self, spec: str) -> None:
        self.show_spec(spec)
        self.chosen.emit(spec)


def _short(spec: str) -> str:
    """A file by its name only: its folder is in the tool tip."""
    path = PurePath(spec)
    return path.name if path.is_absolute() else spec
