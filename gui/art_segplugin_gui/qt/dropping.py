"""What is dropped on the window: pictures, videos and folders to look at, or a checkpoint."""

from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QWidget

from art_segplugin_gui.session.suffixes import CHECKPOINT_SUFFIXES

SESSION_SUFFIX = ".json"


def kind_of(path: Path) -> str:
    """Return "model", "session" or "source", by the suffix."""
    suffix = path.suffix.lower()
    if suffix in CHECKPOINT_SUFFIXES:
        return "model"
    return "session" if suffix == SESSION_SUFFIX else "source"


class DropTarget(QObject):
    """Lets files be dropped anywhere on a window.

    Args:
        window: the window.

    Signals:
        dropped: kind ("source", "model" or "session") and path of each file.
    """

    dropped = Signal(str, str)

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
        """Take files; leave everything else alone."""
        if isinstance(event, QDropEvent) and event.type() in (
            QEvent.Type.DragEnter,
            QEvent.Type.Drop,
        ):
            files = _files(event.mimeData())
            if not files:
                return False
            event.acceptProposedAction()
            if not isinstance(event, QDragEnterEvent):
                for path in files:
                    self.dropped.emit(kind_of(path), str(path))
            return True
        return False


def _files(data: QMimeData) -> list[Path]:
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
