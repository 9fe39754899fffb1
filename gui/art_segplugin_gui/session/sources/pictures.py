"""A picture, a folder of pictures, or CamVid; with the label maps that lie beside them."""

import contextlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from art_segplugin.errors import InputError
from art_segplugin.files import file_sha256
from art_segplugin_gui.session.frames import SourceFrame
from art_segplugin_gui.session.sources.base import check_index
from art_segplugin_gui.session.sources.labels import read_labels
from art_segplugin_gui.session.sources.scaling import scaled_down, scaled_labels

SPLITS = ("test", "val", "train")
"""Folders that are looked into where a folder itself holds no picture, in this order."""
OPAQUE = 255


class PictureSource:
    """Pictures from files, in the order of their names.

    Args:
        spec: the path that was given.
        pairs: absolute paths of pictures and of their label maps.
        longest_side: larger pictures are scaled down.
        void: value that marks void in the label maps of CamVid; None for other label maps.
    """

    fps = 2.0
    moving = False
    exact_labels = False

    def __init__(
        self,
        spec: str,
        pairs: Sequence[tuple[Path, Path | None]],
        longest_side: int | None,
        void: int | None = None,
    ) -> None:
        self.spec = spec
        self.name = Path(spec).absolute().name
        self.count = len(pairs)
        self.longest_side = longest_side
        self.void = void
        self._pairs = pairs
        self._stems = Counter(picture.stem for picture, _ in pairs)

    def read(self, index: int) -> SourceFrame:
        """Read a picture and its labels."""
        from art_segplugin.data.pictures import read_picture

        check_index(index, self.count, self.name)
        picture, label_map = self._pairs[index]
        rgb = read_picture(picture)
        labels, warning = None, ""
        origin: dict[str, Any] = {
            "spec": self.spec,
            "index": index,
            "path": str(picture),
            "sha256": file_sha256(picture),
            "longest_side": self.longest_side,
        }
        if transparent(picture):
            warning = f"{picture.name} has transparency, which is ignored."
        if label_map is not None:
            labels, of_labels = read_labels(label_map, rgb.shape[:2], self.void)
            warning = " ".join(filter(None, (warning, of_labels)))
        if label_map is not None and labels is not None:
            labels = scaled_labels(labels, self.longest_side)
            origin |= {"labels": str(label_map), "labels_sha256": file_sha256(label_map)}
        name = picture.stem if self._stems[picture.stem] == 1 else picture.name
        image = scaled_down(rgb, self.longest_side)
        return SourceFrame(name, index, image, labels, origin, warning, self._classes)

    @property
    def _classes(self) -> tuple[str, ...]:
        """What CamVid's labels name; of other label maps nobody knows."""
        from art_segplugin.data.palettes import CAMVID

        return () if self.void is None else CAMVID.classes

    def close(self) -> None:
        """Nothing is held open."""


def open_pictures(spec: str, longest_side: int | None) -> PictureSource:
    """Open a picture or a folder.

    Raises:
        InputError: it is not there or holds no picture.
    """
    from art_segplugin.data.camvid import VOID

    path = Path(spec).absolute()
    camvid = _camvid_folder(path if path.is_dir() else path.parent)
    folder = camvid if camvid is not None and path.is_dir() else path
    return PictureSource(spec, _pairs(folder), longest_side, VOID if camvid is not None else None)


def _pairs(path: Path) -> list[tuple[Path, Path | None]]:
    from art_segplugin.data.folder import ImageFolder

    try:
        return ImageFolder(path).pairs
    except InputError:
        for split in SPLITS:
            if (path / split).is_dir():
                with contextlib.suppress(InputError):
                    return ImageFolder(path / split).pairs
        raise


def _camvid_folder(folder: Path) -> Path | None:
    """The folder of CamVid's pictures that `folder` is or holds; None where it is not CamVid."""
    if any((folder / f"{split}annot").is_dir() for split in ("train", "val")):
        return next(folder / split for split in SPLITS if (folder / f"{split}annot").is_dir())
    beside = any((folder.parent / f"{split}annot").is_dir() for split in ("train", "val"))
    return folder if beside and folder.name in SPLITS else None


def transparent(path: Path) -> bool:
    """Whether a picture has pixels that one can see through; others are read no further than asked."""
    from PIL import Image

    with contextlib.suppress(OSError, SyntaxError, ValueError), Image.open(path) as opened:
        if opened.mode in ("RGBA", "LA", "PA") or "transparency" in opened.info:
            least, _ = opened.convert("RGBA").getchannel("A").getextrema()
            return least != OPAQUE
    return False
