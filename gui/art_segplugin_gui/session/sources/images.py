"""An image, a folder of images, or CamVid; with the label maps that lie beside them."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from art_segplugin.errors import InputError
from art_segplugin.files import file_sha256
from art_segplugin_gui.session.frames import VOID, ClassMap, SourceFrame
from art_segplugin_gui.session.sources.base import check_index
from art_segplugin_gui.session.sources.scaling import scaled_down, scaled_labels

if TYPE_CHECKING:
    from art_segplugin.data.folders import ImageFiles
    from art_segplugin.data.labels import LabelRule
    from art_segplugin.data.palettes import Palette

OPAQUE = 255


class ImageSource:
    """Images from files, in the order of their names.

    Args:
        spec: the path that was given.
        data: the files; label maps that cannot be used give a warning instead of an error.
        longest_side: larger images are scaled down.
        rule_given: whether somebody said how label maps are read.
    """

    fps = 2.0
    moving = False
    exact_labels = False

    def __init__(
        self, spec: str, data: "ImageFiles", longest_side: int | None, rule_given: bool
    ) -> None:
        self.spec = spec
        self.name = Path(spec).absolute().name
        self.count = len(data)
        self.longest_side = longest_side
        self._data = data
        self._rule_given = rule_given

    def read(self, index: int) -> SourceFrame:
        """Read an image and its labels."""
        from art_segplugin.data.images import read_image

        check_index(index, self.count, self.name)
        file, label_map = self._data.pairs[index]
        rgb = read_image(file)
        labels, plain, line, warnings = None, False, "", []
        classes: tuple[str, ...] = ()
        origin: dict[str, Any] = {
            "spec": self.spec,
            "index": index,
            "path": str(file),
            "sha256": file_sha256(file),
            "longest_side": self.longest_side,
        }
        if transparent(file):
            warnings.append(f"{file.name} has transparency, which is ignored.")
        if label_map is not None:
            try:
                found, known = self._labels(label_map, rgb.shape[:2])
                labels = scaled_labels(found, self.longest_side)
                classes = () if known.numbered else known.classes
                plain = known.numbered and not self._rule_given
                rule = self._data.rule.described(known)
                line = label_line(rule, found)
                origin |= {
                    "labels": str(label_map),
                    "labels_sha256": file_sha256(label_map),
                    "label_rule": rule,
                }
            except InputError as error:
                warnings.append(f"Labels are not used: {error}")
        image = scaled_down(rgb, self.longest_side)
        return SourceFrame(
            name=self._data.name(index),
            index=index,
            image=image,
            labels=labels,
            origin=origin,
            warning=" ".join(warnings),
            classes=classes,
            plain=plain,
            label_line=line,
        )

    def _labels(self, label_map: Path, size: tuple[int, int]) -> "tuple[ClassMap, Palette]":
        """Labels, and the palette that names them, which may be one of numbers."""
        from art_segplugin.data.images import label_pixels
        from art_segplugin.data.labels import UnambiguousLabels

        data, (pixels, colours) = self._data, label_pixels(label_map)
        where = f"label map {label_map}"
        labels = data.by_rule(lambda rule: rule.decode(pixels, data.palette, where, colours))
        known = data.palette
        if isinstance(data.rule, UnambiguousLabels):
            known = data.rule.palette_of(pixels, data.palette)
        if labels.shape != size:
            raise InputError(
                f"{label_map.name} is {labels.shape[1]} x {labels.shape[0]} pixels but its picture "
                f"is {size[1]} x {size[0]}; give both the same size."
            )
        return np.where(labels == data.palette.ignore_index, VOID, labels).astype(np.uint8), known

    def close(self) -> None:
        """Nothing is held open."""


def label_line(rule: str, labels: ClassMap) -> str:
    """What label maps are, for people: the rule, the share of void, the number of classes."""
    void = labels == VOID
    count = len(np.unique(labels[~void]))
    return f"Labels: {rule}. {100 * void.mean():.1f} % void, {count} class{'' if count == 1 else 'es'}."


def open_images(
    spec: str, longest_side: int | None, rule: "LabelRule | None" = None
) -> ImageSource:
    """Open an image or a folder.

    Args:
        spec: its path.
        longest_side: larger images are scaled down.
        rule: how label maps are read, where somebody said it.

    Raises:
        InputError: it is not there or holds no image.
    """
    from art_segplugin.data.folders import browse
    from art_segplugin.data.labels import UnambiguousLabels

    asked = None if rule is None else UnambiguousLabels(**vars(rule))
    return ImageSource(spec, browse(Path(spec), rule=asked), longest_side, rule is not None)


def transparent(path: Path) -> bool:
    """Whether an image has pixels that one can see through; others are read no further than asked."""
    from PIL import Image

    with contextlib.suppress(OSError, SyntaxError, ValueError), Image.open(path) as opened:
        if opened.mode in ("RGBA", "LA", "PA") or "transparency" in opened.info:
            least, _ = opened.convert("RGBA").getchannel("A").getextrema()
            return least != OPAQUE
    return False
