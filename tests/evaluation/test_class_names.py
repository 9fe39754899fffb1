"""Models and data of as many classes that are not the same."""

import pytest
from oracles import TinyNet

from art_segplugin.data.palettes import CAMVID, SCENES, VOC, Palette, numbered_palette
from art_segplugin.errors import InputError
from art_segplugin.evaluation.class_names import palette_of, reported_palette
from art_segplugin.models import CheckpointInfo, Segmenter, load_model


def model(*classes):
    info = CheckpointInfo("small", classes, ((0, 0, 0),) * len(classes))
    return Segmenter(TinyNet(len(classes)), classes=len(classes), info=info)


def data(*classes, name="data"):
    return Palette(name, classes, ((0, 0, 0),) * len(classes))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (("cat", "dog", "bird"), ("dog", "cat", "bird")),
        (("cat", "dog", "bird"), ("cat", "dog", "lorry")),
        (SCENES.classes, CAMVID.classes),
    ],
)
def test_other_classes_or_another_order_are_refused(ours, theirs):
    with pytest.raises(InputError, match=rf"is '{ours[0]}|{ours[2]}' to the model and .* in the"):
        reported_palette(model(*ours), data(*theirs))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (CAMVID.classes, CAMVID.classes),
        (tuple("0123456789"), tuple("9876543210")),
        (("tench", "shark"), ("n01440764", "n01484850")),
        (("LABEL_0", "LABEL_1"), ("cat", "dog")),
        (tuple(name.replace(" ", "").upper() for name in VOC.classes), VOC.classes),
        (("__background__", *VOC.classes[1:]), VOC.classes),
        ((*VOC.classes[:-1], "television"), VOC.classes),
    ],
)
def test_the_same_classes_numbers_and_other_spellings_are_taken(ours, theirs):
    assert reported_palette(model(*ours), data(*theirs)).classes == theirs


def test_names_without_colours_are_kept_and_get_colours():
    info = CheckpointInfo("small", ("cat", "dog", "bird"), ())
    found = palette_of(Segmenter(TinyNet(3), classes=3, info=info), None)
    assert found.classes == ("cat", "dog", "bird")
    assert len({(0, 0, 0), *found.colours}) == 4


def test_names_that_come_from_a_model_and_numbers_are_taken():
    net = model("cat", "dog")
    for palette in (palette_of(model("a", "b"), None), numbered_palette(2)):
        assert reported_palette(net, palette) == palette
    assert reported_palette(net, numbered_palette()).classes == ("cat", "dog")
    assert reported_palette(load_model("small-scenes"), SCENES) == SCENES
