"""CamVid in its 11-class form: street scenes filmed from a car.

Brostow, Fauqueur, Cipolla: Semantic object classes in video, Pattern Recognition Letters 30 (2009);
classes and folders as in the SegNet tutorial of Badrinarayanan, Kendall and Cipolla.
"""

from pathlib import Path

from art_segplugin.data.palettes import CAMVID
from art_segplugin.data.pictures import PICTURE_SUFFIXES, check_scale, load_sample
from art_segplugin.data.sample import Sample
from art_segplugin.errors import InputError

SPLITS = ("train", "val", "test")
VOID = 11
"""Label of void pixels in the files."""


class CamVid:
    """Pictures in `root/<split>` with index PNGs of the same stem in `root/<split>annot`.

    Args:
        root: Folder that holds the folders of the splits.
        split: "train", "val" or "test".
        scale: Factor on height and width, 0.5 for half resolution.

    Raises:
        InputError: The folders are not there, are empty, or a picture has no label map.
    """

    palette = CAMVID

    def __init__(self, root: str | Path, split: str = "train", scale: float = 1.0) -> None:
        if split not in SPLITS:
            raise InputError(f"split is {split!r}; expected one of {', '.join(SPLITS)}")
        check_scale(scale)
        pictures, annotations = Path(root) / split, Path(root) / f"{split}annot"
        for folder in (pictures, annotations):
            if not folder.is_dir():
                raise InputError(
                    f"CamVid folder {folder} does not exist; expected {split} and {split}annot "
                    f"in {root}"
                )
        files = sorted(file for file in pictures.iterdir() if file.suffix in PICTURE_SUFFIXES)
        if not files:
            raise InputError(f"CamVid folder {pictures} holds no picture; expected jpg or png")
        self.scale = scale
        self.pairs = [(file, annotations / f"{file.stem}.png") for file in files]
        missing = [label_map for _, label_map in self.pairs if not label_map.is_file()]
        if missing:
            raise InputError(
                f"CamVid label map {missing[0]} is missing, like {len(missing)} of {len(files)}; "
                "copy the whole data set"
            )

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.pairs)

    def __getitem__(self, index: int) -> Sample:
        """Read one sample; raise IndexError past the end."""
        picture, label_map = self.pairs[index]
        return load_sample(picture.stem, picture, label_map, self.palette, self.scale, VOID)
