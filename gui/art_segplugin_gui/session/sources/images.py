"""An image, a folder of images, or CamVid; with the label maps that lie beside them."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from art_segplugin.errors import InputError
from art_segplugin.files import file_sha256
from art_segplugin_gui.session.frames import ClassMap, SourceFrame
from art_segplugin_gui.session.sources.base import check_index
from art_segplugin_gui.session.sources.scaling import scaled_down, scaled_labels

if TYPE_CHECKING:
    from art_segplugin.data.folders import ImageFiles

OPAQUE = 255


class ImageSource:
    """Images from files, in the order of their names.

    Args:
        spec: the path that was given.
        data: the files; label maps that cannot be used give a warning instead of an error.
        longest_side: larger images are scaled down.
        named: whether the palette names what the labels are, and is not a guess.
    """

    fps = 2.0
    moving = False
    exact_labels = False

    def __init__(
        self, spec: str, data: "ImageFiles", longest_side: int | None, named: bool
    ) -> None:
        self.spec = spec
        self.name = Path(spec).absolute().name
        self.count = len(data)
        self.longest_side = longest_side
        self._data = data
        self._classes = data.palette.classes if named else ()

    def read(self, index: int) -> SourceFrame:
        """Read an image and its labels."""
        from art_segplugin.data.images import read_image

        check_index(index, self.count, self.name)
        file, label_map = self._data.pairs[index]
        rgb = read_image(file)
        labels, warnings = None, []
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
                labels = scaled_labels(self._labels(label_map, rgb.shape[:2]), self.longest_side)
                origin |= {"labels": str(label_map), "labels_sha256": file_sha256(label_map)}
            except InputError as error:
                warnings.append(f"Labels are not used: {error}")
        image = scaled_down(rgb, self.longest_side)
        return SourceFrame(
            self._data.name(index), index, image, labels, origin, " ".join(warnings), self._classes
        )

    def _labels(self, label_map: Path, size: tuple[int, int]) -> ClassMap:
        from art_segplugin.data.images import read_label_map

        labels = read_label_map(label_map, self._data.palette, rule=self._data.rule)
        if labels.shape != size:
            raise InputError(
                f"{label_map.name} is {labels.shape[1]} x {labels.shape[0]} pixels but its picture "
                f"is {size[1]} x {size[0]}; give both the same size."
            )
        return labels

    def close(self) -> None:
        """Nothing is held open."""


def open_images(spec: str, longest_side: int | None) -> ImageSource:
    """Open an image or a folder.

    Raises:
        InputError: it is not there or holds no image.
    """
    from art_segplugin.data.folders import browse
    from art_segplugin.data.labels import UNAMBIGUOUS

    data = browse(Path(spec))
    return ImageSource(spec, data, longest_side, named=data.rule is not UNAMBIGUOUS)


def transparent(path: Path) -> bool:
    """Whether an image has pixels that one can see through; others are read no further than asked."""
    from PIL import Image

    with contextlib.suppress(OSError, SyntaxError, ValueError), Image.open(path) as opened:
        if opened.mode in ("RGBA", "LA", "PA") or "transparency" in opened.info:
            least, _ = opened.convert("RGBA").getchannel("A").getextrema()
            return least != OPAQUE
    return False
