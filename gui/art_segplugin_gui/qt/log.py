"""The log: what happened, and for what went wrong the details that a bug report needs."""

from datetime import datetime

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from art_segplugin_gui.qt.theme import semantic

LIMIT = 500
"""So many entries are kept."""
_DETAILS = Qt.ItemDataRole.UserRole
_KIND = Qt.ItemDataRole.UserRole + 1


class LogPanel(QWidget):
    """Entries with their time, newest last; below them the details of the chosen one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.list = QListWidget()
        self.list.setWordWrap(True)
        self.list.setAccessibleName("Log")
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.details = QPlainTextEdit()
        self.details.setReadOnly(True)
        self.details.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)
        self.details.setPlaceholderText("Details of the chosen entry")
        caption = QLabel("Details")
        caption.setBuddy(self.details)
        below = QWidget()
        inner = QVBoxLayout(below)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.addWidget(caption)
        inner.addWidget(self.details)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(self.list)
        splitter.addWidget(below)
        splitter.setStretchFactor(0, 2)
        self.copy_button = QPushButton("Copy")
        self.copy_button.setToolTip("Copy the chosen entry with its details, or the whole log")
        self.clear_button = QPushButton("Clear")
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.copy_button)
        buttons.addWidget(self.clear_button)
        layout = QVBoxLayout(self)
        layout.addWidget(splitter, 1)
        layout.addLayout(buttons)
        self.list.currentItemChanged.connect(self._chosen)
        self.copy_button.clicked.connect(self.copy)
        self.clear_button.clicked.connect(self.clear)

    def add(self, kind: str, text: str, details: str = "") -> None:
        """Add an entry.

        Args:
            kind: "error", "warning" or "info".
            text: one line.
            details: such as a traceback.
        """
        item = QListWidgetItem(f"{datetime.now():%H:%M:%S}  {kind}: {text}")
        item.setData(_DETAILS, details)
        item.setData(_KIND, kind)
        self._colour(item)
        bar = self.list.verticalScrollBar()
        at_end = bar.value() >= bar.maximum()
        self.list.addItem(item)
        while self.list.count() > LIMIT:
            self.list.takeItem(0)
        if at_end:
            self.list.scrollToBottom()

    def text(self) -> str:
        """The whole log, with details."""
        return "\n".join(_whole(self.list.item(i)) for i in range(self.list.count()))

    def copy(self) -> None:
        """Put the chosen entry on the clipboard; the whole log where none is chosen."""
        item = self.list.currentItem()
        QGuiApplication.clipboard().setText(_whole(item) if item else self.text())

    def clear(self) -> None:
        """Forget all entries."""
        self.list.clear()
        self.details.clear()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 (Qt's name)
        """Colour the entries for another theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "list"):
            for i in range(self.list.count()):
                self._colour(self.list.item(i))

    def _colour(self, item: QListWidgetItem) -> None:
        if item.data(_KIND) != "info":
            item.setForeground(getattr(semantic(self.palette()), item.data(_KIND)))

    def _chosen(self, item: QListWidgetItem | None) -> None:
        self.details.setPlainText(item.data(_DETAILS) if item else "")


def _whole(item: QListWidgetItem) -> str:
    details = item.data(_DETAILS)
    return f"{item.text()}\n{details}" if details else item.text()
