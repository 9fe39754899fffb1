import pytest

from art_segplugin.errors import InputError
from art_segplugin.models.info import CheckpointInfo, default_colours

INFO = CheckpointInfo(
    architecture="small",
    classes=("road", "sky"),
    colours=((1, 2, 3), (4, 5, 6)),
    options={"classes": 2, "width": 6},
    mean=(0.5, 0.5, 0.5),
    scores={"miou": 0.81},
    command="art-segplugin train",
)


def test_survives_json():
    assert CheckpointInfo.from_json(INFO.to_json()) == INFO


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", INFO.to_json().replace("architecture", "x"), '{"classes": 3}']
)
def test_refuses_other_text(text):
    with pytest.raises(InputError, match="description of the model cannot be read"):
        CheckpointInfo.from_json(text)


def test_default_colours_start_like_voc_and_differ():
    colours = default_colours(255)
    assert colours[:3] == ((128, 0, 0), (0, 128, 0), (128, 128, 0))
    assert len(set(colours)) == 255
    assert (0, 0, 0) not in colours
