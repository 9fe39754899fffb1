"""What lens and electronics add to a rendered picture: vignette, blur and noise."""

import cv2
import numpy as np
import numpy.typing as npt

from art_segplugin.data.scenes.scene import Sensor


def spoil(picture: npt.NDArray[np.uint8], sensor: Sensor) -> npt.NDArray[np.uint8]:
    """Return the picture as the sensor records it.

    Args:
        picture: RGB, uint8 of shape (h, w, 3).
        sensor: Strength of each fault and seed of the noise.
    """
    height, width = picture.shape[:2]
    sigma = sensor.blur * height / 360
    if sigma > 0.25:
        picture = cv2.GaussianBlur(picture, (0, 0), sigma).reshape(picture.shape)
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    falloff = 1 - sensor.vignette * (x * x + y * y) / 2
    rng = np.random.default_rng(sensor.seed)
    light = rng.standard_normal((height, width), dtype=np.float32) * np.float32(sensor.noise)
    # demosaicing spreads colour noise over several pixels
    coarse = rng.standard_normal((height // 2 + 1, width // 2 + 1, 3), dtype=np.float32)
    tint = cv2.resize(coarse * np.float32(0.6 * sensor.noise), (width, height))
    recorded = picture * falloff[..., None] + light[..., None] + tint
    spoilt: npt.NDArray[np.uint8] = np.clip(recorded + 0.5, 0, 255).astype(np.uint8)
    return spoilt
