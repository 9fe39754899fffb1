"""Classification data sets through torchvision's own classes, from files that are already there."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from art_segplugin.data.class_order import (
    check_split,
    class_label,
    class_palette,
    in_turn,
    share_out,
)
from art_segplugin.data.images import check_scale, scaled_image
from art_segplugin.data.sample import Sample
from art_segplugin.errors import InputError
from art_segplugin.torchvision_build import import_torchvision

SHORTER_SIDE, CROP = 256, 224
"""Images of different sizes are seen as networks for ImageNet are usually evaluated."""


@dataclass(frozen=True)
class Source:
    """How one class of torchvision is asked for a split.

    Attributes:
        splits: Our name of each split it has, and the argument that asks for it.
        one_size: False where its images have sizes of their own.
    """

    splits: dict[str, dict[str, Any]]
    one_size: bool = True


_TRAIN_FLAG = Source({"train": {"train": True}, "test": {"train": False}})
_TRAIN_TEST = Source({"train": {"split": "train"}, "test": {"split": "test"}})
SOURCES = {
    "MNIST": _TRAIN_FLAG,
    "FashionMNIST": _TRAIN_FLAG,
    "KMNIST": _TRAIN_FLAG,
    "CIFAR10": _TRAIN_FLAG,
    "CIFAR100": _TRAIN_FLAG,
    "SVHN": _TRAIN_TEST,
    "STL10": _TRAIN_TEST,
    "ImageNet": Source({"train": {"split": "train"}, "val": {"split": "val"}}, one_size=False),
}


class TorchvisionData:
    """One of torchvision's classification data sets; nothing is downloaded.

    Where torchvision has no validation images, images 9, 19, 29, ... of each class of its training
    images are "val" and the other nine tenths "train". Samples come class by class in turn. Labels
    have shape (1, 1). Grey images become RGB. Images of ImageNet are resized to a shorter side of
    256 pixels and cropped to the 224 x 224 in the middle; torchvision unpacks the archives of
    ImageNet beside them where that was not done before.

    Args:
        name: One of `SOURCES`.
        folder: Its `root` in torchvision.
        split: "train", "val" or "test".
        scale: Factor on height and width, after the crop.

    Raises:
        InputError: An unknown name or split, files that are missing or broken, or torchvision is
            not installed or does not fit the installed torch.
    """

    def __init__(
        self, name: str, folder: str | Path, split: str = "train", scale: float = 1.0
    ) -> None:
        if name not in SOURCES:
            raise InputError(
                f"torchvision data set {name!r} is unknown; choose from {', '.join(SOURCES)}"
            )
        check_split(split)
        check_scale(scale)
        splits = SOURCES[name].splits
        source = "train" if split == "val" and "val" not in splits else split
        if source not in splits:
            raise InputError(f"{name} has no {split!r} images; it has {' and '.join(splits)}")
        self.name, self.scale = name, scale
        self._data = _load(name, Path(folder).expanduser(), splits[source])
        labels = self._data.targets if hasattr(self._data, "targets") else self._data.labels
        groups = _by_class(np.asarray(labels))
        self.palette = class_palette(name, _class_names(self._data, len(groups)))
        self.positions = in_turn(share_out(groups, split, splits))
        if not self.positions:
            raise InputError(f"{name} in {folder} holds no {split!r} images; download it anew")

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.positions)

    def __getitem__(self, index: int) -> Sample:
        """Read one sample; raise IndexError past the end.

        Raises:
            InputError: The image cannot be read.
        """
        number, position = self.positions[index]
        # "T-shirt/top" and "0 - zero" are to be names of files
        name = re.sub(r"[^\w.]+", "-", self.palette.classes[number]) + f"-{position:05d}"
        try:
            image = self._data[position][0].convert("RGB")
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise InputError(
                f"image {position} of {self.name} cannot be read ({error}); download it anew"
            ) from error
        if not SOURCES[self.name].one_size:
            image = _evaluation_view(image)
        return Sample(name, scaled_image(np.array(image), self.scale), class_label(number))


def open_torchvision(spec: str, split: str = "train", scale: float = 1.0) -> TorchvisionData:
    """Open "torchvision:NAME:FOLDER"; the folder may hold colons.

    Raises:
        InputError: The name or the folder is missing, or see `TorchvisionData`.
    """
    parts = spec.split(":", 2)
    if len(parts) < 3 or not parts[2]:
        raise InputError(
            f"data {spec!r} names no folder; give torchvision:NAME:FOLDER, for example "
            "torchvision:CIFAR10:downloads"
        )
    return TorchvisionData(parts[1], parts[2], split, scale)


def _load(name: str, folder: Path, arguments: dict[str, Any]) -> Any:
    try:
        maker = getattr(import_torchvision("torchvision.datasets"), name)
    except ImportError as error:
        raise InputError(
            f"data set {name} needs torchvision ({error}): pip install 'art-segplugin[models]'"
        ) from error
    except RuntimeError as error:
        raise InputError(
            f"torchvision cannot be imported ({error}): install the torchvision that was built for "
            "this torch, from the same index (cpu or cuda)"
        ) from error
    try:
        return maker(str(folder), **arguments)
    except ImportError as error:
        raise InputError(f"data set {name} needs a package that is missing ({error})") from error
    except (RuntimeError, OSError, ValueError, EOFError, AssertionError) as error:
        raise InputError(
            f"torchvision finds no usable files of {name} in {folder} ({error}); "
            + _how_to_get(name, folder, arguments)
        ) from error


def _how_to_get(name: str, folder: Path, arguments: dict[str, Any]) -> str:
    if name == "ImageNet":
        return (
            f"put ILSVRC2012_devkit_t12.tar.gz and ILSVRC2012_img_{arguments['split']}.tar from "
            "https://image-net.org there"
        )
    given = "".join(f"{key}={value!r}, " for key, value in arguments.items())
    return (
        f"download them in Python: from torchvision.datasets import {name}; "
        f"{name}({str(folder)!r}, {given}download=True)"
    )


def _by_class(labels: np.ndarray[Any, Any]) -> list[list[int]]:
    """Return the positions of each class, in order."""
    order = np.argsort(labels, kind="stable")
    counts = np.bincount(labels)
    return [part.tolist() for part in np.split(order, np.cumsum(counts)[:-1])]


def _class_names(data: Any, count: int) -> list[str]:
    """Return distinct names: ImageNet has two classes called crane, and several words for most."""
    # SVHN names none
    given = getattr(data, "classes", None) or [str(number) for number in range(count)]
    words = [[name] if isinstance(name, str) else list(name) for name in given]
    often = Counter(name[0] for name in words)
    names = [name[0] if often[name[0]] == 1 else ", ".join(name) for name in words]
    again = Counter(names)
    return [name if again[name] == 1 else f"{name} ({number})" for number, name in enumerate(names)]


def _evaluation_view(image: Image.Image) -> Image.Image:
    """Resize the shorter side to 256 pixels and crop the middle, as torchvision's transforms do."""
    shorter = min(image.size)
    width, height = (int(SHORTER_SIDE * side / shorter) for side in image.size)
    left, top = round((width - CROP) / 2), round((height - CROP) / 2)
    resized = image.resize((width, height), Image.Resampling.BILINEAR)
    return resized.crop((left, top, left + CROP, top + CROP))
