"""A field for one number, which may be typed as a fraction, with arrows."""

import math

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QPalette, QValidator
from PySide6.QtWidgets import QAbstractSpinBox, QStyle, QStyleOptionSpinBox, QWidget

from art_segplugin.errors import InputError
from art_segplugin_gui.qt.forms.fractions import as_text, parse_number
from art_segplugin_gui.qt.theme import semantic


class NumberSpin(QAbstractSpinBox):
    """Keeps the number itself, not its text: 8/255 stays 8/255 to the last bit.

    Signals:
        edited: the user chose another number.
        refused: the user typed what is no number; a sentence. The last good number stays.
        accepted: what was typed is a number again.

    Args:
        low: smallest number.
        high: largest number.
        step: what an arrow adds.
        fraction: write multiples of half a grey level as fractions of 255.
        parent: owner.
    """

    edited = Signal(float)
    refused = Signal(str)
    accepted = Signal()

    def __init__(
        self,
        low: float = 0.0,
        high: float = 1e6,
        step: float = 1.0,
        fraction: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._low, self._high, self._step, self._fraction = low, high, step, fraction
        self._value = low
        self._bad = False
        self.setAccelerated(True)
        self.lineEdit().editingFinished.connect(self._read)
        self._write()

    @property
    def value(self) -> float:
        """The number; the last good one while something else is typed."""
        return self._value

    @property
    def bad(self) -> bool:
        """Whether what is typed is no number."""
        return self._bad

    def set_range(self, low: float, high: float, step: float, fraction: bool) -> None:
        """Another range and another way of writing; the number stays and is not announced."""
        self._low, self._high, self._step, self._fraction = low, high, step, fraction
        self._write()
        self.updateGeometry()

    def show_value(self, value: float) -> None:
        """Show a number without a signal."""
        self._value = float(value)
        self._write()

    def stepBy(self, steps: int) -> None:  # noqa: N802 (Qt's name)
        """Add or take away so many steps, within the range; what is between two steps is kept."""
        value = self._exact(self._value + steps * self._step)
        self._choose(min(max(value, self._low), self._high))
        self.lineEdit().selectAll()

    def stepEnabled(self) -> QAbstractSpinBox.StepEnabledFlag:  # noqa: N802
        """Arrows that lead somewhere."""
        flags = QAbstractSpinBox.StepEnabledFlag.StepNone
        if self._value > self._low:
            flags |= QAbstractSpinBox.StepEnabledFlag.StepDownEnabled
        if self._value < self._high:
            flags |= QAbstractSpinBox.StepEnabledFlag.StepUpEnabled
        return flags

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """Anything may be typed; what is no number is said when typing ends."""
        return QValidator.State.Acceptable, text, position

    def sizeHint(self) -> QSize:  # noqa: N802
        """Wide enough for the largest number that is usually shown."""
        text = "255.5/255" if self._fraction else "0.0001234"
        metrics = self.fontMetrics()
        inner = QSize(metrics.horizontalAdvance(text) + 12, self.lineEdit().sizeHint().height())
        option = QStyleOptionSpinBox()
        self.initStyleOption(option)
        return self.style().sizeFromContents(QStyle.ContentsType.CT_SpinBox, option, inner, self)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """No smaller than what fits."""
        return self.sizeHint()

    def _exact(self, value: float) -> float:
        """A whole number of tenths of a step, to the last bit; other numbers as they are.

        So 8/255 + 1/255 is 9/255, and 0.3 - 3 * 0.1 is 0.
        """
        exact = value / self._step * 10
        tenths, parts = round(exact), round(10 / self._step)
        if not math.isclose(exact, tenths, rel_tol=1e-12, abs_tol=1e-9):
            return value
        whole = parts and math.isclose(parts * self._step, 10, rel_tol=1e-9)
        return tenths / parts if whole else tenths * self._step / 10

    def _read(self) -> None:
        text = self.lineEdit().text()
        if text == as_text(self._value, self._fraction):
            self._write()
            return
        try:
            value = parse_number(text, self._low, self._high)
        except InputError as error:
            self._mark(True)
            self.refused.emit(str(error))
            return
        self._choose(value)

    def _choose(self, value: float) -> None:
        changed = value != self._value
        self._value = value
        self._write()
        if changed:
            self.edited.emit(value)

    def _write(self) -> None:
        self.lineEdit().setText(as_text(self._value, self._fraction))
        self.lineEdit().setCursorPosition(0)  # its beginning is in sight, however narrow it is
        self._mark(False)
        self.update()

    def _mark(self, bad: bool) -> None:
        if bad == self._bad:
            return
        self._bad = bad
        palette = self.palette()
        if bad:
            palette.setColor(QPalette.ColorRole.Text, semantic(palette).error)
            self.lineEdit().setPalette(palette)
        else:
            self.lineEdit().setPalette(QPalette())
            self.accepted.emit()
        font = self.lineEdit().font()
        font.setUnderline(bad)  # not by colour alone
        self.lineEdit().setFont(font)
