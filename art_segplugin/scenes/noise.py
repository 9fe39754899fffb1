"""One tile of noise that repeats without seams: every natural texture is drawn from it."""

from functools import cache

import numpy as np
import numpy.typing as npt

SIDE = 256


@cache
def noise_tile() -> npt.NDArray[np.uint8]:
    """Return the tile, uint8 of shape (256, 256, 2): broad clouds, and fine speckle.

    Both channels are white noise shaped in the frequency domain, hence periodic: the first falls
    off like 1/f^1.7 (clouds, stains), the second keeps a band around 1/10 of a pixel (leaves, grain).
    """
    frequency = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None, :])
    safe = np.maximum(frequency, 1 / SIDE)
    clouds = np.where(frequency > 0, safe**-1.7, 0.0)
    speckle = np.where(frequency > 0, np.exp(-0.5 * (np.log(safe / 0.1) / 0.7) ** 2), 0.0)
    rng = np.random.default_rng(0)
    channels = []
    for envelope in (clouds, speckle):
        spectrum = np.fft.rfft2(rng.standard_normal((SIDE, SIDE))) * envelope
        field = np.fft.irfft2(spectrum, s=(SIDE, SIDE))
        channels.append(np.clip(0.5 + 0.2 * field / field.std(), 0, 1))
    return np.round(255 * np.stack(channels, axis=-1)).astype(np.uint8)


def sample_noise(at: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Look the tile up between its texels, as OpenGL does.

    Args:
        at: Places of shape (..., 2), along columns and rows; 1 is once across the tile.

    Returns:
        Both channels, float32 in [0, 1] of shape (..., 2).
    """
    texel = np.asarray(at) * SIDE - 0.5
    corner = np.floor(texel)
    part = (texel - corner).astype(np.float32)
    column, row = np.moveaxis(corner.astype(np.int64), -1, 0)
    tile = noise_tile()
    value = np.zeros((*part.shape[:-1], 2), np.float32)
    for down in (0, 1):
        for right in (0, 1):
            weight = np.abs(1 - right - part[..., 0]) * np.abs(1 - down - part[..., 1])
            value += weight[..., None] * tile[(row + down) % SIDE, (column + right) % SIDE]
    value /= 255
    return value
