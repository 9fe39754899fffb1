"""A video that is slow to seek in: 1920 x 1080, moving noise over a gradient."""

import numpy as np

from art_segplugin.data.video import VideoWriter

HEIGHT, WIDTH, COUNT = 1080, 1920, 40


def make(path):
    """Write it; the suffix chooses the codec."""
    rng = np.random.default_rng(0)
    down, across = np.mgrid[:HEIGHT, :WIDTH]
    base = np.stack([down * 255 // HEIGHT, across * 255 // WIDTH, (down + across) % 256], -1)
    grain = rng.integers(0, 24, (HEIGHT, WIDTH, 1))
    with VideoWriter(path, 25) as writer:
        for number in range(COUNT):
            moved = np.roll(base + grain, 16 * number, 1)
            writer.write(moved.clip(0, 255).astype(np.uint8))
    return path
