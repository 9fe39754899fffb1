"""Asks what of the screen to write, and where."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from art_segplugin_gui.qt.replaced_files import ReplacedFiles
from art_segplugin_gui.session.export_names import present, users_path

KINDS = {
    "pictures": "Pictures: clean, adversarial (8 bits), all layers (PNG)",
    "figure": "Figure of all panes and charts",
    "tables": "Tables: classes and steps (CSV)",
    "numbers": "All numbers (JSON)",
    "reproduction": "repro.json, for art-segplugin replay",
}


class ExportDialog(QDialog):
    """A folder and what to put into it.

    Args:
        folder: where to begin.
        parent: owner.
    """

    def __init__(self, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export")
        self.folder = QLineEdit(str(folder))
        self.folder.setMinimumWidth(self.fontMetrics().horizontalAdvance("m") * 28)
        browse = QPushButton("Choose\u2026")
        browse.setAccessibleName("Choose the folder")
        browse.clicked.connect(self._choose)
        label = QLabel("Folder")
        label.setBuddy(self.folder)
        where = QHBoxLayout()
        where.addWidget(label)
        where.addWidget(self.folder, 1)
        where.addWidget(browse)
        self.replaced = ReplacedFiles(self.folder)
        self.boxes = {kind: QCheckBox(words) for kind, words in KINDS.items()}
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel
        )
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self._layout = layout = QVBoxLayout(self)
        layout.addLayout(where)
        layout.addWidget(self.replaced)
        for box in self.boxes.values():
            box.setChecked(True)
            box.toggled.connect(self._arrange)
            layout.addWidget(box)
        layout.addWidget(self.buttons)
        self.folder.textChanged.connect(lambda: self._look())
        self.replaced.changed.connect(self._fit)
        self._look()

    @property
    def chosen(self) -> tuple[Path, Sequence[str]]:
        """The folder, and the kinds that are ticked."""
        return users_path(self.folder.text()), self._kinds

    @property
    def _kinds(self) -> list[str]:
        return [kind for kind, box in self.boxes.items() if box.isChecked()]

    def _look(self) -> None:
        self.replaced.look(partial(present, self.folder.text(), self._kinds))

    def _fit(self) -> None:
        """Make room for the line, or take it back."""
        self._layout.activate()  # else the least size is still that of before
        self.resize(self.width(), self._layout.totalHeightForWidth(self.width()))

    def _arrange(self) -> None:
        save = self.buttons.button(QDialogButtonBox.StandardButton.Save)
        save.setEnabled(any(box.isChecked() for box in self.boxes.values()))
        self._look()

    def _choose(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder to export to", self.folder.text())
        if folder:
            self.folder.setText(folder)
