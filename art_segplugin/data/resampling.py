"""Other sizes for pictures and label maps."""

import cv2
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.uint8]


def resized_picture(rgb: Array, rows: int, columns: int) -> Array:
    """Give a picture another size: pixels are averaged when it shrinks, else interpolated.

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


def resized_labels(labels: Array, rows: int, columns: int) -> Array:
    """Give a label map another size: each new pixel has the label under its centre.

    Args:
        labels: uint8 of shape (h, w).
        rows: new height.
        columns: new width.

    Returns:
        uint8 of shape (rows, columns); `labels` itself where the size stays.
    """
    height, width = labels.shape
    if (rows, columns) == (height, width):
        return labels
    row = ((np.arange(rows) + 0.5) * height / rows).astype(np.intp)
    column = ((np.arange(columns) + 0.5) * width / columns).astype(np.intp)
    return labels[np.ix_(row, column)]
