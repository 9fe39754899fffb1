"""What is said names what the user of a wrapper has given, and can change there."""

import numpy as np
import pytest
import torch
from oracles import tiny_problem

from art_segplugin.attacks import AttackSpec
from art_segplugin.errors import InputError
from art_segplugin.wrappers import torchattacks as ta
from art_segplugin.wrappers.art import PyTorchSegmenter, SegmentationPGD
from art_segplugin.wrappers.art import attacks as for_art


def segmenter(**options):
    options = {"input_shape": (3, 12, 14), "nb_classes": 4, "device_type": "cpu"} | options
    return PyTorchSegmenter(tiny_problem()[0], **options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"alpha": -1.0}, "^alpha is -1"),
        ({"alpha": torch.ones(3) / 10}, "^alpha has 3 values for 2 images"),
        ({"eps": torch.ones(3) / 10}, "^eps has 3 values for 2 images"),
    ],
)
def test_parameters_by_the_names_of_torchattacks(options, words):
    model, x, labels = tiny_problem()
    with pytest.raises(InputError, match=words):
        ta.SegPGD(model, **options)(x, labels)


def refuses(eps: float = 0.1, step_size: float = 0.1, steps: int = 2, norm: str = "inf"):
    """Never fits.

    Args:
        eps: radius.
        step_size: length of a step.
        steps: number of them.
        norm: of both.
    """
    raise InputError("step_size and steps do not fit; give other steps.")


def test_parameters_by_the_names_of_art():
    kind = for_art.class_of(AttackSpec("Refuses", refuses), __name__)
    with pytest.raises(
        InputError, match=r"^eps_step and max_iter do not fit; give other max_iter\.$"
    ):
        kind(segmenter())


def test_channels_that_are_not_those_of_the_estimator():
    _, x, labels = tiny_problem()
    last = segmenter(channels_first=False, input_shape=(12, 14, 3))
    four = torch.rand(2, 4, 12, 14)
    for estimator, images in ((segmenter(), four), (segmenter(), x.permute(0, 2, 3, 1)), (last, x)):
        for ask in (
            lambda e=estimator, i=images: e.predict(i),
            lambda e=estimator, i=images: e.loss_gradient(i, labels),
            lambda e=estimator, i=images: e.get_activations(i, 0),
            lambda e=estimator, i=images: SegmentationPGD(e, verbose=False).generate(i, labels),
        ):
            with pytest.raises(
                InputError, match=r"input_shape is .* with 3 channels, or .* channels_first"
            ):
                ask()


def test_images_with_nan():
    model, x, labels = tiny_problem()
    broken = x.clone()
    broken[1, 2, 3, 4] = np.nan
    for clip_values in ((0, 1), None):
        attack = SegmentationPGD(segmenter(clip_values=clip_values), verbose=False)
        with pytest.raises(InputError, match="x holds NaN; give finite values"):
            attack.generate(broken, labels)
        with pytest.raises(InputError, match="x holds NaN; give finite values"):
            attack.generate(broken.numpy(), labels.numpy())
    with pytest.raises(InputError, match="the images hold NaN"):
        ta.SegPGD(model)(broken, labels)


def test_images_that_rounding_moved_out_of_the_range_are_attacked():
    model, x, labels = tiny_problem()
    inside = x.clamp(0, 1)
    inside[:, :, 0], inside[:, :, 1] = 1, 0
    moved = inside.clone()
    moved[:, :, 0], moved[:, :, 1] = 1.0005, -0.0005
    attack = ta.SegPGD(model, steps=2, random_start=False)
    assert torch.equal(attack(moved, labels), attack(inside, labels))


def test_labels_beyond_the_classes():
    model, x, labels = tiny_problem()
    with pytest.raises(
        InputError, match=r"classes 0 to 3; mark void pixels with ignore_index=255\.$"
    ):
        ta.SegPGD(model)(x, labels.masked_fill(labels == 1, 9))


def test_a_model_of_another_number_of_classes():
    _, x, labels = tiny_problem()
    three = segmenter(nb_classes=3, optimizer=torch.optim.SGD(tiny_problem()[0].parameters(), 0.1))
    with pytest.raises(
        InputError, match=r"give nb_classes=4, or give .*Segmenter\(model, ...\) with channels="
    ):
        three.predict(x)
    with pytest.raises(InputError, match="give nb_classes=4, or a model of 9 classes"):
        SegmentationPGD(segmenter(nb_classes=9), verbose=False).generate(x, labels)
