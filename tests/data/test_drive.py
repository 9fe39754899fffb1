import numpy as np
import pytest
import torch

from art_segplugin.data.scenes import CameraDrive
from art_segplugin.errors import InputError
from art_segplugin.scenes.primitives import Label

SMALL = (48, 64)


def test_frames_repeat_exactly():
    one, other = CameraDrive(5, 3, SMALL), CameraDrive(5, 3, SMALL)
    assert torch.equal(one[4].image, other[4].image)
    assert torch.equal(one[4].labels, other[4].labels)
    assert one[4].name == "drive-3-00004"


def test_neighbouring_frames_are_alike_and_distant_ones_are_not():
    drive = CameraDrive(60, 1, SMALL)
    first, second, last = (drive[index].labels for index in (0, 1, 59))
    near, far = ((first != other).float().mean() for other in (second, last))
    assert 0 < near < 0.2
    assert far > 2 * near


def test_the_view_stays_free():
    drive = CameraDrive(120, 2, SMALL)
    for index in range(0, 120, 20):
        share = torch.bincount(drive[index].labels.flatten(), minlength=len(Label)) / (48 * 64)
        assert share[Label.ROAD] > 0.1
        assert share[[Label.CAR, Label.PERSON, Label.POLE]].max() < 0.5


def test_only_what_moves_moves():
    scene = CameraDrive(12, 4, SMALL).scene
    later = scene.at(2.0)
    moved = (later.solids["centre"] != scene.solids["centre"]).any(axis=1)
    np.testing.assert_array_equal(moved, scene.solids["velocity"].any(axis=1))
    labels = set(scene.solids["label"][moved].tolist())
    assert labels <= {Label.CAR, Label.PERSON}
    assert labels


def test_length_and_bounds():
    drive = CameraDrive(2, size=SMALL)
    assert len(list(drive)) == 2
    with pytest.raises(IndexError):
        drive[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"frames": -1}, "frames is -1; expected 0 or more"),
        ({"fps": 0}, "fps is 0; expected frames per second above 0"),
        ({"seed": -2}, "seed is -2"),
        ({"size": (0, 9)}, "expected height and width"),
        ({"renderer": "x"}, "renderer is 'x'"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        CameraDrive(**{"frames": 1, **arguments})
