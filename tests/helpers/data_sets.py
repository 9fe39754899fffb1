"""Small data sets on disk with the layout of real ones, and a model that knows them.

Images show each class in the colour of its palette. In every label map, row 0 says the next class
and row 1 is void: of 8 rows, the model of `nearest_colour` is right in 6 of 7 that count.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from art_segplugin.data.palettes import ADE20K, CAMVID, CITYSCAPES, LOVEDA, VOC, numbered_palette

VOID = 255
SIZE = (8, 12)
CLEAN = 6 / 7
TRAIN_ID = {7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10, 24: 11}
TRAIN_ID |= {25: 12, 26: 13, 27: 14, 28: 15, 31: 16, 32: 17, 33: 18}
LABEL_ID = {train: label for label, train in TRAIN_ID.items()} | {VOID: 3}
FOUR = numbered_palette(4)


def truth(number, classes):
    """Classes (8, 12) of image `number`: three columns of each of four of them."""
    return np.tile((np.repeat(np.arange(4), 3) + number) % classes, (SIZE[0], 1)).astype(np.uint8)


def write(path, pixels, palette=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    if palette is not None:
        image.putpalette(np.array(palette.colours, np.uint8).tobytes())
    image.save(path)


def save_pair(image, label, palette, number, coded=lambda labels: labels, table=None):
    """Write image `number` and its label map, whose values are `coded`."""
    classes = truth(number, len(palette))
    write(image, palette.colourise(classes))
    if label is not None:
        classes[0] = (classes[0] + 1) % len(palette)
        classes[1] = VOID
        write(label, coded(classes).astype(np.uint8), table)


def cityscapes(root, kind="labelTrainIds"):
    number = 0
    for split, cities in (("train", ("aachen",)), ("val", ("frankfurt", "münster"))):
        for city in cities:
            for _ in range(2):
                name = f"{city}_{number:06d}_000019"
                labels = root / "gtFine" / split / city
                code = (lambda y: y) if kind == "labelTrainIds" else np.vectorize(LABEL_ID.get)
                save_pair(
                    root / "leftImg8bit" / split / city / f"{name}_leftImg8bit.png",
                    labels / f"{name}_gtFine_{kind}.png",
                    CITYSCAPES, number, code,
                )  # fmt: skip
                for other in ("color", "instanceIds"):
                    write(labels / f"{name}_gtFine_{other}.png", np.zeros(SIZE, np.uint8))
                number += 1
    name = "berlin_000000_000019"
    image = root / "leftImg8bit" / "test" / "berlin" / f"{name}_leftImg8bit.png"
    save_pair(image, None, CITYSCAPES, 0)


def voc(root, lists=True):
    names = [f"2007_{number:06d}" for number in range(7)]
    for number, name in enumerate(names):
        labels = root / "SegmentationClass" / f"{name}.png" if number < 5 else None
        save_pair(root / "JPEGImages" / f"{name}.png", labels, VOC, number, table=VOC)
    save_pair(
        root / "JPEGImages" / f"{names[5]}.png",
        root / "SegmentationClassAug" / f"{names[5]}.png", VOC, 5,
    )  # fmt: skip
    for number in range(3):
        save_pair(
            root / "JPEGImages" / f"{names[number]}.png",
            root / "SegmentationClassAug" / f"{names[number]}.png", VOC, number,
        )  # fmt: skip
    (root / "Annotations").mkdir()
    if lists:
        folder = root / "ImageSets" / "Segmentation"
        folder.mkdir(parents=True)
        parts = {"train": names[:3], "val": names[3:5], "trainval": names[:5]}
        aug = [f"/JPEGImages/{n}.jpg /SegmentationClassAug/{n}.png" for n in (*names[:3], names[5])]
        for name, part in (parts | {"train_aug": aug}).items():
            (folder / f"{name}.txt").write_text("\n".join(part) + "\n")


def ade20k(root):
    number = 0
    for split, count in (("training", 3), ("validation", 2)):
        for _ in range(count):
            name = f"ADE_{split}_{number:08d}"
            save_pair(
                root / "images" / split / f"{name}.png",
                root / "annotations" / split / f"{name}.png",
                ADE20K, number, lambda y: np.where(y == VOID, 0, y.astype(int) + 1),
            )  # fmt: skip
            number += 1


def loveda(root):
    number = 0
    for split in ("Train", "Val"):
        for part in ("Urban", "Rural"):
            folder = root / split / part
            save_pair(
                folder / "images_png" / f"{number}.png", folder / "masks_png" / f"{number}.png",
                LOVEDA, number, lambda y: np.where(y == VOID, 0, y.astype(int) + 1),
            )  # fmt: skip
            number += 1


def camvid(root, splits=("train", "val")):
    for split in splits:
        for number in range(2):
            name = f"0001TP_{number:06d}.png"
            save_pair(
                root / split / name, root / f"{split}annot" / name,
                CAMVID, number, lambda y: np.where(y == VOID, 11, y),
            )  # fmt: skip


def roboflow(root):
    for split in ("train", "valid", "test"):
        for number in range(2):
            stem = f"photo{number}_png.rf.0a1b2c"
            save_pair(root / split / f"{stem}.png", root / split / f"{stem}_mask.png", FOUR, number)
        rows = ["Pixel Value, Class", *(f"{v}, {n}" for v, n in enumerate(("none", *"abc")))]
        (root / split / "_classes.csv").write_text("\n".join(rows))


def img_dir(root):
    for split in ("train", "val"):
        for number in range(2):
            save_pair(
                root / "img_dir" / split / f"{number}.png",
                root / "ann_dir" / split / f"{number}.png", FOUR, number,
            )  # fmt: skip


def images_labels(root):
    for split in ("train", "val"):
        for number in range(2):
            save_pair(
                root / split / "Images" / f"{number}.png",
                root / split / "labels" / f"{number}_seg.PNG", FOUR, number,
            )  # fmt: skip


def kaggle(root):
    for number in range(2):
        save_pair(
            root / "images" / f"{number}.png", root / "masks" / f"{number}_mask.png", FOUR, number
        )


DATA_SETS = {
    "cityscapes": (cityscapes, CITYSCAPES, "leftImg8bit/val", 4, "Cityscapes"),
    "cityscapes-ids": (
        lambda root: cityscapes(root, "labelIds"), CITYSCAPES, "leftImg8bit/val", 4, "Cityscapes"
    ),
    "voc": (voc, VOC, "JPEGImages", 2, "PASCAL VOC"),
    "ade20k": (ade20k, ADE20K, "images/validation", 2, "ADE20K"),
    "loveda": (loveda, LOVEDA, "Val", 2, "LoveDA"),
    "camvid": (camvid, CAMVID, "val", 2, "CamVid"),
    "roboflow": (roboflow, FOUR, "valid", 2, "splits with label maps beside the images"),
    "img_dir": (img_dir, FOUR, "img_dir/val", 2, "images and label maps by split"),
    "images-labels": (images_labels, FOUR, "val", 2, "splits with images and label maps"),
    "kaggle": (kaggle, FOUR, "images", 2, "images and label maps"),
}  # fmt: skip
"""What writes each, its palette, the folder of its validation images, their number, and its title."""


def nearest_colour(folder: Path, palette, name="model") -> str:
    """Write a model whose class is the one of the nearest colour; return what opens it."""
    path = folder / f"{name}.py"
    path.write_text(
        f"""
import torch
from art_segplugin.models import Segmenter

def net():
    colours = torch.tensor({list(palette.colours)}, dtype=torch.float32) / 255
    layer = torch.nn.Conv2d(3, len(colours), 1)
    layer.weight.data = 100 * 2 * colours[:, :, None, None]
    layer.bias.data = -100 * colours.square().sum(1)
    return Segmenter(layer, classes=len(colours))
"""
    )
    return f"{path}:net"
