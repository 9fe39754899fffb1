"""The strip under the panes: which layer is shown, and how opaque it is."""

from collections.abc import Collection

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QAction, QPalette, QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QSlider,
    QToolButton,
    QWidget,
)

from art_segplugin_gui.qt.settings import STRIP_PARTS
from art_segplugin_gui.session.state import LAYERS, View

SHORT = {
    "newly wrong": "new",
    "confidence": "conf.",
    "perturbation": "delta",
}
"""Names of layers where there is little room."""
BARE = ("image", "perturbation")
"""Layers that are the picture itself: there is nothing to see through."""
Role = QPalette.ColorRole


class LayerButton(QToolButton):
    """A button that is in the colour of selections while its layer is on show."""

    def __init__(self) -> None:
        super().__init__()
        self.setCheckable(True)
        self.toggled.connect(self._colour)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 (Qt's name)
        """Take the colours of another theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ApplicationPaletteChange:
            self._colour()

    def _colour(self) -> None:
        palette = QPalette()
        if self.isChecked():
            theme = QApplication.palette()
            for role, like in (
                (Role.Button, Role.Highlight),
                (Role.ButtonText, Role.HighlightedText),
            ):
                palette.setColor(role, theme.color(like))
        if self.palette() != palette:
            self.setPalette(palette)


class LayerStrip(QWidget):
    """Buttons for the layers and a slider for the opacity; names get shorter where it is narrow.

    Signals:
        layer_chosen: one of `state.LAYERS`.
        opacity_changed: 0..1, also while the slider is held.
        settled: the slider was let go.
        parts_changed: what of STRIP_PARTS is shown.
    """

    layer_chosen = Signal(str)
    opacity_changed = Signal(float)
    settled = Signal()
    parts_changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Layers of the pictures")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._parts: tuple[str, ...] = STRIP_PARTS
        self._texts: list[list[str]] = [
            [f"{number} {name}" for number, name in enumerate(LAYERS, 1)],
            [f"{number} {SHORT.get(name, name)}" for number, name in enumerate(LAYERS, 1)],
            [str(number) for number in range(1, len(LAYERS) + 1)],
        ]
        self._group = QButtonGroup(self)
        self.buttons = {name: self._button(name) for name in LAYERS}
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, 100)
        self.slider.setPageStep(10)
        self.slider.setAccessibleName("Opacity of the layer")
        self.caption = QLabel("Opacity")
        self.caption.setBuddy(self.slider)
        self.percent = QLabel("100 %")
        self.menu = QMenu(self)
        self._entries = {part: self._entry(part) for part in STRIP_PARTS}
        self.choose = QToolButton()
        self.choose.setText("\u2026")
        self.choose.setAccessibleName("What this strip shows")
        self.choose.setToolTip("What this strip shows")
        self._lay_out()
        self._measure()
        self.show_view(View())
        self.slider.valueChanged.connect(self._slide)
        self.slider.sliderReleased.connect(self.settled)
        self.choose.clicked.connect(
            lambda: self.menu.popup(self.choose.mapToGlobal(self.choose.rect().topLeft()))
        )

    def show_view(self, view: View) -> None:
        """Show a layer and its opacity without a signal."""
        self.buttons[view.layer].setChecked(True)
        self.slider.blockSignals(True)
        self.slider.setValue(round(100 * view.opacity))
        self.slider.blockSignals(False)
        self.slider.setEnabled(view.layer not in BARE)
        self._say_percent()

    def show_parts(self, parts: Collection[str]) -> None:
        """Show only these of STRIP_PARTS, without a signal."""
        self._parts = tuple(part for part in STRIP_PARTS if part in parts)
        for part, entry in self._entries.items():
            entry.setChecked(part in self._parts)
        for button in self.buttons.values():
            button.setVisible("layers" in self._parts)
        for widget in (self.caption, self.slider, self.percent):
            widget.setVisible("opacity" in self._parts)
        self._fit()

    @property
    def parts(self) -> tuple[str, ...]:
        """What of STRIP_PARTS is shown."""
        return self._parts

    def minimumSizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Wide enough for the digits."""
        return QSize(self._needed(2), super().minimumSizeHint().height())

    def sizeHint(self) -> QSize:  # noqa: N802
        """Wide enough for the whole names."""
        return QSize(self._needed(0), super().sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Write as much of the names as there is room for."""
        self._fit()
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Measure another font."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange) and self._widths:
            self._measure()
            self._fit()

    _widths: tuple[int, ...] = ()

    def _measure(self) -> None:
        """Widths of all buttons at each length of their names."""
        widths = []
        for texts in self._texts:
            for button, text in zip(self.buttons.values(), texts, strict=True):
                button.setText(text)
            widths.append(sum(b.sizeHint().width() for b in self.buttons.values()))
        self._widths = tuple(widths)
        self.percent.setMinimumWidth(self.fontMetrics().horizontalAdvance("100 %") + 2)
        self.slider.setMinimumWidth(self.fontMetrics().horizontalAdvance("m") * 5)
        self.updateGeometry()

    def _needed(self, level: int) -> int:
        """Width of all that is shown, with names of that length."""
        shown: list[QWidget] = [self.choose]
        width = 2 * self._row.contentsMargins().left()
        if "opacity" in self._parts:
            shown += [self.percent]
            width += self.slider.minimumWidth()
            if level == 0:
                shown += [self.caption]
        count = len(shown) + 1 + (len(self.buttons) if "layers" in self._parts else 0)
        width += sum(max(one.sizeHint().width(), one.minimumWidth()) for one in shown)
        if "layers" in self._parts:
            width += self._widths[level]
        return width + count * self._row.spacing()

    def _fit(self) -> None:
        level = next((n for n in (0, 1) if self._needed(n) <= self.width()), 2)
        for button, text in zip(self.buttons.values(), self._texts[level], strict=True):
            button.setText(text)
        self.caption.setVisible("opacity" in self._parts and level == 0)
        self._row.activate()  # at once: no picture with the old places

    def _slide(self, value: int) -> None:
        self._say_percent()
        self.opacity_changed.emit(value / 100)

    def _say_percent(self) -> None:
        self.percent.setText(f"{self.slider.value()} %")

    def _toggled(self) -> None:
        self.show_parts([part for part, entry in self._entries.items() if entry.isChecked()])
        self.parts_changed.emit(self._parts)

    def _button(self, name: str) -> QToolButton:
        button = LayerButton()
        button.setAccessibleName(f"Layer {name}")
        button.setToolTip(f"{name.capitalize()} ({LAYERS.index(name) + 1})")
        button.clicked.connect(lambda: self.layer_chosen.emit(name))
        self._group.addButton(button)
        return button

    def _entry(self, part: str) -> QAction:
        entry = self.menu.addAction(part.capitalize())
        entry.setCheckable(True)
        entry.setChecked(True)
        entry.triggered.connect(self._toggled)
        return entry

    def _lay_out(self) -> None:
        row = self._row = QHBoxLayout(self)
        row.setContentsMargins(4, 0, 4, 0)
        row.setSpacing(2)
        for button in self.buttons.values():
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self.caption)
        row.addWidget(self.slider, 1)
        row.addWidget(self.percent)
        row.addWidget(self.choose)
        self.slider.setMaximumWidth(240)
