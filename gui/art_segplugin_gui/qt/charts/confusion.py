"""The confusion matrix with its switch and the words of the selected cell."""

from collections.abc import Sequence

from numpy.typing import ArrayLike
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from art_segplugin_gui.qt.charts.cell_words import SHOWN, Confusion, Shown, confusion
from art_segplugin_gui.qt.charts.matrix import Matrix
from art_segplugin_gui.qt.wrapped_label import WrappedLabel

HINT = "Click a cell to see its pixels"


class ConfusionView(QWidget):
    """Which classes are taken for which: rows are true classes, columns predicted ones.

    Only classes that occur are drawn.

    Signals:
        cell_clicked(int, int): the (true, predicted) pair whose pixels shall be shown.
        cleared(): all pixels shall be shown again.
        shown_changed(str): the user switched to "clean", "adversarial" or "difference".
    """

    cell_clicked = Signal(int, int)
    cleared = Signal()
    shown_changed = Signal(str)

    def __init__(self, title: str = "Confusion", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Confusion of classes")
        self._data: Confusion | None = None
        self.title = WrappedLabel(title, lines=2, steady=True)
        self.switch = QComboBox()
        self.switch.setAccessibleName("Which confusion matrix")
        for shown in SHOWN:
            self.switch.addItem(shown, shown)
        self.switch.setCurrentIndex(SHOWN.index("adversarial"))
        self.axes = WrappedLabel(lines=1, steady=True)
        self.matrix = Matrix()
        self.words = WrappedLabel(HINT, lines=3, steady=True)
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(self.switch)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(4)
        layout.addLayout(head)
        layout.addWidget(self.axes)
        layout.addWidget(self.matrix, 1)
        layout.addWidget(self.words)
        self.switch.currentIndexChanged.connect(self._refresh)
        self.switch.activated.connect(lambda _: self.shown_changed.emit(self.shown))
        self.matrix.picked.connect(self.cell_clicked)
        self.matrix.dropped.connect(self.cleared)
        for signal in (self.matrix.picked, self.matrix.dropped, self.matrix.pointed):
            signal.connect(self._say)
        self._labelled = True
        self._refresh()

    @property
    def shown(self) -> Shown:
        """Which matrix is drawn."""
        return SHOWN[self.switch.currentIndex()]

    def show_counts(
        self,
        names: Sequence[str],
        clean_counts: ArrayLike,
        adv_counts: ArrayLike | None,
        labelled: bool = True,
    ) -> None:
        """Shows counts.

        Args:
            names: of the classes, c of them.
            clean_counts: pixels of each (true, predicted) pair, int64 (c, c).
            adv_counts: the same under attack, None before there is one.
            labelled: rows are true classes; else what the model predicts on the clean image.

        Raises:
            InputError: the counts are of another shape, negative, or no whole numbers.
        """
        self._data = confusion(names, clean_counts, adv_counts)
        self._labelled = labelled
        cell = self.matrix.selected
        if cell and max(cell) >= len(names):
            self.matrix.selected = None
        self._refresh()

    def clear(self) -> None:
        """Shows that there are no counts."""
        self._data = None
        self.matrix.selected = None
        self._refresh()

    def set_shown(self, shown: Shown) -> None:
        """Switches to "clean", "adversarial" or "difference"."""
        self.switch.setCurrentIndex(SHOWN.index(shown))

    def set_selected(self, pair: tuple[int, int] | None) -> None:
        """Selects the cell of a (true, predicted) pair of classes; None for none."""
        if pair == self.matrix.selected:
            return
        self.matrix.selected = pair
        if pair:
            self.matrix.cursor_at = pair
        self.matrix.update()
        self._say()

    def set_title(self, title: str) -> None:
        """Names what the counts are of."""
        self.title.say(title)

    def sizeHint(self) -> QSize:  # noqa: N802
        """The width of a dock."""
        return QSize(300, super().sizeHint().height())

    def _refresh(self) -> None:
        self.matrix.show_data(self._data, self.shown)
        rows = "true class" if self._labelled else "clean prediction"
        self.axes.say(f"Row: {rows}; column: predicted; % of row")
        self._say()

    def _say(self) -> None:
        cell, data = self.matrix.selected or self.matrix.cursor_at, self._data
        if data is None:
            text = ""
        elif cell is None:
            text = (
                HINT if data.adversarial is not None or self.shown == "clean" else "No attack yet"
            )
        else:
            text = data.words(*cell, self.shown)
        self.words.say(text)
        self.matrix.setAccessibleDescription(text)
