"""The handwritten digits that come with scikit-learn: a classification data set without a download.

Alpaydin and Kaynak: Optical Recognition of Handwritten Digits, UCI Machine Learning Repository,
1998 (its 1797 test images).
"""

import numpy as np

from art_segplugin.data.class_order import check_split, class_label, class_palette, in_turn
from art_segplugin.data.images import check_scale, scaled_image
from art_segplugin.data.sample import Sample

ENLARGEMENT = 4
"""Each value becomes so many pixels squared: 8 x 8 values, 32 x 32 pixels."""
BRIGHTEST = 16


class Digits:
    """Digits of 8 x 8 grey values, as RGB images of 32 x 32 pixels.

    Of each class, the first 70 % are "train", the next 10 % "val" and the last 20 % "test", in the
    order of the file. Writers follow one another there, so that few of them are in two splits, as
    they would be if images were drawn at random.

    Samples come class by class in turn. Labels have shape (1, 1). Grey values are rounded to 8
    bits, so that written files hold them exactly.

    Args:
        split: "train", "val" or "test".
        scale: Factor on height and width.

    Raises:
        InputError: An unknown split, or a scale that is no positive number.
    """

    def __init__(self, split: str = "train", scale: float = 1.0) -> None:
        from sklearn.datasets import load_digits

        check_split(split)
        check_scale(scale)
        self.scale = scale
        self.palette = class_palette("digits", [str(digit) for digit in range(10)])
        found = load_digits()
        grey = np.rint(found.images * (255 / BRIGHTEST)).astype(np.uint8)
        self._grey = grey.repeat(ENLARGEMENT, axis=1).repeat(ENLARGEMENT, axis=2)
        groups = [np.flatnonzero(found.target == digit).tolist() for digit in range(10)]
        self.positions = in_turn(_part(group, split) for group in groups)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.positions)

    def __getitem__(self, index: int) -> Sample:
        """Return one sample; raise IndexError past the end."""
        digit, position = self.positions[index]
        rgb = np.repeat(self._grey[position][..., None], 3, axis=2)
        return Sample(f"{digit}-{position:04d}", scaled_image(rgb, self.scale), class_label(digit))


def _part(group: list[int], split: str) -> list[int]:
    first, second = len(group) * 7 // 10, len(group) * 8 // 10
    return {"train": group[:first], "val": group[first:second], "test": group[second:]}[split]
