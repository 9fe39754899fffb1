"""Two or four panes side by side: A and B, clean and adversarial, seen through one window."""

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QRectF, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from art_segplugin.errors import InputError
from art_segplugin_gui.qt.panes.brush import brushed, mask_layer
from art_segplugin_gui.qt.panes.colours import Rgb
from art_segplugin_gui.qt.panes.content import LEGEND, Content
from art_segplugin_gui.qt.panes.pane import Pane
from art_segplugin_gui.qt.panes.reading import Sides
from art_segplugin_gui.qt.panes.titles import Caption
from art_segplugin_gui.qt.panes.viewport import Viewport
from art_segplugin_gui.session.frames import Picture, Prediction
from art_segplugin_gui.session.painted import Mask
from art_segplugin_gui.session.state import View

NAMES = ("A clean", "A adversarial", "B clean", "B adversarial")
"""The panes, in the order of all that is given for each of them."""


class PaneGrid(QWidget):
    """The picture part of the main window.

    Signals:
        hovered: column and row of the picture under the pointer.
        left: the pointer is over no pixel any more.
        clicked: column and row of the picture.
        painted: the painted region after a stroke, bool (h, w); nobody writes into it.
    """

    hovered = Signal(int, int)
    left = Signal()
    clicked = Signal(int, int)
    painted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Pictures")
        self._content = Content()
        self._captions = tuple(Caption(name) for name in NAMES)
        self._mask: Mask | None = None
        self._kept: Mask | None = None
        self._brush = 24.0
        self._painting = False
        self._linked = True
        shared = Viewport(self)
        self._viewports = (shared, *(Viewport(self) for _ in NAMES[1:]))
        self.panes = tuple(Pane(name, shared, self) for name in NAMES)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for index, pane in enumerate(self.panes):
            layout.addWidget(pane, index // 2, index % 2)
            pane.set_legend(index == LEGEND)
            pane.hovered.connect(self.hovered)
            pane.left.connect(self.left)
            pane.clicked.connect(self.clicked)
            pane.brushed.connect(self._stroke)
            pane.brush_lifted.connect(self._lift)
        self.set_compared(False)
        self._refresh()

    def set_compared(self, compared: bool) -> None:
        """Show the row of B."""
        for pane in self.panes[2:]:
            pane.setVisible(compared)
        self._refresh()

    @property
    def compared(self) -> bool:
        """Whether the row of B is shown."""
        return not self.panes[2].isHidden()

    def show_picture(self, image: Picture | None) -> None:
        """Show a picture of which no model has said anything yet; None for empty panes.

        Args:
            image: RGB, uint8 (h, w, 3).
        """
        self._content.show_picture(image)
        self._check_stroke()
        self._refresh()

    def show_sides(
        self,
        a_clean: Prediction | None,
        a_adv: Prediction | None,
        b_clean: Prediction | None = None,
        b_adv: Prediction | None = None,
    ) -> None:
        """Show what the models say, with adversarial sides at full strength.

        An adversarial pane without a side shows the clean picture, without layers.
        """
        self._content.show_sides(Sides(a_clean, a_adv, b_clean, b_adv))
        self._check_stroke()
        self._refresh()

    def show_faded(self, a: Prediction | None, b: Prediction | None = None) -> None:
        """Let label maps and layers follow the fade of the view, which blends the pictures alone.

        They are shown until there are other sides, or the fade is 0 or 1.

        Args:
            a: the first model, shown the faded image.
            b: the second model.
        """
        self._content.show_faded(a, b)
        self._refresh()

    def set_view(self, view: View) -> None:
        """Show another layer, other classes, another opacity or fade; or link the panes."""
        if view == self._content.view:
            return
        self._content.view = view
        self.set_linked(view.linked)
        self._refresh()

    def set_colours(self, names: Sequence[str], colours: Sequence[Rgb]) -> None:
        """Colours of the classes.

        Args:
            names: of the classes.
            colours: red, green and blue of each, 0..255.
        """
        if len(names) != len(colours):
            raise InputError(
                f"there are {len(names)} class names and {len(colours)} colours; give one colour "
                "for each class."
            )
        self._content.colours, self._content.names = tuple(colours), tuple(names)
        self._refresh()

    def set_captions(
        self,
        a_clean: Caption,
        a_adv: Caption,
        b_clean: Caption | None = None,
        b_adv: Caption | None = None,
    ) -> None:
        """Write on the canvas of each pane; None for the pane's name."""
        given = (a_clean, a_adv, b_clean, b_adv)
        self._captions = tuple(c or Caption(n) for c, n in zip(given, NAMES, strict=True))
        self._write()

    def set_busy(
        self, a_clean: bool, a_adv: bool, b_clean: bool = False, b_adv: bool = False
    ) -> None:
        """Mark panes that show something older than what was asked for."""
        for pane, busy in zip(self.panes, (a_clean, a_adv, b_clean, b_adv), strict=True):
            pane.set_busy(busy)

    def set_placeholder(self, text: str) -> None:
        """Words for panes without a picture."""
        for pane in self.panes:
            pane.set_placeholder(text)

    def set_big_text(self, big: bool) -> None:
        """Write for an audience."""
        for pane in self.panes:
            pane.set_big_text(big)

    def flip(self, held: bool) -> None:
        """Show the clean side in the adversarial panes, while a key is held."""
        self._content.flipped = held
        self._refresh()
        self._write()

    def peek(self, held: bool) -> None:
        """Show pictures without layers, while a key is held."""
        self._content.peeking = held
        self._refresh()

    def fit(self) -> None:
        """See whole pictures."""
        for viewport in self._viewports:
            viewport.fit()

    def actual_size(self) -> None:
        """Show one pixel of a picture as one of the screen."""
        for viewport in self._viewports:
            viewport.actual_size()

    def zoom_to(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """Bring a part of the picture, in its pixels, to the middle of every pane."""
        part = QRectF(min(x0, x1), min(y0, y1), abs(x1 - x0), abs(y1 - y0))
        for pane in self.panes:
            if pane.image_size is not None and not pane.isHidden():
                pane.viewport.show_part(part, pane.image_size, pane.pane_size)

    @property
    def linked(self) -> bool:
        """Whether the panes zoom and move together."""
        return self._linked

    def set_linked(self, linked: bool) -> None:
        """Zoom and move together, or each pane on its own; what is seen stays.

        Linking takes what the focused pane sees, or the first one.
        """
        if linked == self._linked:
            return
        self._linked = linked
        leader = next((pane for pane in self.panes if pane.hasFocus()), self.panes[0])
        for viewport in self._viewports:
            viewport.copy_from(leader.viewport)
        for pane, viewport in zip(self.panes, self._viewports, strict=True):
            pane.set_viewport(self._viewports[0] if linked else viewport)

    def set_painting(self, painting: bool) -> None:
        """Take the brush in hand, or lay it down; a stroke that is not lifted yet is dropped."""
        self._painting = painting
        self._hand_out_brush()
        if not painting:
            self._drop_stroke()

    def set_brush(self, width: float) -> None:
        """Change the brush.

        Args:
            width: its diameter in pixels of the picture.
        """
        self._brush = max(1.0, width)
        self._hand_out_brush()

    @property
    def region(self) -> Mask | None:
        """The painted region that is shown, bool (h, w); nobody writes into it."""
        return self._mask

    def set_region(self, mask: Mask | None) -> None:
        """Show a painted region on all panes.

        Args:
            mask: bool (h, w); None for none.
        """
        self._kept = mask
        self._draw_region(mask)

    def _draw_region(self, mask: Mask | None) -> None:
        self._mask = mask
        layer = None if mask is None else mask_layer(mask)
        for pane in self.panes:
            pane.show_extra(layer)

    def _hand_out_brush(self) -> None:
        for pane in self.panes:
            pane.set_brush(self._brush if self._painting else None)

    def _stroke(self, x0: float, y0: float, x1: float, y1: float, erase: bool) -> None:
        size = self._content.size
        if size is None:
            return
        mask = self._mask
        if mask is None or mask.shape != size:
            mask = np.zeros(size, np.bool_)  # a region of another picture means nothing here
        self._draw_region(brushed(mask, (x0, y0), (x1, y1), self._brush, erase))

    def _lift(self) -> None:
        """Tell what was painted; nothing where the stroke was dropped meanwhile."""
        if self._mask is not None and self._mask is not self._kept:
            self._mask.setflags(write=False)
            self._kept = self._mask
            self.painted.emit(self._mask)

    def _check_stroke(self) -> None:
        """Drop a stroke in hand that was begun on a picture of another size."""
        if self._mask is not None and self._mask.shape != self._content.size:
            self._drop_stroke()

    def _drop_stroke(self) -> None:
        """Show the region that was last given or lifted: nobody else knows of a stroke in hand."""
        if self._mask is not self._kept:
            self._draw_region(self._kept)

    def _write(self) -> None:
        captions = self._captions
        if self._content.flipped:  # the words belong to what is shown
            captions = (captions[0], captions[0], captions[2], captions[2])
        for pane, caption in zip(self.panes, captions, strict=True):
            pane.set_caption(caption)

    def _refresh(self) -> None:
        for index, pane in enumerate(self.panes):
            if not pane.isHidden():
                pane.show_composition(self._content.composition(index))
