import numpy as np
import pytest
import torch
from PIL import Image

from art_segplugin.data.folders import CamVid
from art_segplugin.errors import InputError


@pytest.fixture
def root(tmp_path):
    for folder in ("val", "valannot"):
        (tmp_path / folder).mkdir()
    for stem in ("b", "a"):
        Image.new("RGB", (8, 6), (255, 0, 51)).save(tmp_path / "val" / f"{stem}.png")
        labels = np.full((6, 8), 11 if stem == "a" else 3, np.uint8)
        Image.fromarray(labels).save(tmp_path / "valannot" / f"{stem}.png")
    return tmp_path


def test_samples_in_order_of_names_with_void(root):
    data = CamVid(root, "val")
    assert [sample.name for sample in data] == ["a", "b"]
    assert data[0].labels.unique().tolist() == [255]
    assert data[1].labels.unique().tolist() == [3]
    torch.testing.assert_close(data[0].image[:, 0, 0], torch.tensor([1.0, 0.0, 0.2]))
    with pytest.raises(IndexError):
        data[2]


def test_wrong_arguments_and_folders_are_refused(root):
    with pytest.raises(InputError, match="split is 'all'; expected one of train, val, test"):
        CamVid(root, "all")
    with pytest.raises(
        InputError, match=r"folder .*train does not exist; expected train and train"
    ):
        CamVid(root, "train")
    with pytest.raises(InputError, match="scale is 0"):
        CamVid(root, "val", scale=0)
    (root / "valannot" / "b.png").unlink()
    with pytest.raises(InputError, match=r"label map .*b\.png is missing, like 1 of 2"):
        CamVid(root, "val")
    for file in (root / "val").iterdir():
        file.unlink()
    with pytest.raises(InputError, match="holds no picture"):
        CamVid(root, "val")


@pytest.mark.data
def test_the_real_data_set(data_folder):
    train, val = (CamVid(data_folder / "camvid", split, scale=0.5) for split in ("train", "val"))
    assert (len(train), len(val)) == (367, 101)
    seen = torch.zeros(256, dtype=torch.long)
    for index in range(0, 101, 10):
        sample = val[index]
        assert sample.image.shape == (3, 180, 240)
        seen += sample.labels.flatten().bincount(minlength=256)
    assert seen.nonzero().flatten().tolist() == [*range(11), 255]
    assert seen[3] > seen[2]  # more road than poles: the classes are in the order of the palette
