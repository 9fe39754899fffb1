"""Pictures in one folder per class, on the disk or in zip files."""

from collections import Counter
from pathlib import Path, PurePosixPath

from art_segplugin.data.class_files import (
    ClassFiles,
    FolderFiles,
    ZipFiles,
    has_classes,
    has_pictures,
    subfolders,
)
from art_segplugin.data.class_order import (
    SPLITS,
    check_split,
    class_label,
    class_palette,
    in_turn,
    training_part,
    validation_part,
)
from art_segplugin.data.folder import LABEL_FOLDERS
from art_segplugin.data.pictures import check_scale, decode_picture, scaled_image
from art_segplugin.data.sample import Sample
from art_segplugin.errors import InputError


class ClassFolder:
    """Pictures sorted into one folder per class, the layout of torchvision's `ImageFolder`.

    `path` is a folder or a zip file that holds `train`, `val` and `test` with the class folders in
    them, or the class folders themselves; in a folder, `train.zip` may stand for `train`. Zip files
    are read in place, and may hold everything inside one top folder.

    Classes are the sorted names of the folders of "train", where there is one. Where there is no
    "val", images 9, 19, 29, ... of each class of "train" are "val" and the other nine tenths
    "train"; class folders without splits are "train".

    Samples come class by class in turn: picture 0 of each class, picture 1 of each class, ..., so
    that every prefix is balanced. Labels have shape (1, 1). Pictures keep their own size.

    Args:
        path: Folder or zip file.
        split: "train", "val" or "test".
        scale: Factor on height and width.

    Raises:
        InputError: There is no such file, split or picture, a class folder is empty, or there are
            fewer than two classes.
    """

    def __init__(self, path: str | Path, split: str = "train", scale: float = 1.0) -> None:
        check_split(split)
        check_scale(scale)
        root = Path(path).absolute()
        parts = _parts(root)
        held_out = split == "val" and "val" not in parts
        source = "train" if held_out else split
        if source not in parts:
            has = sorted({*parts, "val"} if "train" in parts else parts)
            raise InputError(f"{root} has no {split!r} images; it has {' and '.join(has)}")
        self.scale = scale
        self._files = parts[source]
        found = self._files.classes()
        names = list(parts["train"].classes() if source != "train" and "train" in parts else found)
        _check(found, names, self._files)
        self.palette = class_palette(root.stem, names)
        groups = [found.get(name, []) for name in names]
        if held_out:
            groups = [validation_part(group) for group in groups]
        elif split == "train" and "val" not in parts:
            groups = [training_part(group) for group in groups]
        self.pictures = in_turn(groups)
        if not self.pictures:
            raise InputError(
                f"{self._files} has too few pictures to hold some out for {split!r}; each class "
                "needs at least 10, or give a folder 'val'"
            )
        self._stems = Counter(map(_stem, self.pictures))

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.pictures)

    def __getitem__(self, index: int) -> Sample:
        """Read one sample; raise IndexError past the end."""
        number, picture = self.pictures[index]
        stem = _stem(self.pictures[index])
        file = stem[1] if self._stems[stem] == 1 else PurePosixPath(picture).name
        rgb = decode_picture(self._files.read(picture), self._files.where(picture))
        return Sample(
            f"{self.palette.classes[number]}-{file}",
            scaled_image(rgb, self.scale),
            class_label(number),
        )


def is_class_folder(root: Path, split: str) -> bool:
    """Tell whether a folder or file is to be read as `ClassFolder` rather than `ImageFolder`.

    It is if it is a zip file, or if pictures are in subfolders only: neither in the folder (or
    its folder of the split) nor in `images` below it. Subfolders called `labels`, `masks` or
    `...annot`, or subfolders with pictures that are nothing but splits, speak of segmentation.
    """
    if root.is_file():
        return root.suffix.lower() == ".zip"
    place = root / split if (root / split).is_dir() else root
    for folder in (place, place / "images"):
        if folder.is_dir() and has_pictures(folder):
            # CIFAR-100 has a class called "train": a sibling of classes rather than a split
            return place != root and _holds_classes(root)
    return any(
        _holds_classes(root / name) or (root / f"{name}.zip").is_file() for name in SPLITS
    ) or _holds_classes(root)


def _holds_classes(folder: Path) -> bool:
    if not has_classes(folder):
        return False
    full = {sub.name for sub in subfolders(folder) if has_pictures(sub)}
    labels = any(name in LABEL_FOLDERS or name.endswith("annot") for name in full)
    return not labels and not full <= {*SPLITS, "images"}


def _parts(root: Path) -> dict[str, ClassFiles]:
    """Return the class folders of each split; those of a folder without splits are "train"."""
    if root.is_file():
        archive = ZipFiles(root)
        splits = archive.splits(SPLITS)
        return {name: ZipFiles(root, name) for name in splits} or {"train": archive}
    if not root.is_dir():
        raise InputError(f"{root} does not exist; give a folder of class folders or a zip file")
    parts: dict[str, ClassFiles] = {}
    for name in SPLITS:
        if has_classes(root / name):
            parts[name] = FolderFiles(root / name)
        elif (root / f"{name}.zip").is_file():
            archive = ZipFiles(root / f"{name}.zip")
            only = archive.splits(SPLITS)
            parts[name] = ZipFiles(archive.path, only[0]) if len(only) == 1 else archive
    return parts or {"train": FolderFiles(root)}


def _check(found: dict[str, list[str]], names: list[str], files: ClassFiles) -> None:
    if not any(found.values()):
        raise InputError(f"{files} holds no class folders with pictures; expected CLASS/a.jpg")
    if empty := [name for name, pictures in found.items() if not pictures]:
        raise InputError(
            f"class folder {empty[0]!r} of {files} holds no picture; remove it or fill it"
        )
    if strange := sorted(set(found) - set(names)):
        raise InputError(
            f"{files} has the class {strange[0]!r}, which the training images do not have; "
            "give all splits the same class folders"
        )


def _stem(entry: tuple[int, str]) -> tuple[int, str]:
    return entry[0], PurePosixPath(entry[1]).stem
