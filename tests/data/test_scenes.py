import numpy as np
import pytest
import torch

from art_segplugin.data.palettes import PALETTES
from art_segplugin.data.scenes import SceneDataset
from art_segplugin.errors import InputError
from art_segplugin.scenes.primitives import Label

SMALL = (48, 64)


def test_samples():
    data = SceneDataset(3, "val", SMALL, seed=5)
    samples = list(data)
    assert [sample.name for sample in samples] == [f"val-5-0000{number}" for number in range(3)]
    assert data.palette is PALETTES["scenes"]
    for sample in samples:
        assert sample.image.shape == (3, *SMALL)
        assert (sample.image.min() >= 0, sample.image.max() <= 1) == (True, True)
        assert set(sample.labels.unique().tolist()) <= set(range(len(Label)))


def test_a_scene_does_not_depend_on_the_count():
    one, other = SceneDataset(2, size=SMALL)[1], SceneDataset(9, size=SMALL)[1]
    assert torch.equal(one.image, other.image)
    assert torch.equal(one.labels, other.labels)


def test_indices_as_in_a_list():
    data = SceneDataset(2, size=SMALL)
    assert data[-1].name == data[1].name
    for index in (2, -3):
        with pytest.raises(IndexError):
            data[index]
    assert list(SceneDataset(0, size=SMALL)) == []


def test_splits_seeds_and_indices_share_no_scene():
    scenes = [
        SceneDataset(4, split, seed=seed).scene(index)
        for split in ("train", "val", "test") for seed in (0, 1) for index in range(4)
    ]  # fmt: skip
    assert len({scene.solids.tobytes() for scene in scenes}) == len(scenes)


def test_thin_and_small_classes_are_there():
    seen = np.zeros(len(Label), int)
    scenes_with = np.zeros(len(Label), int)
    for sample in SceneDataset(20, "train", (90, 120)):
        counts = np.bincount(sample.labels.flatten(), minlength=len(Label))
        seen += counts
        scenes_with += counts > 0
    share = seen / seen.sum()
    assert (scenes_with >= 8).all(), scenes_with
    for thin in (Label.POLE, Label.SIGN, Label.PERSON):
        assert 0.001 < share[thin] < 0.06
        assert scenes_with[thin] >= 15
    assert share[[Label.ROAD, Label.BUILDING, Label.SKY]].sum() > 0.4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": -1}, "count is -1; expected 0 or more"),
        ({"split": "all"}, "split is 'all'; expected one of train, val, test"),
        ({"seed": -1}, "seed is -1; expected 0 or more"),
        ({"size": (2, 2)}, r"size is \(2, 2\); expected height and width"),
        ({"renderer": "x"}, "renderer is 'x'; expected one of auto"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        SceneDataset(**{"count": 1, **arguments})
