"""Opening and saving: what is dropped, sessions, and the box that says what this is."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from art_segplugin import __version__
from art_segplugin.errors import InputError
from art_segplugin_gui.qt.actions import StateActions
from art_segplugin_gui.session.saving import SUFFIX, load_state, save_state
from art_segplugin_gui.session.session import Session
from art_segplugin_gui.session.suffixes import CHECKPOINT_SUFFIXES

SESSIONS = f"Sessions (*{SUFFIX});;All files (*)"
ABOUT = f"""<b>art-segplugin {__version__}</b><p>Can your segmentation model be fooled? MIT licence.
<p>It uses Qt and PySide6 (LGPL v3), pyqtgraph (MIT), NumPy (BSD), OpenCV (Apache 2, with FFmpeg under
the LGPL), PyTorch (BSD) and the Adversarial Robustness Toolbox (MIT)."""


def kind_of(path: Path) -> str:
    """Return "model", "session" or "source", by the suffix."""
    suffix = path.suffix.lower()
    if suffix in CHECKPOINT_SUFFIXES:
        return "model"
    return "session" if suffix == ".json" else "source"


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


class Files(QObject):
    """What the File menu does with sessions, and what happens to what is dropped.

    Args:
        window: owner of the dialogs.
        session: the state.
        actions: opens sources and models as if they had been chosen by hand.
        may_run: asks whether a model that is a program may be run.

    Signals:
        failed: one sentence.
    """

    failed = Signal(str)

    def __init__(
        self,
        window: QWidget,
        session: Session,
        actions: StateActions,
        may_run: Callable[[str], bool],
    ) -> None:
        super().__init__(window)
        self._may_run = may_run
        self._window, self._session, self._actions = window, session, actions

    def open_dropped(self, kind: str, path: str) -> None:
        """Open a file by its kind, see `kind_of`."""
        if kind == "model":
            if self._may_run(path):
                self._actions.models(replace(self._session.state.models, a=path))
        elif kind == "session":
            self.load(Path(path))
        else:
            source = self._session.state.source
            self._actions.source(replace(source, spec=path, index=0, first=0, last=None))

    def load(self, path: Path) -> None:
        """Go to a saved session; it can be undone."""
        try:
            state = load_state(path)
        except InputError as error:
            self.failed.emit(str(error))
            return
        for spec in filter(None, (state.models.a, state.models.b)):
            if not self._may_run(spec):
                self.failed.emit(f"{path.name} is not opened: its model {spec} is a program.")
                return
        self._session.change(state)

    def save(self, path: Path) -> None:
        """Save the session."""
        try:
            save_state(path, self._session.state)
        except InputError as error:
            self.failed.emit(str(error))

    def ask_load(self) -> None:
        """Ask which session to open."""
        name, _ = QFileDialog.getOpenFileName(self._window, "Open session", "", SESSIONS)
        if name:
            self.load(Path(name))

    def ask_save(self) -> None:
        """Ask where to save the session."""
        name, _ = QFileDialog.getSaveFileName(
            self._window, "Save session", f"session{SUFFIX}", SESSIONS
        )
        if name:
            self.save(Path(name))

    def show_about(self) -> None:
        """Version and licences."""
        QMessageBox.about(self._window, "About art-segplugin", ABOUT)
