"""A label that wraps also words as long as paths, and never clips."""

import re

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QApplication, QLabel, QSizePolicy, QWidget

from art_segplugin_gui.qt.theme import semantic

_LONG_WORD = re.compile(r"\S{20,}")
_BREAK = "\u200b"
"""A space of no width: a line may end here."""


class WrappedLabel(QLabel):
    """Plain text; `said` is the text as it was given.

    Args:
        text: what to say.
        parent: owner.
    """

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.said = ""
        self.kind = ""
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.say(text)

    def say(self, text: str, kind: str = "") -> None:
        """Show another text.

        Args:
            text: what to say.
            kind: "error", "warning", "ok" or "info" for that colour; empty for the usual one.
        """
        if (text, kind) == (self.said, self.kind):
            return
        self.said, self.kind = text, kind
        self.setText(_LONG_WORD.sub(lambda word: _BREAK.join(word[0]), text))
        self.setAccessibleName(text)
        self._colour()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 (Qt's name)
        """Take the colour of another theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "kind"):
            self._colour()

    def _colour(self) -> None:
        role = QPalette.ColorRole.WindowText
        palette = QPalette()
        if self.kind:
            palette.setColor(role, getattr(semantic(QApplication.palette()), self.kind))
        if self.palette().color(role) != palette.color(role):  # else it would not end
            self.setPalette(palette)
