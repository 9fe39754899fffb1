"""Asks what of the screen to write, and where."""

from collections.abc import Sequence
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
        self.boxes = {kind: QCheckBox(words) for kind, words in KINDS.items()}
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel
        )
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addLayout(where)
        for box in self.boxes.values():
            box.setChecked(True)
            box.toggled.connect(self._arrange)
            layout.addWidget(box)
        layout.addWidget(self.buttons)

    @property
    def chosen(self) -> tuple[Path, Sequence[str]]:
        """The folder, and the kinds that are ticked."""
        kinds = [kind for kind, box in self.boxes.items() if box.isChecked()]
        return Path(self.folder.text()).expanduser(), kinds

    def _arrange(self) -> None:
        save = self.buttons.button(QDialogButtonBox.StandardButton.Save)
        save.setEnabled(any(box.isChecked() for box in self.boxes.values()))

    def _choose(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder to export to", self.folder.text())
        if folder:
            self.folder.setText(folder)
