"""Other sizes for images and label maps."""

from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.uint8]
T = TypeVar("T", bound=np.generic)


def resized_picture(rgb: Array, rows: int, columns: int) -> Array:
    """Give an image another size: pixels are averaged when it shrinks, else interpolated.

    Args:
        rgb: uint8 of shape (h, w, 3).
        rows: new height.
        columns: new width.

    Returns:
        uint8 of shape (rows, columns, 3); `rgb` itself where the size stays.
    """
    height, width = rgb.shape[:2]
    if (rows, columns) == (height, width):
        return rgb
    method = cv2.INTER_AREA if rows * columns < height * width else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(rgb, (columns, rows), interpolation=method), dtype=np.uint8)


def resized_labels(labels: npt.NDArray[T], rows: int, columns: int) -> npt.NDArray[T]:
    """Give a label map another size: each new pixel has the label under its centre.

    Args:
        labels: integers of shape (h, w).
        rows: new height.
        columns: new width.

    Returns:
        shape (rows, columns), of the same type; `labels` itself where the size stays.
    """
    height, width = labels.shape
    if (rows, columns) == (height, width):
        return labels
    row = ((np.arange(rows) + 0.5) * height / rows).astype(np.intp)
    column = ((np.arange(columns) + 0.5) * width / columns).astype(np.intp)
    return labels[np.ix_(row, column)]


def even(pixels: npt.NDArray[T]) -> npt.NDArray[T]:
    """Cut off an odd last row or column (h, w, ...): video codecs cannot write it."""
    height, width = pixels.shape[0] // 2 * 2, pixels.shape[1] // 2 * 2
    return np.ascontiguousarray(pixels[:height, :width])
