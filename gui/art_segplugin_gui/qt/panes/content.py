"""What each of the four panes shows, from all that the window was told; without a widget."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from art_segplugin_gui._cv2 import cv2
from art_segplugin_gui.qt.panes.cache import SideCache
from art_segplugin_gui.qt.panes.class_keys import class_keys
from art_segplugin_gui.qt.panes.layers import Composition, compose
from art_segplugin_gui.qt.panes.reading import Sides
from art_segplugin_gui.session.frames import Picture, Prediction
from art_segplugin_gui.session.state import View

if TYPE_CHECKING:
    from art_segplugin_gui.qt.panes.colours import Rgb

PAIRED = ("prediction", "error", "newly wrong", "healed")
"""Layers that show a pair of classes alone, where one is chosen."""

LEGEND = 1
"""The pane with the legend, which is for all panes."""

_grey_levels = SideCache(room=4)


class Content:
    """Sides, view and what keys are held; `composition` puts them together.

    Attributes:
        view: what is shown, and how.
        colours: of the classes.
        names: of the classes.
        flipped: adversarial panes show their clean sides.
        peeking: no layers are shown.
    """

    def __init__(self) -> None:
        self.view = View()
        self.colours: tuple[Rgb, ...] = ()
        self.names: tuple[str, ...] = ()
        self.flipped = False
        self.peeking = False
        self._picture: Picture | None = None
        self._sides = Sides()
        self._faded: tuple[Prediction | None, Prediction | None] | None = None

    def show_picture(self, picture: Picture | None) -> None:
        """Forget what the models said; here is another picture, or none."""
        self._picture, self._sides, self._faded = picture, Sides(), None

    def show_sides(self, sides: Sides) -> None:
        """What the models say, adversarial sides at full strength."""
        self._sides, self._faded = sides, None

    def show_faded(self, a: Prediction | None, b: Prediction | None) -> None:
        """What the models say of the faded images."""
        self._faded = (a, b)

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width of the picture; None where there is none."""
        picture = self._picture
        for side in self._sides[:4]:
            if isinstance(side, Prediction):
                picture = side.image
                break
        return None if picture is None else (picture.shape[0], picture.shape[1])

    def composition(self, pane: int) -> Composition | None:
        """What one pane shows.

        Args:
            pane: 0 A clean, 1 A adversarial, 2 B clean, 3 B adversarial.

        Returns:
            None for an empty pane.
        """
        made = self._composition(pane)
        if made is None:
            return None
        layer = "image" if self.peeking else self.view.layer
        paired = self.view.pair is not None and layer in PAIRED
        if pane == LEGEND and (layer == "prediction" or paired):
            keys, more = class_keys(self._sides_on_show(), self.view, self.colours, self.names)
            return replace(made, keys=keys, more=more, name=layer)
        return replace(made, name=layer)

    def _sides_on_show(self) -> list[Prediction]:
        a_clean, a_adv, b_clean, b_adv = self._sides[:4]
        sides = [a_clean, b_clean]
        if not self.flipped and self.view.fade != 0:
            sides += [self._follower(0) or a_adv, self._follower(2) or b_adv]
        return [side for side in sides if side is not None]

    def _composition(self, pane: int) -> Composition | None:
        first, adversarial = pane // 2 * 2, pane % 2 == 1
        clean, attacked = (self._sides.a_clean, self._sides.a_adv)
        if first == 2:
            clean, attacked = (self._sides.b_clean, self._sides.b_adv)
        view = replace(self.view, layer="image") if self.peeking else self.view
        if not adversarial or self.flipped:
            return self._plain() if clean is None else compose(clean, clean, view, self.colours)
        if attacked is None:
            return self._plain()
        if clean is None:
            return compose(attacked, None, view, self.colours)
        if self.view.fade == 0:
            return compose(clean, clean, view, self.colours)
        shown = self._follower(first) or attacked
        base = faded(clean, attacked, self.view.fade)
        return compose(shown, clean, view, self.colours, base)

    def _follower(self, first: int) -> Prediction | None:
        """What the model says of the faded image; the last one it got, while the fade moves."""
        if self._faded is None or self.view.fade == 1:
            return None
        return self._faded[0] if first == 0 else self._faded[1]

    def _plain(self) -> Composition | None:
        """The picture alone."""
        for side in (self._sides.a_clean, self._sides.b_clean):
            if side is not None:
                return Composition(side.image)
        return None if self._picture is None else Composition(self._picture)


def faded(clean: Prediction, adversarial: Prediction, share: float) -> Picture:
    """The clean image plus a share of the perturbation, clipped to 0..255.

    Args:
        clean: the clean side of the same model.
        adversarial: its side under attack, at full strength.
        share: 0 is the clean image, 1 the adversarial one, more goes beyond it.

    Returns:
        RGB, uint8 (h, w, 3); the adversarial side's own image where it has no `exact` one.
    """
    exact = adversarial.exact
    if exact is None or share == 1:
        return adversarial.image
    if share == 0 or exact.shape[1:] != clean.image.shape[:2]:
        return clean.image

    def work_out() -> NDArray[np.float32]:
        grey_levels = np.empty(clean.image.shape, np.float32)
        np.multiply(exact.transpose(1, 2, 0), np.float32(255), out=grey_levels)
        return grey_levels

    levels = _grey_levels.get((adversarial,), "grey levels", work_out)
    # One pass, rounded and clipped: x + share * (exact - x) in other words.
    picture: Picture = cv2.addWeighted(levels, share, clean.image, 1 - share, 0.0, dtype=cv2.CV_8U)
    picture.setflags(write=False)
    return picture
