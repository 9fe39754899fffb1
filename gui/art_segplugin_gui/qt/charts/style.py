"""Colours of the charts, taken from the palette of the widget, and how numbers are written."""

from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QBrush, QColor, QKeyEvent, QPalette, QPen

A_DASH = Qt.PenStyle.SolidLine
B_DASH = Qt.PenStyle.DashLine
A_RATIO_DASH = Qt.PenStyle.DotLine
B_RATIO_DASH = Qt.PenStyle.DashDotLine
"""Models are told apart by colour and by line: mIoU solid (A) and dashed (B), MisRatio dotted and dash-dotted."""


@dataclass(frozen=True, eq=False)
class Ink:
    """What a chart is drawn with. Do not change the colours in place: they are shared.

    Attributes:
        dark: light text on a dark ground.
        base: ground of the drawing.
        text: words and the marker.
        faint: words that matter less; still readable.
        grid: lines behind the data.
        accent: what is selected.
        a: the first model.
        b: the second model.
        fall: the class that fell most.
        more: pixels that the class gained, and the scale of shares.
        less: pixels that it lost.
    """

    dark: bool
    base: QColor
    text: QColor
    faint: QColor
    grid: QColor
    accent: QColor
    a: QColor
    b: QColor
    fall: QColor
    more: QColor
    less: QColor


def mixed(first: QColor, second: QColor, share: float) -> QColor:
    """The colour that is `share` (0..1) of the way from the first to the second."""
    keep = 1.0 - share
    return QColor(
        round(first.red() * keep + second.red() * share),
        round(first.green() * keep + second.green() * share),
        round(first.blue() * keep + second.blue() * share),
    )


def ink(palette: QPalette) -> Ink:
    """The colours that fit a palette; cheap enough to ask for in every paint event."""
    return _ink(
        palette.color(QPalette.ColorRole.Base).rgb(),
        palette.color(QPalette.ColorRole.Text).rgb(),
        palette.color(QPalette.ColorRole.Highlight).rgb(),
    )


@lru_cache(maxsize=16)
def _ink(base_rgb: int, text_rgb: int, accent_rgb: int) -> Ink:
    base, text, accent = (QColor.fromRgb(rgb) for rgb in (base_rgb, text_rgb, accent_rgb))
    dark = base.lightness() < text.lightness()
    # Blue and orange, purple and green: pairs that people with any colour vision can tell apart.
    pairs = (
        ("#56b4e9", "#f0a03c", "#ff8f7d", "#c99bff", "#63c781")
        if dark
        else ("#0068a8", "#b85300", "#b3261e", "#6a2fa3", "#1b7a3d")
    )
    a, b, fall, more, less = (QColor(name) for name in pairs)
    return Ink(
        dark=dark,
        base=base,
        text=text,
        faint=mixed(text, base, 0.38),
        grid=mixed(text, base, 0.80),
        accent=accent,
        a=a,
        b=b,
        fall=fall,
        more=more,
        less=less,
    )


def line_pen(colour: QColor, width: float = 1.0, dash: Qt.PenStyle = A_DASH) -> QPen:
    """A pen of a width in logical pixels that keeps it whatever the zoom."""
    pen = QPen(colour, width, dash)
    pen.setCosmetic(True)
    return pen


def hatch(colour: QColor) -> QBrush:
    """What fills the second model's areas: diagonal lines, so that colour is not the only sign."""
    return QBrush(colour, Qt.BrushStyle.BDiagPattern)


def readable_on(ground: QColor) -> QColor:
    """Black or white, whichever stands out from a colour."""
    light = 0.299 * ground.red() + 0.587 * ground.green() + 0.114 * ground.blue()
    return QColor(Qt.GlobalColor.black if light > 140 else Qt.GlobalColor.white)


def share_text(share: float) -> str:
    """A share of 0..1 as a score is written: `.717`, `1`, `0`; `n/a` for NaN."""
    if share != share:
        return "n/a"
    text = f"{share:.3f}"
    if text in {"1.000", "0.000"}:
        return text[0]
    return text.removeprefix("0")


def drop_text(change: float) -> str:
    """A change of a score with its sign: `-.41`, `+.02`, `0`, `-1`; empty for NaN."""
    if change != change:
        return ""
    text = f"{change:+.2f}"
    if text[1:] in {"1.00", "0.00"}:
        return text[:2] if text[1] == "1" else "0"
    return text[0] + text[2:]


def percent_text(share: float) -> str:
    """A share of 0..1 as a percentage with one decimal: `3.1 %`; `n/a` for NaN."""
    return f"{100 * share:.1f} %" if share == share else "n/a"


def claims(event: QEvent, keys: frozenset[Qt.Key]) -> bool:
    """Whether a key goes to the focused chart although the window has a shortcut of that name.

    Call it from `event()`; where it is true the event is accepted and `event()` returns True.
    """
    if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
        return False
    held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    if held != Qt.KeyboardModifier.NoModifier or event.key() not in keys:
        return False
    event.accept()
    return True
