"""Dark and light: palettes of our own for the Fusion style, and colours that mean something.

Qt's own switch does nothing without a desktop theme, so every role is set here.
"""

from dataclasses import dataclass

import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QToolTip

THEMES = ("dark", "light", "system")
DEMO_SCALE = 1.35
"""How much larger text is in demo mode."""

Role = QPalette.ColorRole
Group = QPalette.ColorGroup

_DARK = {
    Role.Window: "#2b2d31",
    Role.WindowText: "#e8e8e8",
    Role.Base: "#141517",
    Role.AlternateBase: "#1b1c1f",
    Role.Text: "#e8e8e8",
    Role.Button: "#3a3d42",
    Role.ButtonText: "#e8e8e8",
    Role.BrightText: "#ffffff",
    Role.ToolTipBase: "#3a3d41",
    Role.ToolTipText: "#f0f0f0",
    Role.PlaceholderText: "#a0a4a8",
    Role.Highlight: "#2f6fd0",
    Role.HighlightedText: "#ffffff",
    Role.Accent: "#5b9bf5",
    Role.Link: "#7db4ff",
    Role.LinkVisited: "#c7a6ff",
    Role.Light: "#4a4e53",
    Role.Midlight: "#3d4145",
    Role.Mid: "#1a1b1d",
    Role.Dark: "#141517",
    Role.Shadow: "#000000",
}
_LIGHT = {
    Role.Window: "#f2f2f0",
    Role.WindowText: "#1b1c1e",
    Role.Base: "#ffffff",
    Role.AlternateBase: "#f5f6f8",
    Role.Text: "#1b1c1e",
    Role.Button: "#e6e6e4",
    Role.ButtonText: "#1b1c1e",
    Role.BrightText: "#ffffff",
    Role.ToolTipBase: "#fffff0",
    Role.ToolTipText: "#1b1c1e",
    Role.PlaceholderText: "#66696d",
    Role.Highlight: "#1f5fc0",
    Role.HighlightedText: "#ffffff",
    Role.Accent: "#1f5fc0",
    Role.Link: "#0b57c4",
    Role.LinkVisited: "#6b3fb5",
    Role.Light: "#ffffff",
    Role.Midlight: "#f0f0ee",
    Role.Mid: "#b8b8b6",
    Role.Dark: "#9a9a98",
    Role.Shadow: "#6a6a68",
}
_DISABLED = {"dark": "#a9adb1", "light": "#5f6266"}
"""Text of what cannot be used now: greyer, and still readable."""


@dataclass(frozen=True)
class Semantic:
    """Colours that mean something; each is readable on windows and on text fields.

    Attributes:
        error: what went wrong.
        warning: what to look at.
        ok: what is as it should be.
        info: neither.
    """

    error: QColor
    warning: QColor
    ok: QColor
    info: QColor


_SEMANTIC = {
    "dark": Semantic(QColor("#ff8a80"), QColor("#ffc266"), QColor("#7bd88f"), QColor("#8ab8ff")),
    "light": Semantic(QColor("#b3261e"), QColor("#7a4b00"), QColor("#19692c"), QColor("#0b57c4")),
}


def is_dark(palette: QPalette) -> bool:
    """Whether a palette writes light on dark."""
    return palette.color(Role.Window).lightness() < palette.color(Role.WindowText).lightness()


def semantic(palette: QPalette) -> Semantic:
    """The colours that mean something, for a widget of that palette."""
    return _SEMANTIC["dark" if is_dark(palette) else "light"]


def palette_of(theme: str) -> QPalette:
    """The palette of "dark" or "light"."""
    palette = QPalette()
    for role, colour in (_DARK if theme == "dark" else _LIGHT).items():
        palette.setColor(role, QColor(colour))
    grey = QColor(_DISABLED[theme])
    for role in (Role.WindowText, Role.Text, Role.ButtonText, Role.PlaceholderText):
        palette.setColor(Group.Disabled, role, grey)
    # Selected text in a disabled field: on a selection that is as quiet as the text.
    palette.setColor(Group.Disabled, Role.Highlight, palette.color(Role.Button))
    palette.setColor(Group.Disabled, Role.HighlightedText, grey)
    palette.setColor(Group.Disabled, Role.Accent, palette.color(Role.Mid))
    return palette


def resolve(app: QApplication, theme: str) -> str:
    """Dark or light: the desktop's choice for "system", dark where it has none."""
    if theme in _SEMANTIC:
        return theme
    light = app.styleHints().colorScheme() == Qt.ColorScheme.Light
    return "light" if light else "dark"


def apply(app: QApplication, theme: str, scale: float = 1.0) -> str:
    """Give an application its look; charts made from now on follow it.

    Args:
        app: the application.
        theme: one of THEMES; anything else is "system".
        scale: factor on the size of text, `DEMO_SCALE` in demo mode.

    Returns:
        What it came to, "dark" or "light".
    """
    found = resolve(app, theme)
    app.setStyle("Fusion")
    palette = palette_of(found)
    app.setPalette(palette)
    QToolTip.setPalette(palette)
    usual = app.property("usual_font_size")
    font = app.font()
    if not usual:
        usual = font.pointSizeF() if font.pointSizeF() > 0 else 10.0
        app.setProperty("usual_font_size", usual)
    font.setPointSizeF(float(usual) * scale)
    app.setFont(font)
    pg.setConfigOptions(
        background=palette.color(Role.Base),
        foreground=palette.color(Role.Text),
        antialias=True,
        useOpenGL=False,
    )
    return found


def contrast(first: QColor, second: QColor) -> float:
    """Contrast of two opaque colours as WCAG 2 defines it, 1..21."""
    bright, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(colour: QColor) -> float:
    parts = (colour.redF(), colour.greenF(), colour.blueF())
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
