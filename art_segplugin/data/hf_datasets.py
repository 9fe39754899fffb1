"""Data sets through the Hugging Face `datasets` library: from its hub, or a folder of parquet files."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from art_segplugin.data.class_lists import listed_classes, palette_of_ids
from art_segplugin.data.class_order import (
    class_label,
    class_palette,
    training_part,
    validation_part,
)
from art_segplugin.data.images import check_scale, decode_image, decode_label_pixels, scaled_image
from art_segplugin.data.labels import INDICES_OR_COLOURS, LabelRule
from art_segplugin.data.layouts import canonical
from art_segplugin.data.palettes import PALETTES, Palette, numbered_palette
from art_segplugin.data.resampling import resized_labels
from art_segplugin.data.sample import Sample
from art_segplugin.errors import InputError

IMAGES = ("image", "images", "img", "pixel_values", "photo", "picture", "jpg")
MASKS = (
    "mask", "masks", "label", "labels", "annotation", "annotations", "segmentation",
    "segmentation_mask", "semantic_segmentation", "semantic_mask", "sem_seg", "gt", "label_map",
)  # fmt: skip
"""Names of columns, where there are several of their kind."""
FORM = "hf-data:NAME,image=COLUMN,mask=COLUMN"


class HfData:
    """A split of a data set of images with label maps, or with one class each.

    Where there is no validation split, images 9, 19, 29, ... of "train" are "val" and the others
    "train".

    Args:
        spec: "hf-data:NAME", where NAME is one of the hub or a folder, and after commas options:
            "image" and "mask" name columns where that is not clear, "config" a configuration.
        split: "train", "val", "test" or a name of the data set's own.
        palette: Classes of the label maps; None for those that come with the data, or numbers.
        scale: Factor on height and width.
        rule: How label maps are read.

    Raises:
        InputError: It is not there, has no such split, or columns of which it is not clear what they
            are.
        ModuleNotFoundError: `datasets` is not installed.
    """

    def __init__(
        self,
        spec: str,
        split: str = "val",
        palette: Palette | None = None,
        scale: float = 1.0,
        rule: LabelRule = INDICES_OR_COLOURS,
    ) -> None:
        check_scale(scale)
        name, options = _parsed(spec)
        splits = _loaded(name, options.get("config"))
        self.scale, self.rule = scale, rule
        self.split, held_out = _chosen(name, split, list(splits))
        rows = splits[self.split]
        self._image, self._mask, one_class = _columns(name, rows.features, options)
        self._rows = _undecoded(rows, [self._image, self._mask])
        self.positions = list(range(len(rows)))
        if held_out:
            part = validation_part if held_out == "val" else training_part
            self.positions = part(self.positions)
        if not self.positions:
            if len(rows):
                raise InputError(
                    f"{name} has no {split!r} images, and too few {self.split!r} images to hold some "
                    f"out; pass --split {self.split}"
                )
            raise InputError(f"{name} has no images in split {self.split!r}.")
        self.one_class = one_class
        if one_class:
            self.palette = class_palette(name, rows.features[self._mask].names)
        elif palette is not None and palette.name in PALETTES:
            self.palette = palette
        else:
            self.palette = _named(name) or palette or numbered_palette()
            if palette is not None and palette.ignore_index not in range(len(self.palette)):
                self.palette = _with_void(self.palette, palette.ignore_index)
        part_of = f" (a part of it as {held_out!r})" if held_out else ""
        self.described = (
            f"{name}: split {self.split}{part_of}, {len(self.positions)} images (column "
            f"{self._image}), {'classes' if one_class else 'label maps'} (column {self._mask})"
        )

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.positions)

    def __getitem__(self, index: int) -> Sample:
        """Read one sample; raise IndexError past the end.

        Raises:
            InputError: It cannot be read, or image and label map do not fit.
        """
        position = self.positions[index]
        row = self._rows[position]
        where = f"{position} of split {self.split}"
        rgb = decode_image(_bytes(row[self._image], f"image {where}"), where)
        image = scaled_image(rgb, self.scale)
        name = f"{self.split}-{position:05d}"
        if self.one_class:
            return Sample(name, image, class_label(row[self._mask]))
        label_map = f"label map {where}"
        if isinstance(row[self._mask], list):
            pixels, colours = np.asarray(row[self._mask]), None
        else:
            pixels, colours = decode_label_pixels(_bytes(row[self._mask], label_map), label_map)
        labels = self.rule.decode(pixels, self.palette, label_map, colours)
        if labels.shape != rgb.shape[:2]:
            raise InputError(
                f"{label_map} is {labels.shape[1]}x{labels.shape[0]} pixels but its image is "
                f"{rgb.shape[1]}x{rgb.shape[0]}; give both the same size"
            )
        labels = resized_labels(labels, *image.shape[1:]).astype(np.int64)
        return Sample(name, image, torch.from_numpy(labels))


def _parsed(spec: str) -> tuple[str, dict[str, str]]:
    name, *parts = spec.removeprefix("hf-data:").split(",")
    options = dict(part.partition("=")[::2] for part in parts)
    if not name or set(options) - {"image", "mask", "config"} or not all(options.values()):
        raise InputError(f"data {spec!r} is not of the form {FORM} (or config=NAME).")
    return name, options


def _loaded(name: str, config: str | None) -> Mapping[str, Any]:
    """The splits by name."""
    import datasets
    from datasets.exceptions import DatasetsError

    folder = Path(name).expanduser()
    try:
        if (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file():
            found = datasets.load_from_disk(str(folder))
        else:
            found = datasets.load_dataset(str(folder) if folder.is_dir() else name, config)
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, DatasetsError) as error:
        said = str(error).strip().partition("\n")[0]
        raise InputError(
            f"the data set {name!r} cannot be opened ({said}); give a name of the Hugging Face hub, "
            "or a folder of parquet files"
        ) from error
    return found if isinstance(found, dict) else {str(found.split or "train"): found}


def _chosen(name: str, split: str, names: Sequence[str]) -> tuple[str, str]:
    """The data set's own name of a split, and "train" or "val" where they share one split."""
    ours = {canonical(one): one for one in reversed(names)} | {one: one for one in names}
    if split in ("train", "val") and "train" in ours and "val" not in ours:
        return ours["train"], split
    if split not in ours:
        raise InputError(f"{name} has no split {split!r}; it has {', '.join(names)}: pass --split")
    return ours[split], ""


def _columns(
    name: str, features: Mapping[str, Any], given: Mapping[str, str]
) -> tuple[str, str, bool]:
    """The columns of images, and of label maps or classes; and whether it is classes."""
    import datasets

    for column in (given.get("image"), given.get("mask")):
        if column is not None and column not in features:
            raise InputError(f"{name} has no column {column!r}; it has {', '.join(features)}.")
    pictures = [key for key, kind in features.items() if isinstance(kind, datasets.Image)]
    arrays = [key for key, kind in features.items() if isinstance(kind, datasets.Array2D)]
    classes = [key for key, kind in features.items() if isinstance(kind, datasets.ClassLabel)]
    masks = [key for key in (*pictures, *arrays) if key.lower() in MASKS]
    if len(pictures) == 2 and not masks:
        masks = [key for key in pictures if key.lower() not in IMAGES]
    images = [key for key in pictures if key not in masks and key != given.get("mask")]
    if len(images) > 1:
        images = [key for key in images if key.lower() in IMAGES]
    image = [given["image"]] if "image" in given else images
    mask = [given["mask"]] if "mask" in given else [key for key in masks if key not in image]
    if not mask and len(classes) == 1:
        mask = classes
    if len(image) != 1 or len(mask) != 1:
        raise InputError(
            f"which columns of {name} are images and label maps is not clear (it has "
            f"{', '.join(features)}); give {FORM}"
        )
    return image[0], mask[0], mask[0] in classes


def _undecoded(rows: Any, columns: Sequence[str]) -> Any:
    """Give the bytes of image files instead of images: only the file tells how it is to be read."""
    import datasets

    for column in columns:
        if isinstance(rows.features[column], datasets.Image):
            rows = rows.cast_column(column, datasets.Image(decode=False))
    return rows


def _bytes(value: Any, where: str) -> bytes:
    if not isinstance(value, dict):
        raise InputError(f"{where} is missing.")
    data = value.get("bytes")
    try:
        return bytes(data) if data else Path(value.get("path") or "").read_bytes()
    except OSError as error:
        raise InputError(f"{where} cannot be read ({error})") from error


def _named(name: str) -> Palette | None:
    """Names of the classes, where `id2label.json` lies beside the data."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        return listed_classes([file for file in folder.iterdir() if file.is_file()])
    from huggingface_hub import hf_hub_download

    try:
        file = hf_hub_download(name, "id2label.json", repo_type="dataset")
        return palette_of_ids(name, json.loads(Path(file).read_text(encoding="utf-8")))
    except (OSError, ValueError, AttributeError):  # few have one; numbers do as well
        return None


def _with_void(palette: Palette, void: int) -> Palette:
    return palette if void == palette.ignore_index else replace(palette, ignore_index=void)
