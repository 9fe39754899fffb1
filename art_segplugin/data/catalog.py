"""Data sets by a word or a path, as the command line names them."""

from pathlib import Path

from art_segplugin.data.camvid import CamVid
from art_segplugin.data.folder import ImageFolder
from art_segplugin.data.palettes import PALETTES, Palette
from art_segplugin.data.sample import Dataset, Sample
from art_segplugin.data.scenes import SceneDataset
from art_segplugin.errors import InputError


def open_dataset(
    spec: str,
    split: str = "val",
    *,
    count: int | None = None,
    scale: float = 1.0,
    palette: Palette | None = None,
    seed: int = 0,
    size: tuple[int, int] = (360, 480),
) -> Dataset:
    """Open "scenes", a CamVid folder, or a folder of images with label PNGs.

    Args:
        spec: "scenes" for rendered street scenes, else a folder. One that holds `trainannot` or
            `valannot` is read as CamVid; one that holds a folder named like `split`, from there.
        split: "train", "val" or "test".
        count: number of scenes (default 500 to train, 50 otherwise), or at most that many images.
        scale: factor on the size of the images.
        palette: classes of the labels of a plain folder; None for numbers.
        seed: seed of the scenes.
        size: height and width of the scenes, before `scale`.

    Raises:
        InputError: no such folder, no images in it, or an unknown split.
    """
    if spec == "scenes":
        scaled = (round(size[0] * scale), round(size[1] * scale))
        return SceneDataset(count or (500 if split == "train" else 50), split, scaled, seed)
    root = Path(spec)
    if not root.is_dir():
        raise InputError(f"data {spec!r} is no folder; give 'scenes' or a folder of images.")
    if any((root / name).is_dir() for name in ("trainannot", "valannot")):
        return _first(CamVid(root, split, scale), count)
    folder = root / split if (root / split).is_dir() else root
    return _first(ImageFolder(folder, palette, scale), count)


def known_palette(name: str | None) -> Palette | None:
    """The palette of that name, or None for None.

    Raises:
        InputError: no palette of that name.
    """
    if name is not None and name not in PALETTES:
        raise InputError(f"palette {name!r} is unknown; choose from {', '.join(PALETTES)}.")
    return None if name is None else PALETTES[name]


class _First:
    """The first samples of another data set."""

    def __init__(self, data: Dataset, count: int) -> None:
        self.data, self.count = data, min(count, len(data))
        self.palette = data.palette

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < self.count:
            raise IndexError(index)
        return self.data[index]


def _first(data: Dataset, count: int | None) -> Dataset:
    return data if count is None else _First(data, count)
