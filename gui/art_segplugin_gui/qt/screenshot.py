"""`--screenshot`: wait for the end of the first attack, save the window, and end."""

from pathlib import Path

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication, QMainWindow

from art_segplugin.errors import InputError
from art_segplugin.files import replacing
from art_segplugin_gui.qt.controller import AttackController

PATIENCE_MS = 10 * 60 * 1000
SETTLES_MS = 200
"""Charts and scroll bars need a few turns of the event loop."""


class Screenshot(QObject):
    """Ends the application with 0 after the picture is saved, with 1 if nothing came of it.

    Args:
        window: what is saved.
        controller: tells when the attack has ended.
        path: PNG file.
    """

    def __init__(self, window: QMainWindow, controller: AttackController, path: Path) -> None:
        super().__init__(window)
        self._window, self._controller, self._path = window, controller, path
        self.problem = ""
        self._ended = False
        controller.shown_changed.connect(self._shown)
        controller.failed.connect(self._failed)
        QTimer.singleShot(PATIENCE_MS, self._late)

    def _shown(self) -> None:
        step = self._controller.shown.step
        if step is not None and step.answer:
            self._controller.shown_changed.disconnect(self._shown)
            QTimer.singleShot(SETTLES_MS, self.save)

    def save(self) -> None:
        """Save the window and end the application."""
        try:
            save_window(self._window, self._path)
        except InputError as error:
            self._end(str(error))
        else:
            self._end("")

    def _failed(self, text: str, _: str) -> None:
        self._end(text)

    def _late(self) -> None:
        self._end(
            "the attack did not end within ten minutes; choose fewer steps or a smaller model."
        )

    def _end(self, problem: str) -> None:
        if self._ended:
            return
        self._ended, self.problem = True, problem
        self._window.close()
        QApplication.exit(1 if problem else 0)


def save_window(window: QMainWindow, path: Path) -> None:
    """Save a window as it looks, as PNG, whole or not at all.

    Raises:
        InputError: the file cannot be written.
    """
    with replacing(path) as beside:
        if not window.grab().save(str(beside), "PNG"):
            raise InputError(f"cannot write {path}; is the disk full?")
