"""Label rules: how the pixels of a label map become class indices."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from art_segplugin.data.palettes import PALETTES, Palette
from art_segplugin.errors import InputError


@dataclass(frozen=True)
class LabelRule:
    """Label maps of class indices, or painted in the colours of the palette.

    Attributes:
        name: What documents call the rule.
        void: Value that marks void in the files, where it is not the palette's `ignore_index`.
    """

    name: str = "indices or colours"
    void: int | None = None

    def decode(
        self, pixels: npt.NDArray[np.integer], palette: Palette, where: str = "the label map"
    ) -> npt.NDArray[np.uint8]:
        """Return the class indices of a label map.

        Args:
            pixels: Integers of shape (h, w), or RGB, uint8 of shape (h, w, 3).
            palette: Which classes there may be.
            where: What messages call the label map.

        Returns:
            Class indices or `palette.ignore_index`, uint8 of shape (h, w).

        Raises:
            InputError: The pixels hold a value or a colour that is neither a class nor void.
        """
        if pixels.ndim == 3:
            try:
                return palette.indices(pixels.astype(np.uint8))
            except InputError as error:
                raise InputError(f"{where}: {error}") from error
        labels = pixels.astype(np.int64)
        if self.void is not None:
            labels = np.where(labels == self.void, palette.ignore_index, labels)
        if unknown := palette.unknown_labels(labels):
            shown = ", ".join(map(str, unknown[:8])) + (", ..." if len(unknown) > 8 else "")
            raise InputError(
                f"{where} holds the labels {shown}; expected 0..{len(palette) - 1} or "
                f"{palette.ignore_index if self.void is None else self.void} for void "
                f"(palette {palette.name!r})"
            )
        return labels.astype(np.uint8)


@dataclass(frozen=True)
class UnambiguousLabels(LabelRule):
    """Class indices, or colours that mean the same in every known palette that has them all."""

    def decode(
        self, pixels: npt.NDArray[np.integer], palette: Palette, where: str = "the label map"
    ) -> npt.NDArray[np.uint8]:
        """Return the class indices of a label map; see `LabelRule.decode`.

        Raises:
            InputError: Neither `palette` nor one of `PALETTES` knows the pixels, or two of them
                read different classes.
        """
        readings, errors = [], []
        for candidate in (palette, *PALETTES.values()):
            try:
                readings.append((candidate, super().decode(pixels, candidate, where)))
            except InputError as error:
                errors.append(error)
        if not readings:
            raise errors[0]
        first, labels = readings[0]
        for other, others in readings[1:]:
            if not np.array_equal(others, labels):
                raise InputError(
                    f"the colours of {where} mean one thing in palette {first.name!r} and another "
                    f"in {other.name!r}; save class indices instead."
                )
        return labels


INDICES_OR_COLOURS = LabelRule()
UNAMBIGUOUS = UnambiguousLabels("unambiguous")
