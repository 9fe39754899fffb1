"""Notices when the worker is stuck in one operation, and says so once."""

import time

from PySide6.QtCore import QObject, QTimer, Signal

from art_segplugin_gui.qt.runner import Runner

LOOKS_MS = 500
PATIENCE_SECONDS = 10.0
"""A step or a load that is silent for longer is worth a word."""


class Watch(QObject):
    """Looks at the worker twice a second.

    Args:
        runner: whose worker.

    Signals:
        stuck: seconds for which nothing was heard; again every PATIENCE_SECONDS.
        recovered: it was heard of again.
    """

    stuck = Signal(float)
    recovered = Signal()

    def __init__(self, runner: Runner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._said_at: float | None = None
        self.patience = PATIENCE_SECONDS
        self._timer = QTimer(self, interval=LOOKS_MS)
        self._timer.timeout.connect(self.look)
        self._timer.start()

    def stop(self) -> None:
        """Look no more."""
        self._timer.stop()

    def look(self) -> None:
        """Compare the silence with the patience."""
        silent = self._runner.worker.silent_for
        if silent < self.patience:
            if self._said_at is not None:
                self._said_at = None
                self.recovered.emit()
        elif self._said_at is None or time.monotonic() - self._said_at >= self.patience:
            self._said_at = time.monotonic()
            self.stuck.emit(silent)
