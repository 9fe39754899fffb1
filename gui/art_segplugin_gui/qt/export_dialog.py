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
        self.folder.textChanged.connect(lambda: self._arrange())
        self._spare = 0
        self.replaced.changing.connect(self._measure)
        self.replaced.changed.connect(self._fit)
        self._arrange()

    @property
    def chosen(self) -> tuple[Path, Sequence[str]]:
        """The folder, and the kinds that are ticked."""
        return users_path(self.folder.text()), self._kinds

    @property
    def _kinds(self) -> list[str]:
        return [kind for kind, box in self.boxes.items() if box.isChecked()]

    @property
    def _least_height(self) -> int:
        self._layout.activate()  # else it is still that of before
        wrapped = self._layout.totalHeightForWidth(self.width())  # -1 without the line
        return max(wrapped, self._layout.totalMinimumSize().height())

    def _measure(self) -> None:
        """Remember what the user added to the height: the line makes a low dialog grow itself."""
        self._spare = max(0, self.height() - self._least_height)

    def _fit(self) -> None:
        """Make room for the line, or take it back."""
        if self.isVisible():  # else it is fitted when it is shown
            self.resize(self.width(), self._least_height + self._spare)

    def _arrange(self) -> None:
        """Save only what is chosen, and never into the folder that the program happens to run in."""
        named = bool(self.folder.text().strip())
        save = self.buttons.button(QDialogButtonBox.StandardButton.Save)
        save.setEnabled(named and bool(self._kinds))
        if named:
            self.replaced.look(partial(present, self.folder.text(), self._kinds))
        else:
            self.replaced.forget()

    def _choose(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder to export to", self.folder.text())
        if folder:
            self.folder.setText(folder)
