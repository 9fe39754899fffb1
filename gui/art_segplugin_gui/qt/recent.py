"""What was used before: looks in the background which of it is still there."""

from collections.abc import Collection
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from art_segplugin_gui.qt.background import Background
from art_segplugin_gui.qt.settings import Settings


class RecentFiles(QObject):
    """Drops lost files from the settings. A disk that sleeps or is far away stops no window.

    Args:
        settings: where they are kept.
        parent: owner.

    Signals:
        changed: some of them are gone.
    """

    changed = Signal()

    def __init__(self, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._background = Background(self)
        self._background.done.connect(self._drop)

    def look(self) -> None:
        """Look whether they exist, such as at the start and after something could not be opened."""
        models = [one for one in self._settings.recent_models if not is_name(one)]
        known = [*self._settings.recent, *models]
        if known:
            self._background.run(lambda: [one for one in known if is_lost(one)])

    def _drop(self, lost: Collection[str]) -> None:
        if self._settings.forget(lost):
            self.changed.emit()


def is_name(model: str) -> bool:
    """Whether a model is given as LIBRARY:NAME or file.py:function rather than by its file."""
    return ":" in model and not Path(model).is_absolute()


def is_lost(path: str) -> bool:
    """Whether there is no such file or folder."""
    try:
        return not Path(path).exists()
    except (OSError, ValueError):  # no path at all, or on a disk that is gone
        return True
