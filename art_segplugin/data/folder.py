"""A plain folder of pictures, with label PNGs where there are any."""

from collections import Counter
from pathlib import Path

from art_segplugin.data.palettes import Palette, numbered_palette
from art_segplugin.data.pictures import PICTURE_SUFFIXES, check_scale, load_sample
from art_segplugin.data.sample import Sample
from art_segplugin.errors import InputError

LABEL_ENDINGS = ("", "_label", "_labels", "_L")
LABEL_FOLDERS = ("labels", "masks")


class ImageFolder:
    """The pictures of a folder, in the order of their names.

    The label map of `a.jpg` is `a.png`, `a_label.png`, `a_labels.png` or `a_L.png`: beside it, in a
    sister folder called like its own folder with `annot` added, or in `labels` or `masks` beside or
    below its folder. It holds class indices, or the colours of the palette. A picture without one
    gives a sample whose labels are None. Of `root/images` and `root/labels`, give `root` or
    `root/images`.

    Args:
        root: The folder, or a single picture.
        palette: Classes of the label maps; by default numbers up to 254, with 255 for void.
        scale: Factor on height and width.

    Raises:
        InputError: The folder is not there or holds no picture.
    """

    def __init__(
        self, root: str | Path, palette: Palette | None = None, scale: float = 1.0
    ) -> None:
        check_scale(scale)
        root = Path(root).absolute()
        if not root.exists():
            raise InputError(f"{root} does not exist; give a picture or a folder of pictures")
        self.palette = palette or numbered_palette()
        self.scale = scale
        if root.is_file():
            self.pairs = [(root, find_label_map(root))]
        else:
            self.pairs = _pairs(root) or _pairs(root / "images")
        if not self.pairs:
            raise InputError(
                f"folder {root} holds no picture; expected files ending in "
                + ", ".join(PICTURE_SUFFIXES)
            )
        self._stems = Counter(picture.stem for picture, _ in self.pairs)

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.pairs)

    def __getitem__(self, index: int) -> Sample:
        """Read one sample; raise IndexError past the end."""
        picture, label_map = self.pairs[index]
        name = picture.stem if self._stems[picture.stem] == 1 else picture.name
        return load_sample(name, picture, label_map, self.palette, self.scale)


def find_label_map(picture: Path) -> Path | None:
    """Return the label map that belongs to a picture, None where there is none."""
    folder = picture.parent
    places = [folder, folder.with_name(f"{folder.name}annot")]
    places += [parent / name for parent in (folder.parent, folder) for name in LABEL_FOLDERS]
    for place in places:
        for ending in LABEL_ENDINGS:
            candidate = place / f"{picture.stem}{ending}.png"
            if candidate != picture and candidate.is_file():
                return candidate
    return None


def _pairs(folder: Path) -> list[tuple[Path, Path | None]]:
    """Return pictures and their label maps; label maps are not pictures themselves."""
    if not folder.is_dir():
        return []
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in PICTURE_SUFFIXES)
    label_maps = {file: find_label_map(file) for file in files}
    beside = set(label_maps.values())
    return [(file, label_map) for file, label_map in label_maps.items() if file not in beside]
