"""A line that says which files are about to be replaced."""

import threading
from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from art_segplugin_gui.qt.wrapped_label import WrappedLabel

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
