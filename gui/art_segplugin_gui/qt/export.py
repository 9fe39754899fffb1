"""Export of what is on screen: asks what and where, says what is replaced, and has it written."""

import threading
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
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

from art_segplugin_gui.qt.background import Background
from art_segplugin_gui.qt.controller import AttackController
from art_segplugin_gui.qt.wrapped_label import WrappedLabel
from art_segplugin_gui.session.export_job import Exported, curves_of
from art_segplugin_gui.session.export_names import present, users_path
from art_segplugin_gui.session.ready import Ready

KINDS = {
    "pictures": "Pictures: clean, adversarial (8 bits), all layers (PNG)",
    "figure": "Figure of all panes and charts",
    "tables": "Tables: classes and steps (CSV)",
    "numbers": "All numbers (JSON)",
    "reproduction": "repro.json, for art-segplugin replay",
}
TYPING_MS = 150
"""So long after the last key the folder is looked into."""
ANSWER_MS = 50
"""So often the answer is asked for; a disk at hand has it at once."""
NAMED = 3
"""So many files are named; the others are counted."""

Find = Callable[[], list[str]]


class ReplacedFiles(WrappedLabel):
    """Shown only when there are such files. A disk that sleeps or is far away stops no window.

    Args:
        field: where the folder is typed; screen readers read the line with it.

    Signals:
        changing: it is about to say something else; nothing has moved yet.
        changed: it says something else, or nothing any more.
    """

    changing = Signal()
    changed = Signal()

    def __init__(self, field: QWidget) -> None:
        super().__init__()
        self._field = field
        self._find: Find | None = None
        self._answer: list[list[str]] | None = None
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._step)
        application = QGuiApplication.instance()
        if isinstance(application, QGuiApplication):
            application.applicationStateChanged.connect(self._came_back)
        self.hide()

    def look(self, find: Find) -> None:
        """Look soon, and again when the user comes back from another program and sees the field.

        Args:
            find: gives the names of the files; called in another thread, never raises.
        """
        self._find, self._answer = find, None
        self._timer.start(TYPING_MS)

    def forget(self) -> None:
        """Say nothing until the next look."""
        self._timer.stop()
        self._find = None
        self._tell([])

    def _came_back(self, state: Qt.ApplicationState) -> None:
        """Look again: another program may have moved files. For a hidden field nobody reads it."""
        active = state == Qt.ApplicationState.ApplicationActive
        if active and self._find is not None and self._field.isVisible():
            self.look(self._find)

    def _step(self) -> None:
        """Ask for an answer, or take it."""
        if self._find is None:
            return
        if self._answer is None:
            self._answer = []
            work = (self._find, self._answer)
            threading.Thread(target=_ask, args=work, name="replaced files", daemon=True).start()
        elif self._answer:
            self._tell(self._answer[0])
            return
        else:
            self._tell([])  # what it says is of another folder
        self._timer.start(ANSWER_MS)

    def _tell(self, names: Sequence[str]) -> None:
        text = in_words(names)
        if text == self.said:
            return
        self.changing.emit()
        self.say(text, "warning" if text else "")
        self._field.setAccessibleDescription(text)
        self.setVisible(bool(text))
        self.changed.emit()


def in_words(names: Sequence[str]) -> str:
    """Which files will be replaced, in a sentence; empty for none."""
    if not names:
        return ""
    files, are = ("file", "is") if len(names) == 1 else ("files", "are")
    rest = f" \u2026 and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return (
        f"{len(names)} {files} of these names {are} there and will be replaced: "
        f"{', '.join(names[:NAMED])}{rest}"
    )


def _ask(find: Find, answer: list[list[str]]) -> None:
    answer.append(find())


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


class Exporting(QObject):
    """What Ctrl+E does.

    Args:
        window: owner of the dialog.
        controller: knows what is on screen.
        export: writes kinds of files of it into a folder.
        background: where that is done.

    Signals:
        failed: one sentence.
    """

    failed = Signal(str)

    def __init__(
        self,
        window: QWidget,
        controller: AttackController,
        export: Callable[[Path, Collection[str], Exported], list[Path]],
        background: Background,
    ) -> None:
        super().__init__(window)
        self._window, self._controller = window, controller
        self._export, self._background = export, background
        self._folder = Path.home() / "art-segplugin-export"
        self._ready: Ready | None = None
        controller.ready.connect(self._engine_ready)

    def ask(self) -> None:
        """Ask what and where, then write it."""
        dialog = ExportDialog(self._folder, self._window)
        if dialog.exec() == QDialog.DialogCode.Accepted:
            folder, kinds = dialog.chosen
            self.write(folder, kinds)
        dialog.deleteLater()  # its parent would keep it for ever

    def write(self, folder: Path, kinds: Sequence[str]) -> None:
        """Write what is on screen now, whatever is on screen when it is written."""
        shown, identity = self._controller.shown, self._controller.shown.identity
        if identity is None or self._ready is None:
            self.failed.emit("There is nothing to export yet; wait for the end of a prediction.")
            return
        self._folder = folder
        job = Exported(
            shown,
            identity,
            self._controller.session.state,
            curves_of(self._controller.trace.steps),
            self._ready.threads,
            self._ready.device,
        )

        def work() -> str:
            written = self._export(folder, kinds, job)
            return f"{len(written)} files are written to {folder}."

        self._background.run(work)

    def _engine_ready(self, ready: Ready) -> None:
        self._ready = ready
