"""Data sets by a word or a path, as the command line names them."""

from pathlib import Path

from art_segplugin.data.camvid import CamVid
from art_segplugin.data.class_folder import ClassFolder, is_class_folder
from art_segplugin.data.digits import Digits
from art_segplugin.data.folder import ImageFolder
from art_segplugin.data.palettes import PALETTES, Palette
from art_segplugin.data.sample import Dataset, Sample
from art_segplugin.data.scenes import SceneDataset
from art_segplugin.data.torchvision import open_torchvision
from art_segplugin.errors import InputError

SCENE_TEXTURES = {"scenes": "real", "scenes:random-textures": "random"}


def open_dataset(
    spec: str,
    split: str = "val",
    *,
    count: int | None = None,
    skip: int = 0,
    scale: float = 1.0,
    palette: Palette | None = None,
    seed: int = 0,
    size: tuple[int, int] = (360, 480),
) -> Dataset:
    """Open a data set.

    | spec | data set |
    |---|---|
    | `scenes` | rendered street scenes |
    | `scenes:random-textures` | the same scenes under textures and colours drawn at random |
    | a folder with `trainannot` or `valannot` | CamVid |
    | a folder of images | with the label PNGs that are found, see `ImageFolder` |
    | a folder of class folders, or of `train.zip`, or a zip file | classification, see `ClassFolder` |
    | `digits` | scikit-learn's digits: classification |
    | `torchvision:NAME:FOLDER` | classification, see `TorchvisionData` |

    Args:
        spec: See above. Of a folder that holds a folder named like `split`, that one is read.
        split: "train", "val" or "test".
        count: number of scenes (default 500 to train, 50 otherwise), or at most that many images.
            The first images of classification data sets are balanced between the classes.
        skip: leave out so many before them, such as those that chose a checkpoint.
        scale: factor on the size of the images.
        palette: classes of the labels of a folder of images; None for numbers.
        seed: seed of the scenes.
        size: height and width of the scenes, before `scale`.

    Raises:
        InputError: no such folder, no images in it, or an unknown split.
    """
    if spec in SCENE_TEXTURES:
        scaled = (round(size[0] * scale), round(size[1] * scale))
        number = skip + (count or (500 if split == "train" else 50))
        scenes = SceneDataset(number, split, scaled, seed, textures=SCENE_TEXTURES[spec])
        return _part(scenes, skip, None)
    if spec.startswith("scenes:"):
        raise InputError(f"data {spec!r} is unknown; give {' or '.join(SCENE_TEXTURES)}.")
    if spec == "digits":
        return _part(Digits(split, scale), skip, count)
    if spec.startswith("torchvision:"):
        return _part(open_torchvision(spec, split, scale), skip, count)
    root = Path(spec)
    if not root.is_dir() and not is_class_folder(root, split):
        raise InputError(
            f"data {spec!r} is no folder; give 'scenes', 'digits', torchvision:NAME:FOLDER, a "
            "folder of images, or a folder or zip file of class folders."
        )
    if any((root / name).is_dir() for name in ("trainannot", "valannot")):
        return _part(CamVid(root, split, scale), skip, count)
    if is_class_folder(root, split):
        return _part(ClassFolder(root, split, scale), skip, count)
    folder = root / split if (root / split).is_dir() else root
    return _part(ImageFolder(folder, palette, scale), skip, count)


def is_classification(data: Dataset) -> bool:
    """Tell whether the first sample has one class for the whole image: labels of shape (1, 1)."""
    if not len(data):
        return False
    labels = data[0].labels
    return labels is not None and labels.shape == (1, 1)


def known_palette(name: str | None) -> Palette | None:
    """The palette of that name, or None for None.

    Raises:
        InputError: no palette of that name.
    """
    if name is not None and name not in PALETTES:
        raise InputError(f"palette {name!r} is unknown; choose from {', '.join(PALETTES)}.")
    return None if name is None else PALETTES[name]


class _Part:
    """Some samples in a row of another data set."""

    def __init__(self, data: Dataset, skip: int, count: int | None) -> None:
        rest = max(len(data) - skip, 0)
        self.data, self.skip = data, skip
        self.count = rest if count is None else min(count, rest)
        self.palette = data.palette

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < self.count:
            raise IndexError(index)
        return self.data[self.skip + index]


def _part(data: Dataset, skip: int, count: int | None) -> Dataset:
    return _Part(data, skip, count) if skip or count is not None else data
