"""Class colours that people with any kind of colour vision can tell apart."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from art_segplugin_gui.qt.panes.colours import Rgb

# Okabe and Ito, Color Universal Design (2008), without black.
_FIRST: tuple[Rgb, ...] = (
    (0, 114, 178),
    (230, 159, 0),
    (0, 158, 115),
    (204, 121, 167),
    (86, 180, 233),
    (213, 94, 0),
    (240, 228, 66),
)
# What full colour vision and those without red, green or blue cones see of linear RGB; Machado,
# Oliveira and Fernandes (2009), severity 1.
_EYES = np.array(
    [
        [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
    ]
)  # fmt: skip
_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_WHITE = np.array([0.9505, 1.0, 1.089])
_DARKEST = 20.0  # CIELAB lightness: less is lost over a night street


@lru_cache(maxsize=8)
def safe_colours(count: int) -> tuple[Rgb, ...]:
    """Class colours that colour-blind people can tell apart, for any number of classes.

    The first seven are those of Okabe and Ito. Each further one is as far as can be from all before
    it, for the eye that tells it apart worst. More classes never change the first colours.

    Args:
        count: number of classes, up to 255.
    """
    chosen = np.array(_FIRST[:count], np.float64).reshape(-1, 3)
    if count > len(_FIRST):
        levels = np.linspace(0, 255, 9)
        candidates = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(-1, 3)
        candidates = candidates[seen(candidates)[0][:, 0] > _DARKEST]
        places, taken = seen(candidates), seen(chosen)
        apart = np.linalg.norm(places[:, :, None] - taken[:, None], axis=-1).min(axis=(0, 2))
        for _ in range(count - len(_FIRST)):
            best = int(apart.argmax())
            chosen = np.vstack([chosen, candidates[best]])
            away = np.linalg.norm(places - places[:, best : best + 1], axis=-1).min(axis=0)
            apart = np.minimum(apart, away)
    red_green_blue = chosen.round().astype(int).tolist()
    return tuple((red, green, blue) for red, green, blue in red_green_blue)


def seen(colours: NDArray[np.float64]) -> NDArray[np.float64]:
    """How different eyes see colours.

    Args:
        colours: sRGB 0..255, float64 (n, 3).

    Returns:
        CIELAB, float64 (4, n, 3): full vision, no red, no green and no blue cones.
    """
    share = colours / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    by_eye = np.clip(np.einsum("eij,nj->eni", _EYES, linear), 0, 1)
    xyz = by_eye @ _TO_XYZ.T / _WHITE
    curve = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = np.moveaxis(curve, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1)
