"""The data sets that a word or a path stands for: one table, which opens them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from art_segplugin.data.class_folder import (
    ClassFolder,
    has_pictures,
    is_class_folder,
    subfolders,
)
from art_segplugin.data.class_order import SPLITS
from art_segplugin.data.coco import find_coco, find_labelme, open_coco, open_labelme
from art_segplugin.data.digits import Digits
from art_segplugin.data.folders import ImageFiles, ImageFolder, PairedFolder, open_place
from art_segplugin.data.hf_datasets import HfData
from art_segplugin.data.images import RGB, ImageRule
from art_segplugin.data.labels import INDICES_OR_COLOURS, LabelRule, refined
from art_segplugin.data.layouts import REMEDY, canonical, recognise, recognise_below
from art_segplugin.data.pairing import Pairs, Tree, siblings
from art_segplugin.data.palettes import Palette, numbered_palette
from art_segplugin.data.sample import Dataset, Sample
from art_segplugin.data.scenes import SceneDataset
from art_segplugin.data.torchvision import open_torchvision
from art_segplugin.errors import InputError

A_DATA_SET = (
    "a folder of PASCAL VOC, Cityscapes, ADE20K, LoveDA, CamVid, or of images and label maps"
)
ARCHIVES = (".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")
SCENE_TEXTURES = {"scenes": "real", "scenes:random-textures": "random"}


@dataclass(frozen=True)
class Request:
    """What is asked of a data set; see `open_dataset`.

    What `rule` says goes before the label rule that a data set has of its own, that one before
    `default_rule`; see `refined`.
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
    labels: Path | None = None
    label_suffix: str | None = None


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


def _open_hf(asked: Request) -> Dataset:
    rule = refined(asked.rule, asked.default_rule)
    return HfData(asked.spec, asked.split, asked.palette, asked.scale, rule)


def _open_folder(asked: Request) -> Dataset:
    root = Path(asked.spec)
    folder = _of_split(root, asked.split) or root
    rule = refined(asked.rule, asked.default_rule)
    return ImageFolder(folder, asked.palette, asked.scale, rule)


def _open_layout(asked: Request, *, below: bool = False) -> Dataset:
    place = (recognise_below if below else recognise)(asked.spec)
    assert place is not None
    given = (asked.palette, asked.scale, asked.rule, asked.default_rule)
    return open_place(place, asked.split, *given)


def _siblings(spec: str, split: str) -> tuple[Path, Path] | None:
    """Folders of images and of label maps with names of their own, in a folder or that of a split."""
    root = Path(spec)
    if not root.is_dir():
        return None
    root = _of_split(root, split) or root
    return siblings([folder for folder in subfolders(root) if has_pictures(folder)])


def _open_siblings(asked: Request) -> Dataset:
    found = _siblings(asked.spec, asked.split)
    assert found is not None
    images, labels = found
    data = _open_pairs(replace(asked, spec=str(images), labels=labels))
    data.described = (
        f"recognised as images and label maps by their equal names: {data.described}, images in "
        f"{images}"
    )
    return data


def _open_pairs(asked: Request) -> ImageFiles:
    """Open two folders, or those of the split in both."""
    assert asked.labels is not None
    images, labels, split = Path(asked.spec), asked.labels, ""
    for option, folder in (("--images", images), ("--labels", labels)):
        if not folder.exists():
            raise InputError(
                f"{option} {folder} does not exist; label maps in a folder of their own go with a folder "
                f"of images: {REMEDY}"
            )
    parts = _of_split(images, asked.split), _of_split(labels, asked.split)
    if None not in parts and images != labels:
        images, labels = filter(None, parts)
        split = images.name
    data = PairedFolder(
        images,
        labels,
        refined(asked.rule, asked.default_rule),
        asked.palette or numbered_palette(),
        asked.scale,
        asked.label_suffix,
    )
    data.split = split
    return data


def _of_split(folder: Path, split: str) -> Path | None:
    """The folder of a split in another one."""
    found = [one for one in Tree().folders(folder) if canonical(one.name) == split]
    return found[0] if found else None


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
    "hf-data": DatasetKind(
        "hf-data:NAME",
        "a data set of the Hugging Face hub, or a folder of parquet files, see `HfData`",
        lambda spec, _: spec.startswith("hf-data:"),
        _open_hf,
        needs="the package datasets: pip install 'art-segplugin[data]'",
    ),
    "layout": DatasetKind(
        A_DATA_SET,
        "a data set of `art_segplugin.data.layouts.LAYOUTS`",
        lambda spec, _: Path(spec).is_dir() and recognise(spec) is not None,
        _open_layout,
    ),
    "coco": DatasetKind(
        "a folder with areas of COCO or labelme in JSON files",
        "label maps drawn from areas, see `open_coco`",
        lambda spec, split: (
            Path(spec).exists() and find_coco(Path(spec), canonical(split)) is not None
        ),
        lambda asked: open_coco(Path(asked.spec), canonical(asked.split), asked.scale, asked.rule),
        needs="the package pycocotools: pip install 'art-segplugin[data]'",
    ),
    "labelme": DatasetKind(
        "a folder with areas of COCO or labelme in JSON files",
        "label maps drawn from shapes, see `open_labelme`",
        lambda spec, split: Path(spec).is_dir() and find_labelme(Path(spec), split) is not None,
        lambda asked: open_labelme(Path(asked.spec), asked.split, asked.scale, asked.rule),
    ),
    "siblings": DatasetKind(
        A_DATA_SET,
        "images and label maps",
        lambda spec, split: _siblings(spec, split) is not None,
        _open_siblings,
    ),
    "class-folder": DatasetKind(
        "a folder or zip file of class folders",
        "classification, see `ClassFolder`",
        lambda spec, split: is_class_folder(Path(spec), split),
        lambda asked: ClassFolder(asked.spec, asked.split, asked.scale),
    ),
    "layout-below": DatasetKind(
        A_DATA_SET,
        "the same, one or two folders down",
        lambda spec, _: not Tree().files(Path(spec)) and recognise_below(spec) is not None,
        lambda asked: _open_layout(asked, below=True),
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
    labels: str | Path | None = None,
    label_suffix: str | None = None,
    unlabelled: bool = True,
) -> Dataset:
    """Open a data set of the first of `DATASETS` that recognises it.

    Args:
        spec: A word or a path, see `DATASETS`. Of a folder of images that holds a folder named like
            `split`, that one is read.
        split: "train", "val" or "test", or a split of a data set's own, such as "trainval". Where the
            folder of a split is given, it is that one.
        count: Number of scenes (default 500 to train, 50 otherwise), or at most that many images.
            The first images of classification data sets are balanced between the classes.
        skip: Skip the first so many, such as those that chose a checkpoint.
        scale: Factor on the size of the images.
        palette: Classes of the labels of a folder of images; None for numbers.
        seed: Seed of the scenes.
        size: Height and width of the scenes, before `scale`.
        rule: How the pixels of label maps become class indices, see `art_segplugin.data.labels.refined`;
            None for the data set's own rule.
        default_rule: The same where neither `rule` nor the data set says it, such as the model's.
        pixels: How the pixels of image files become channels.
        labels: Folder of the label maps, for images in `spec` whose label maps are not found.
        label_suffix: What the name of a label map adds to that of its image, see `PairedFolder`.
        unlabelled: Whether images without a label map are taken too.

    Raises:
        InputError: No such folder, no images in it, an unknown split, an image without a label map
            where it needs one, or a package is missing.
    """
    folder = None if labels is None else Path(labels)
    if folder is None and label_suffix is not None:
        raise InputError("--label-suffix is for the label maps in --labels; give that folder too.")
    asked = Request(
        spec, split, count, skip, scale, palette, seed, size, rule, default_rule, folder,
        label_suffix,
    )  # fmt: skip
    data = _open_pairs(asked) if folder is not None else _open(asked)
    found = split_of(data)
    if isinstance(data, ImageFiles) and canonical(split) not in (*SPLITS, canonical(found)):
        raise InputError(
            f"{spec} has no split {split!r}; it {f'is the split {found}' if found else 'has no splits'}: "
            "leave --split out"
        )
    if isinstance(data, ImageFiles | ClassFolder):
        data.pixels = pixels
    elif pixels.channels != 3:
        raise InputError(
            f"data {spec!r} are RGB and the model takes {pixels.channels} channels; give a folder "
            "of images."
        )
    if skip or (count is not None and count < len(data)):
        data = _Part(data, skip, count)
    if not unlabelled:
        check_labelled(data)
    return data


def _open(asked: Request) -> Dataset:
    spec = asked.spec
    for kind in DATASETS.values():
        if kind.recognises(spec, asked.split):
            break
    else:
        known = ", ".join(dict.fromkeys(kind.spec for kind in DATASETS.values()))
        if Path(spec).is_file() and spec.lower().endswith(ARCHIVES):
            raise InputError(f"data {spec!r} is an archive; unpack it and give the folder.")
        raise InputError(f"data {spec!r} is no folder; give {known}.")
    try:
        return kind.open(asked)
    except ModuleNotFoundError as error:
        raise InputError(f"data {spec!r} needs {kind.needs or 'a package'} ({error})") from error


def check_labelled(data: Dataset) -> None:
    """Refuse images without a label map.

    Raises:
        InputError: There are some.
    """
    pairs = pairs_of_files(data)
    missing = [image for image, label_map in pairs if label_map is None]
    if missing:
        raise InputError(
            f"{len(missing)} of {len(pairs)} images have no label map, such as {missing[0]} "
            f"({described(data)}); {REMEDY} [--label-suffix _mask]. To score images without labels "
            "against the model's own clean prediction, evaluate with --unlabelled."
        )


def pairs_of_files(data: Dataset) -> Pairs:
    """Return the images and label maps of a data set, none where its images are not such files."""
    whole, first, last = data, 0, len(data)
    if isinstance(data, _Part):
        whole, first, last = data.data, data.skip, data.skip + data.count
    return list(whole.pairs[first:last]) if isinstance(whole, ImageFiles) else []


def split_of(data: Dataset) -> str:
    """Return what the data set itself calls the split that was opened, "" where that is not known."""
    return getattr(data.data if isinstance(data, _Part) else data, "split", "")


def described(data: Dataset) -> str:
    """Return what was recognised in a folder, "" for other data sets."""
    return getattr(data.data if isinstance(data, _Part) else data, "described", "")


def is_classification(data: Dataset) -> bool:
    """Tell whether the first sample has one class for the whole image: labels of shape (1, 1)."""
    if not len(data):
        return False
    labels = data[0].labels
    return labels is not None and labels.shape == (1, 1)


def label_rule(data: Dataset) -> LabelRule | None:
    """Return the rule by which label files of the data are read; None where there are no files."""
    return getattr(data, "rule", None)


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
