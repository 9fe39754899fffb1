"""Opens the source that the state names, and goes back to the one before where that fails."""

from PySide6.QtCore import QObject, Signal

from art_segplugin_gui.qt.capture import SourceThread
from art_segplugin_gui.session.frames import SourceFrame
from art_segplugin_gui.session.session import Session, with_source
from art_segplugin_gui.session.sources.base import SourceInfo
from art_segplugin_gui.session.state import State


class Opening(QObject):
    """Knows which source is open.

    Args:
        session: the state.
        source: the thread that reads pictures.
        parent: owner.

    Signals:
        opened: another source, with its SourceInfo.
        failed: one sentence.
    """

    opened = Signal(object)
    failed = Signal(str)

    def __init__(
        self, session: Session, source: SourceThread, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._source = session, source
        self.info: SourceInfo | None = None
        self._index = 0
        source.opened.connect(self._opened)
        source.frame.connect(self._frame_came)
        source.failed.connect(self._failed)

    @property
    def count(self) -> int | None:
        """Number of pictures of the source; None where nobody knows."""
        return None if self.info is None else self.info.count

    def open(self, state: State) -> None:
        """Open what a state names."""
        self._source.open(state.source.spec, state.source.longest_side, state.source.index)

    def _opened(self, info: SourceInfo) -> None:
        self.info = info
        self.opened.emit(info)

    def _frame_came(self, frame: SourceFrame) -> None:
        self._index = frame.index

    def _failed(self, text: str) -> None:
        """Go back to what is open still, if it was the opening that failed."""
        broken = self._session.state.source.spec
        if self.info is not None and self.info.spec != broken:
            state = with_source(self._session.state, spec=self.info.spec, index=self._index)
            self._session.follow(state)
            self._session.forget(lambda old: old.source.spec == broken)
        self.failed.emit(text)
