"""The adversarial image at any strength, at once and without a model."""

import numpy as np
from numpy.typing import NDArray

from art_segplugin_gui._cv2 import cv2
from art_segplugin_gui.qt.panes.cache import SideCache
from art_segplugin_gui.session.frames import Picture, Side

_cache = SideCache(room=4)


def faded(clean: Side, adversarial: Side, share: float) -> Picture:
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

    levels = _cache.get((adversarial,), "grey levels", work_out)
    # One pass, rounded and clipped: x + share * (exact - x) in other words.
    picture: Picture = cv2.addWeighted(levels, share, clean.image, 1 - share, 0.0, dtype=cv2.CV_8U)
    picture.setflags(write=False)
    return picture
