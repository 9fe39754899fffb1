import json

import pytest
import torch

from art_segplugin.errors import InputError
from art_segplugin.evaluation import Regions


@pytest.fixture
def labels():
    """Sky (0) above road (1) with a small car (2) on it and a void corner."""
    labels = torch.zeros(1, 20, 20, dtype=torch.int64)
    labels[:, 10:] = 1
    labels[:, 14:16, 3:5] = 2
    labels[:, 19, 19] = 255
    return labels


def test_regions_split_the_valid_pixels(labels):
    masks = Regions(small_objects=0.05, width=1).masks(labels)
    assert list(masks) == ["boundary", "interior", "small objects", "large objects"]
    valid = labels != 255
    for one, other in (("boundary", "interior"), ("small objects", "large objects")):
        assert torch.equal(masks[one] ^ masks[other], valid)
        assert not (masks[one] & masks[other]).any()
    assert torch.equal(masks["small objects"], labels == 2)
    expected = torch.zeros_like(valid)
    expected[:, 9:11] = True  # sky and road meet
    expected[:, 13:17, 2:6] = True  # the car and one pixel around it
    assert torch.equal(masks["boundary"], expected)


def test_background_is_neither_foreground_nor_an_object(labels):
    masks = Regions(background=(0, 1)).masks(labels)
    assert torch.equal(masks["foreground"], labels == 2)
    assert torch.equal(masks["small objects"] | masks["large objects"], labels == 2)


def test_whole_images_have_no_regions():
    assert Regions(background=(0,)).masks(torch.zeros(5, 1, 1, dtype=torch.int64)) == {}


def test_another_label_may_be_void(labels):
    other = labels.masked_fill(labels == 255, -1)
    for name, mask in Regions(background=(0,)).masks(other, ignore_index=-1).items():
        assert torch.equal(mask, Regions(background=(0,)).masks(labels)[name])


def test_described_survives_json():
    values = Regions((1, 2), 0.01, 3).described()
    assert json.loads(json.dumps(values)) == values


def test_bad_share():
    with pytest.raises(InputError, match="below 2 of the image"):
        Regions(small_objects=2)
