"""Label maps drawn from areas in JSON files: those of COCO, and those of labelme.

What no area covers is background, class 0. Lin et al.: Microsoft COCO: Common Objects in Context,
ECCV 2014; the file format is that of https://cocodataset.org/#format-data.
"""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageDraw

from art_segplugin.data.class_lists import named_palette
from art_segplugin.data.class_order import SPLITS
from art_segplugin.data.folders import ImageFiles
from art_segplugin.data.images import read_image, scaled_image
from art_segplugin.data.labels import INDICES, LabelRule, refined
from art_segplugin.data.layouts import canonical
from art_segplugin.data.pairing import Tree
from art_segplugin.data.palettes import Palette
from art_segplugin.data.resampling import resized_labels
from art_segplugin.data.sample import Sample
from art_segplugin.errors import InputError

ANY_SPLIT = ("_annotations.coco.json", "annotations.json", "coco.json", "result.json")
"""Names of files of areas that say nothing of a split."""
BACKGROUND = "background"

Labels = npt.NDArray[np.int64]


class DrawnAreas(ImageFiles):
    """Images whose label maps are drawn from areas.

    Args:
        pairs: Files of the images and of the areas.
        palette: Names of the classes.
        rule: What becomes of the classes drawn; for example background may be void.
        scale: Factor on height and width.
        described: What was recognised, in a few words.
        split: What the data set calls the split.
        draw: Draws the label map (h, w) of image `index` of height h and width w.
    """

    def __init__(
        self,
        pairs: Sequence[tuple[Path, Path]],
        palette: Palette,
        rule: LabelRule,
        scale: float,
        described: str,
        split: str,
        draw: Any,
    ) -> None:
        super().__init__(pairs, palette, rule, scale, described, split)
        self._draw = draw

    def __getitem__(self, index: int) -> Sample:
        """Read one sample; raise IndexError past the end."""
        image, areas = self.pairs[index]
        rgb = read_image(image, self.pixels)
        try:
            drawn = self._draw(index)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            raise InputError(
                f"an area of {image.name} in {areas} cannot be drawn ({error})"
            ) from error
        height, width = rgb.shape[:2]
        if drawn.shape != (height, width):
            raise InputError(
                f"{areas} says that {image.name} is {drawn.shape[1]}x{drawn.shape[0]} pixels, but it "
                f"is {width}x{height}"
            )
        labels = self.rule.decode(drawn, self.palette, f"the label map of {image}")
        scaled = scaled_image(rgb, self.scale)
        small = resized_labels(labels, *scaled.shape[1:]).astype(np.int64)
        return Sample(self.name(index), scaled, torch.from_numpy(small))


# COCO


@dataclass(frozen=True)
class CocoFile:
    """A file of areas: where it is, the folder of the images, and its split ("" if it has none)."""

    path: Path
    root: Path
    split: str


def find_coco(path: Path, split: str) -> CocoFile | None:
    """Return the file of areas that a path is or holds for a split, None where there is none.

    Raises:
        InputError: There are several, or only those of other splits.
    """
    if path.is_file():
        return CocoFile(path, path.parent, "") if path.suffix.lower() == ".json" else None
    tree, found = Tree(), []
    parts = [one for one in tree.folders(path) if canonical(one.name) in SPLITS]
    places = [(one, one.name) for one in parts] + [(path, "")]
    below = tree.folder(path, "annotations")
    for folder, part in places + ([(below, "")] if below is not None else []):
        for file in tree.files(folder, (".json",)):
            name = file.name.lower()
            words = [canonical(word) for word in re.split(r"[^a-z]+", name)]
            own = part or next((word for word in words if word in SPLITS), "")
            if name in ANY_SPLIT or (name.startswith(("instances_", "coco_")) or "coco" in words):
                if name in ("annotations.json", "result.json") and not _is_coco(file):
                    continue
                found.append(CocoFile(file, path if folder == below else folder, own))
    chosen = [one for one in found if canonical(one.split) == split]
    chosen = chosen or [one for one in found if not one.split]
    if len(chosen) > 1:
        raise InputError(
            f"{path} has two files of areas, {chosen[0].path.name} and {chosen[1].path.name}; give "
            "one of them as the data"
        )
    if found and not chosen:
        names = ", ".join(dict.fromkeys(one.split for one in found))
        raise InputError(f"{path} has no areas for split {split!r}; it has {names}: pass --split")
    return chosen[0] if chosen else None


def open_coco(
    path: Path, split: str, scale: float = 1.0, rule: LabelRule | None = None
) -> DrawnAreas:
    """Open a data set of COCO-style areas.

    Class 0 is background, and the categories follow in the order of their ids; a category called
    "background" is class 0. Where areas overlap, the smaller one is on top, and of equal ones the
    later one. Crowds are of their category, below everything else.

    Args:
        path: See `find_coco`.
        split: "train", "val" or "test".
        scale: Factor on height and width.
        rule: What becomes of the classes drawn, such as 0 as void.

    Raises:
        InputError: There is no such file, it is not COCO-style, has boxes only, or images are missing.
        ModuleNotFoundError: `pycocotools` is not installed.
    """
    found = find_coco(path, split)
    assert found is not None
    content = _json(found.path)
    if not _is_coco_content(content):
        raise InputError(
            f"{found.path} is not COCO-style; expected lists of images, annotations and categories"
        )
    try:
        names = {int(one["id"]): str(one["name"]) for one in content["categories"]}
        others = [key for key in sorted(names) if names[key].lower() != BACKGROUND]
        places = dict.fromkeys(names, 0) | {key: n for n, key in enumerate(others, 1)}
        areas: dict[Any, list[Mapping[str, Any]]] = defaultdict(list)
        for one in content["annotations"]:
            if one["category_id"] not in places:
                raise InputError(f"{found.path} has no category {one['category_id']}")
            if one.get("segmentation"):
                areas[one["image_id"]].append(one)
        if content["annotations"] and not areas:
            raise InputError(f"{found.path} has boxes only; label maps need areas (segmentation)")
        images = list(content["images"])
        pairs = [(file, found.path) for file in _files([i["file_name"] for i in images], found)]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{found.path} is not COCO-style ({error!r} is wrong)") from error
    import pycocotools.mask  # noqa: F401 - said here rather than at the first image

    def draw(index: int) -> Labels:
        image = images[index]
        return _coco_labels(areas[image["id"]], places, int(image["height"]), int(image["width"]))

    described = (
        f"recognised as COCO-style areas in {found.path}: {len(pairs)} images; smaller areas are on "
        f"top, crowds below, and pixels without an area are {BACKGROUND} (--label-map 0=void to leave "
        "them out)"
    )
    palette = named_palette(found.path.name, (BACKGROUND, *(names[key] for key in others)))
    return DrawnAreas(pairs, palette, refined(rule, INDICES), scale, described, found.split, draw)


def _coco_labels(
    areas: Sequence[Mapping[str, Any]], places: Mapping[int, int], height: int, width: int
) -> Labels:
    from pycocotools import mask as rle

    drawn = []
    for area in areas:
        shape = area["segmentation"]
        if isinstance(shape, list):
            polygons = [polygon for polygon in shape if len(polygon) >= 6]
            if not polygons:
                continue
            coded = rle.merge(rle.frPyObjects(polygons, height, width))
        elif list(shape["size"]) != [height, width]:
            raise ValueError(f"size {shape['size']}")
        elif isinstance(shape["counts"], list):
            if sum(shape["counts"]) != height * width:
                raise ValueError("counts of another size")
            coded = rle.frPyObjects(shape, height, width)
        else:
            coded = shape
        drawn.append((bool(area.get("iscrowd")), rle.decode(coded).astype(bool), area))
    labels = np.zeros((height, width), np.int64)
    for _, mask, area in sorted(drawn, key=lambda one: (not one[0], -int(one[1].sum()))):
        labels[mask] = places[area["category_id"]]
    return labels


def _files(names: Sequence[str], found: CocoFile) -> list[Path]:
    """The image files of some names, in the folder of the split where several are called so."""
    by_name: dict[str, list[Path]] = defaultdict(list)
    for file in Tree().all_files(found.root):
        by_name[file.name].append(file)
    files: list[Path] = []
    missing: list[Path] = []
    for name in names:
        end = "/" + name.replace("\\", "/").lstrip("/")
        called = by_name[end.rpartition("/")[2]]
        fitting = [file for file in called if file.as_posix().endswith(end)] or called
        if len(fitting) > 1 and found.split:
            words = {file: re.split(r"[^a-z]+", str(file.parent).lower()) for file in fitting}
            same = [f for f in fitting if canonical(found.split) in map(canonical, words[f])]
            fitting = same or fitting
        if len(fitting) > 1:
            raise InputError(f"{name!r} of {found.path} may be {fitting[0]} or {fitting[1]}")
        (files if fitting else missing).append(fitting[0] if fitting else Path(name))
    if missing:
        raise InputError(
            f"{len(missing)} of {len(names)} images of {found.path} are not in {found.root}, such as "
            f"{missing[0]}; copy the whole data set"
        )
    if not files:
        raise InputError(f"{found.path} lists no image")
    return files


def _is_coco(file: Path) -> bool:
    try:
        return _is_coco_content(_json(file))
    except InputError:
        return False


def _is_coco_content(content: Any) -> bool:
    lists = ("images", "annotations", "categories")
    return isinstance(content, dict) and all(isinstance(content.get(key), list) for key in lists)


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{file} cannot be read ({error})") from error


# labelme


def find_labelme(path: Path, split: str) -> Path | None:
    """Return the folder in which images have files of labelme beside them, None where there is none."""
    tree = Tree()
    parts = [one for one in tree.folders(path) if canonical(one.name) == split]
    for folder in (*parts, path):
        stems = {image.stem for image in tree.files(folder)}
        for file in tree.files(folder, (".json",)):
            if file.stem in stems:
                return folder if _is_labelme(file) else None
    return None


def open_labelme(
    path: Path, split: str, scale: float = 1.0, rule: LabelRule | None = None
) -> DrawnAreas:
    """Open images with files of labelme beside them.

    Class 0 is background (`_background_`), and the other labels of all files below `path` follow in
    the order of the alphabet; `__ignore__` is void. Later shapes are on top. Points and lines have no
    area and are not drawn.

    Args:
        path: See `find_labelme`.
        split: "train", "val" or "test".
        scale: Factor on height and width.
        rule: What becomes of the classes drawn, such as 0 as void.

    Raises:
        InputError: A file cannot be read.
    """
    folder, tree = find_labelme(path, split), Tree()
    assert folder is not None
    contents = {file: _json(file) for file in tree.all_files(path, (".json",)) if _is_labelme(file)}
    found = {str(shape["label"]) for one in contents.values() for shape in one["shapes"]}
    names = sorted(found - {"_background_", "__ignore__", BACKGROUND})
    palette = named_palette("labelme", (BACKGROUND, *names))
    places = {name: index for index, name in enumerate(palette.classes)}
    places |= {"_background_": 0, "__ignore__": palette.ignore_index}
    pairs = [
        (image, file)
        for image in tree.files(folder)
        if (file := image.with_suffix(".json")) in contents
    ]
    without = len(tree.files(folder)) - len(pairs)

    def draw(index: int) -> Labels:
        content = contents[pairs[index][1]]
        size = int(content["imageWidth"]), int(content["imageHeight"])
        canvas = Image.new("I", size, 0)
        pen = ImageDraw.Draw(canvas)
        for shape in content["shapes"]:
            points = [(float(x), float(y)) for x, y in shape["points"]]
            value, kind = places[str(shape["label"])], shape.get("shape_type", "polygon")
            if kind == "polygon" and len(points) > 2:
                pen.polygon(points, fill=value, outline=value)
            elif kind == "rectangle":
                (left, right), (top, bottom) = map(sorted, zip(*points[:2], strict=True))
                pen.rectangle((left, top, right, bottom), fill=value)
            elif kind == "circle":
                (x, y), (far_x, far_y) = points[:2]
                radius = float(np.hypot(far_x - x, far_y - y))
                pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=value)
        return np.array(canvas, np.int64)

    described = (
        f"recognised as shapes of labelme: {len(pairs)} images in {folder}"
        + (f" ({without} without shapes are left out)" if without else "")
        + f"; later shapes are on top, pixels without one are {BACKGROUND} (--label-map 0=void to "
        "leave them out)"
    )
    own = folder.name if folder != path else ""
    return DrawnAreas(pairs, palette, refined(rule, INDICES), scale, described, own, draw)


def _is_labelme(file: Path) -> bool:
    try:
        content = _json(file)
    except InputError:
        return False
    return isinstance(content, dict) and {"shapes", "imageHeight", "imageWidth"} <= set(content)
