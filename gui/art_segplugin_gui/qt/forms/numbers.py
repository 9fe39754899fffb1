"""Numbers as people write them (0.03, 8/255, 1e-3), a field for one, and sizes in each norm."""

import math
from dataclasses import dataclass

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QPalette, QValidator
from PySide6.QtWidgets import QAbstractSpinBox, QLineEdit, QStyle, QStyleOptionSpinBox, QWidget

from art_segplugin.errors import InputError
from art_segplugin_gui.qt.theme import semantic

GREY_LEVELS = 255

DEFAULT_VALUES = 3 * 480 * 360
"""Numbers in an image while none is open."""
_TICKS = 32
_LARGEST = {"Linf": 1.0, "L2": 1e4, "L1": 1e6}


def parse_number(text: str, low: float = -math.inf, high: float = math.inf) -> float:
    """A number or a fraction such as 8/255.

    Args:
        text: what was typed.
        low: smallest number that will do.
        high: largest number that will do.

    Raises:
        InputError: it is no number, or outside the range.
    """
    numerator, slash, denominator = text.strip().partition("/")
    try:
        value = float(numerator) / (float(denominator) if slash else 1.0)
    except (ValueError, ZeroDivisionError):
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{text.strip()!r} is no number; write 0.03 or 8/255.")
    if not low <= value <= high:
        raise InputError(f"{text.strip()} is out of range; give a number from {low:g} to {high:g}.")
    return value


def as_text(value: float, fraction: bool = False) -> str:
    """A number as it is typed, to four digits and to 1 from 1000 on.

    Args:
        value: the number.
        fraction: write multiples of half a grey level such as 8/255.
    """
    levels = value * GREY_LEVELS
    half = round(levels * 2) / 2
    if fraction and value and math.isclose(levels, half, rel_tol=1e-9):
        return f"{half:g}/{GREY_LEVELS}"
    return f"{value:.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.4g}"


@dataclass(frozen=True)
class Scale:
    """How a radius or a step size is entered in one norm.

    Attributes:
        unit: the size of a change of all numbers by 1.
        tick: what one place of the slider is.
        ticks: places of the slider; larger values can be typed.
        high: largest value that can be typed.
    """

    unit: float
    tick: float
    ticks: int
    high: float


def scale(parameter: str, norm: str, values: int) -> Scale:
    """How a size is entered, so that all norms change an image as much.

    One place of the slider is a grey level of 255 in every number of the image, or half of one
    for steps: in L2 its root mean square, in L1 its mean.

    Args:
        parameter: "eps" or "step_size".
        norm: "Linf", "L2" or "L1".
        values: numbers in the image, 3 for each pixel.
    """
    unit = {"Linf": 1.0, "L1": float(values)}.get(norm, math.sqrt(values))
    tick = (1.0 if parameter == "eps" else 0.5) / GREY_LEVELS * unit
    return Scale(unit, tick, _TICKS, max(_LARGEST.get(norm, 1e4), unit))


def in_levels(value: float, norm: str, values: int) -> str:
    """What a size in L2 or L1 is in grey levels, such as "= 8.0/255 RMS"; empty for Linf."""
    if norm == "Linf":
        return ""
    levels = value / scale("eps", norm, values).unit * GREY_LEVELS
    return f"= {levels:.1f}/{GREY_LEVELS} {'mean' if norm == 'L1' else 'RMS'}"


def mark_text(edit: QLineEdit, bad: bool) -> None:
    """Mark what is typed as unusable, by colour and by a line under it, or take the mark away."""
    palette = QPalette()
    if bad:
        palette = edit.palette()
        palette.setColor(QPalette.ColorRole.Text, semantic(palette).error)
    edit.setPalette(palette)
    font = edit.font()
    font.setUnderline(bad)
    edit.setFont(font)


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
        mark_text(self.lineEdit(), bad)
        if not bad:
            self.accepted.emit()
