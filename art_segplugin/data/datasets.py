"""The data sets that a word or a path stands for: one table, which opens them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from art_segplugin.data.class_folder import ClassFolder, is_class_folder
from art_segplugin.data.digits import Digits
from art_segplugin.data.folders import CamVid, ImageFiles, ImageFolder
from art_segplugin.data.images import RGB, ImageRule
from art_segplugin.data.labels import INDICES_OR_COLOURS, LabelRule
from art_segplugin.data.palettes import PALETTES, Palette
from art_segplugin.data.sample import Dataset, Sample
from art_segplugin.data.scenes import SceneDataset
from art_segplugin.data.torchvision import open_torchvision
from art_segplugin.errors import InputError

SCENE_TEXTURES = {"scenes": "real", "scenes:random-textures": "random"}


@dataclass(frozen=True)
class Request:
    """What is asked of a data set; see `open_dataset`.

    `rule` goes before the label rule that a data set has of its own, that one before `default_rule`.
    """

    spec: str
    split: str
    count: int | None
    skip: int
    scale: float
    palette: Palette | None
    seed: int
    size: tuple[int, int]
    rule: LabelRule | None
    default_rule: LabelRule


@dataclass(frozen=True)
class DatasetKind:
    """One kind of data set.

    Attributes:
        spec: How it is given, for help and messages.
        holds: What it is, in a few words.
        recognises: Tells from the given word or path and the split whether it is of this kind.
        open: Opens it; `count` and `skip` may be left to the caller.
        needs: Package that it needs beyond those that are always installed.
    """

    spec: str
    holds: str
    recognises: Callable[[str, str], bool]
    open: Callable[[Request], Dataset]
    needs: str = ""


def _open_scenes(asked: Request) -> Dataset:
    if asked.spec not in SCENE_TEXTURES:
        raise InputError(f"data {asked.spec!r} is unknown; give {' or '.join(SCENE_TEXTURES)}.")
    height, width = asked.size
    default = 500 if asked.split == "train" else 50
    return SceneDataset(
        asked.skip + (default if asked.count is None else asked.count),
        asked.split,
        (round(height * asked.scale), round(width * asked.scale)),
        asked.seed,
        textures=SCENE_TEXTURES[asked.spec],
    )


def _open_folder(asked: Request) -> Dataset:
    root = Path(asked.spec)
    folder = root / asked.split if (root / asked.split).is_dir() else root
    return ImageFolder(folder, asked.palette, asked.scale, asked.rule or asked.default_rule)


DATASETS = {
    "scenes": DatasetKind(
        "'scenes'",
        "rendered street scenes; 'scenes:random-textures' draws their surfaces at random",
        lambda spec, _: spec.partition(":")[0] == "scenes",
        _open_scenes,
    ),
    "digits": DatasetKind(
        "'digits'",
        "the digits of scikit-learn: classification",
        lambda spec, _: spec == "digits",
        lambda asked: Digits(asked.split, asked.scale),
        needs="scikit-learn",
    ),
    "torchvision": DatasetKind(
        "torchvision:NAME:FOLDER",
        "classification, see `TorchvisionData`",
        lambda spec, _: spec.startswith("torchvision:"),
        lambda asked: open_torchvision(asked.spec, asked.split, asked.scale),
        needs="torchvision",
    ),
    "camvid": DatasetKind(
        "a folder with 'trainannot' or 'valannot'",
        "CamVid",
        lambda spec, _: CamVid.lies_in(Path(spec)),
        lambda asked: CamVid(asked.spec, asked.split, asked.scale, asked.rule or CamVid.rule),
    ),
    "class-folder": DatasetKind(
        "a folder or zip file of class folders",
        "classification, see `ClassFolder`",
        lambda spec, split: is_class_folder(Path(spec), split),
        lambda asked: ClassFolder(asked.spec, asked.split, asked.scale),
    ),
    "folder": DatasetKind(
        "a folder of images",
        "images with the label PNGs that are found, see `ImageFolder`",
        lambda spec, _: Path(spec).is_dir(),
        _open_folder,
    ),
}
"""Kinds of data sets by name. The first that recognises what is given opens it."""


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
    rule: LabelRule | None = None,
    default_rule: LabelRule = INDICES_OR_COLOURS,
    pixels: ImageRule = RGB,
) -> Dataset:
    """Open a data set of the first of `DATASETS` that recognises it.

    Args:
        spec: A word or a path, see `DATASETS`. Of a folder of images that holds a folder named like
            `split`, that one is read.
        split: "train", "val" or "test".
        count: Number of scenes (default 500 to train, 50 otherwise), or at most that many images.
            The first images of classification data sets are balanced between the classes.
        skip: Skip the first so many, such as those that chose a checkpoint.
        scale: Factor on the size of the images.
        palette: Classes of the labels of a folder of images; None for numbers.
        seed: Seed of the scenes.
        size: Height and width of the scenes, before `scale`.
        rule: How the pixels of label maps become class indices; None for the data set's own rule.
        default_rule: The same where neither `rule` nor the data set says it, such as the model's.
        pixels: How the pixels of image files become channels.

    Raises:
        InputError: No such folder, no images in it, an unknown split, or a package is missing.
    """
    for kind in DATASETS.values():
        if kind.recognises(spec, split):
            break
    else:
        known = ", ".join(kind.spec for kind in DATASETS.values())
        raise InputError(f"data {spec!r} is no folder; give {known}.")
    try:
        data = kind.open(
            Request(spec, split, count, skip, scale, palette, seed, size, rule, default_rule)
        )
    except ModuleNotFoundError as error:
        raise InputError(f"data {spec!r} needs {kind.needs or 'a package'} ({error})") from error
    if isinstance(data, ImageFiles | ClassFolder):
        data.pixels = pixels
    elif pixels.channels != 3:
        raise InputError(
            f"data {spec!r} are RGB and the model takes {pixels.channels} channels; give a folder "
            "of images."
        )
    return _Part(data, skip, count) if skip or (count is not None and count < len(data)) else data


def is_classification(data: Dataset) -> bool:
    """Tell whether the first sample has one class for the whole image: labels of shape (1, 1)."""
    if not len(data):
        return False
    labels = data[0].labels
    return labels is not None and labels.shape == (1, 1)


def label_rule(data: Dataset) -> LabelRule | None:
    """Return the rule by which label files of the data are read; None where there are no files."""
    return getattr(data, "rule", None)


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
        self.palette, self.rule = data.palette, label_rule(data)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < self.count:
            raise IndexError(index)
        return self.data[self.skip + index]
