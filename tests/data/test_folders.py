import numpy as np
import pytest
from PIL import Image

from art_segplugin.data.folders import CamVid, PairedFolder, browse
from art_segplugin.data.labels import UNAMBIGUOUS, LabelRule
from art_segplugin.data.palettes import CAMVID, SCENES
from art_segplugin.errors import InputError


def save(path, value=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (6, 8, 3) if value is None else (6, 8)
    Image.fromarray(np.full(shape, value or 0, np.uint8)).save(path)
    return path


def test_a_paired_folder_with_a_rule_of_its_own(tmp_path):
    class Reduced(LabelRule):
        """Class 1 of the files is class 0, and 0 is void."""

        def decode(self, pixels, palette, where=""):
            return (pixels.astype(np.uint8) - 1).astype(np.uint8)

    for name, value in (("a", 1), ("b", 0)):
        save(tmp_path / "photos" / "val" / f"{name}.jpg")
        save(tmp_path / "maps" / f"{name}.png", value)
    images = tmp_path / "photos" / "val"
    data = PairedFolder(images, tmp_path / "maps", Reduced("reduced"), SCENES, scale=0.5)
    assert [sample.name for sample in data] == ["a", "b"]
    assert data.palette is SCENES
    assert data[0].image.shape == (3, 3, 4)
    assert [sample.labels.unique().tolist() for sample in data] == [[0], [255]]
    (tmp_path / "maps" / "a.png").unlink()
    with pytest.raises(InputError, match=r"label map .*a\.png is missing, like 1 of 2"):
        PairedFolder(images, tmp_path / "maps", LabelRule(), SCENES)
    with pytest.raises(InputError, match=r"gone does not exist; expected val and \.\./gone in"):
        PairedFolder(images, tmp_path / "gone", LabelRule(), SCENES)


def test_browsing_finds_camvid_from_anywhere_inside(tmp_path):
    for split in ("train", "val"):
        picture = save(tmp_path / split / "a.png")
        save(tmp_path / f"{split}annot" / "a.png", 11)
    assert CamVid.lies_in(tmp_path)
    for place in (tmp_path, tmp_path / "val", picture):
        data = browse(place)
        assert data.palette is CAMVID
        assert [pair[0] for pair in data.pairs] == [picture]
        assert data[0].labels.unique().tolist() == [255]
    (tmp_path / "valannot" / "a.png").unlink()
    assert browse(tmp_path / "val")[0].labels is None  # a look needs no labels
    assert browse(tmp_path).split == "train"  # labels are shown where there are some


def test_browsing_takes_the_first_split_with_images(tmp_path):
    save(tmp_path / "train" / "a.png")
    (tmp_path / "val").mkdir()
    data = browse(tmp_path)
    assert data.pairs[0][0].parent.name == "train"
    assert data.rule is UNAMBIGUOUS
    with pytest.raises(InputError, match="val holds no picture"):
        browse(tmp_path / "val")
