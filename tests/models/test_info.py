import json
from dataclasses import replace

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
    converted = replace(INFO, hypersphere=15.0, hypersphere_layer="classifier")
    assert CheckpointInfo.from_json(converted.to_json()) == converted
    wrapped = replace(INFO, bgr=True, channels=(None, -1, None), stride=32, reduce_labels=True)
    assert CheckpointInfo.from_json(wrapped.to_json()) == wrapped


def test_reads_descriptions_without_the_fields_added_later():
    fields = json.loads(INFO.to_json())
    for name in ("bgr", "channels", "stride", "reduce_labels", "hypersphere", "hypersphere_layer"):
        del fields[name]
    assert CheckpointInfo.from_json(json.dumps(fields)) == INFO


def changed(**fields):
    return json.dumps({**json.loads(INFO.to_json()), **fields})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        INFO.to_json().replace("architecture", "x"),
        '{"classes": 3}',
        changed(architecture=["small"]),
        changed(options=[1]),
        changed(options=None),
        changed(ignore_index="x"),
        changed(stride="8"),
        changed(reduce_labels="yes"),
        changed(channels=[0]),
        changed(channels=["a", None, None]),
        changed(hypersphere="15"),
        changed(hypersphere=-1.0),
        changed(hypersphere=True),
        changed(hypersphere=float("nan")),
        changed(hypersphere_layer=3),
    ],
)
def test_refuses_other_text(text):
    with pytest.raises(InputError, match="description of the model cannot be read"):
        CheckpointInfo.from_json(text)


def test_default_colours_start_like_voc_and_differ():
    colours = default_colours(255)
    assert colours[:3] == ((128, 0, 0), (0, 128, 0), (128, 128, 0))
    assert len(set(colours)) == 255
    assert (0, 0, 0) not in colours
