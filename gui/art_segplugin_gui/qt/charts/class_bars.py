"""IoU of each class, clean against adversarial, for one or two models."""

from collections.abc import Sequence

from numpy.typing import ArrayLike
from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from art_segplugin_gui.qt.charts.bar_area import BarArea
from art_segplugin_gui.qt.charts.bar_data import Order, bar_data
from art_segplugin_gui.qt.charts.legend import Key, Legend
from art_segplugin_gui.qt.wrapped_label import WrappedLabel

ORDERS: tuple[tuple[Order, str], ...] = (("drop", "by drop"), ("class", "by class"))


class ClassBars(QWidget):
    """A bar a class and model: its outline is the clean IoU, what is filled the adversarial one.

    Signals:
        class_clicked(int): a row was clicked, to isolate the class or to show all again.
        class_hidden(int, bool): an eye was clicked; True where the class shall be hidden.
    """

    class_clicked = Signal(int)
    class_hidden = Signal(int, bool)

    def __init__(self, title: str = "IoU of each class", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Class IoU")
        self.title = WrappedLabel(title, lines=2, steady=True)
        self.area = BarArea()
        self.legend = Legend()
        self.order_box = QComboBox()
        self.order_box.setAccessibleName("Order of the classes")
        for order, text in ORDERS:
            self.order_box.addItem(text, order)
        self.order_box.currentIndexChanged.connect(self._sort)
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(self.order_box)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(4)
        layout.addLayout(head)
        layout.addWidget(self.legend)
        layout.addWidget(self.area, 1)
        self.area.class_clicked.connect(self.class_clicked)
        self.area.class_hidden.connect(self.class_hidden)
        self._show_legend(both=False)

    def show_scores(
        self,
        names: Sequence[str],
        colours: Sequence[tuple[int, int, int]],
        a_clean: ArrayLike,
        a_adv: ArrayLike,
        b_clean: ArrayLike | None = None,
        b_adv: ArrayLike | None = None,
    ) -> None:
        """Shows scores.

        Args:
            names: of the classes, c of them.
            colours: of the classes, RGB 0..255.
            a_clean: IoU of the first model on the clean image, (c,), 0..1, NaN for absent.
            a_adv: on the adversarial one; give `a_clean` again before there is one.
            b_clean: the same of the second model, None for no second model.
            b_adv: the same of the second model.

        Raises:
            InputError: an array is of another shape, or holds something outside 0..1.
        """
        data = bar_data(names, colours, a_clean, a_adv, b_clean, b_adv)
        self.area.show_data(data)
        self._show_legend(both=len(data.clean) == 2)
        worst = data.worst
        fell = f"Fell most: {self.area.words(worst)}" if worst is not None else "No class fell"
        self.setAccessibleDescription(fell)

    def clear(self) -> None:
        """Shows that there are no scores."""
        self.area.show_data(None)
        self.setAccessibleDescription("")

    def set_title(self, title: str) -> None:
        """Names what the scores are of, such as "whole clip, 37 of 120 frames"."""
        self.title.say(title)

    def set_hidden(self, hidden: frozenset[int]) -> None:
        """Closes the eyes of these classes."""
        self.area.set_hidden(frozenset(hidden))

    def set_isolated(self, isolated: int | None) -> None:
        """Marks the only class that is painted; None for all."""
        self.area.set_isolated(isolated)

    def set_order(self, order: Order) -> None:
        """Sorts by "drop", largest first, or by "class"."""
        self.order_box.setCurrentIndex(self.order_box.findData(order))

    def sizeHint(self) -> QSize:  # noqa: N802
        """The width of a dock, and room for some ten classes."""
        return QSize(300, super().sizeHint().height())

    def _sort(self) -> None:
        self.area.set_order(self.order_box.currentData())

    def _show_legend(self, both: bool) -> None:
        keys = [
            Key("clean", "outline", "text"),
            Key("A adversarial" if both else "adversarial", "fill"),
        ]
        if both:
            keys.append(Key("B adversarial", "hatch", "b"))
        self.legend.show_keys(keys)
