"""What is doubtful about model, labels and result is said where it is, and once an attack."""

import pickle
import warnings

import numpy as np
import pytest
import torch
import torchattacks
from torch import nn

from art_segplugin.attacks import segpgd
from art_segplugin.errors import InputError
from art_segplugin.models import Segmenter
from art_segplugin.wrappers import torchattacks as ta
from art_segplugin.wrappers.art import (
    AdversarialTrainerSegmentationPyTorch,
    PyTorchSegmenter,
    SegPGD,
)

IMAGES = torch.rand(4, 3, 9, 8, generator=torch.Generator().manual_seed(0))


class Brightness(nn.Module):
    """One logit per pixel, > 0 where its mean is above a half."""

    def forward(self, images):
        return 8 * (images.mean(1, keepdim=True) - 0.5)


class TwoClasses(Brightness):
    def forward(self, images):
        logit = super().forward(images)
        return torch.cat((torch.zeros_like(logit), logit), 1)


MASKS = (IMAGES.mean(1) > 0.5).long()
ARRAYS = IMAGES.numpy(), (255 * MASKS).numpy()


def estimator(model, nb_classes=2, **options):
    options |= {"input_shape": (3, 9, 8), "nb_classes": nb_classes, "device_type": "cpu"}
    return PyTorchSegmenter(model, **options)


def said(run):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run()
    return [str(one.message) for one in caught]


def art(model, labels, nb_classes=2, **options):
    attack = SegPGD(estimator(model, nb_classes), batch_size=1, max_iter=2, verbose=False)
    attack.set_params(**options)
    return lambda: attack.generate(IMAGES, labels)


def in_batches(attack, labels):
    return lambda: [attack(IMAGES[i : i + 1], labels[i : i + 1]) for i in range(4)]


def everywhere(model, labels, nb_classes=2):
    """Runs over four batches, by ART's class, torchattacks' and an unmodified attack of torchattacks."""
    pgd = ta.for_segmentation(torchattacks.PGD)(model, steps=2)
    attack, saving = ta.SegPGD(model, steps=2), ta.SegPGD(model, steps=2)
    batches = [(IMAGES[i : i + 1], labels[i : i + 1]) for i in range(4)]
    return {
        "ART": art(model, labels, nb_classes),
        "torchattacks": in_batches(attack, labels),
        "torchattacks, save": lambda: saving.save(batches, verbose=False),
        "torchattacks' own": in_batches(pgd, labels),
    }


@pytest.mark.parametrize("seed", range(3))
def test_own_predictions_are_no_reason_to_call_outputs_cosines(seed):
    torch.manual_seed(seed)
    model = nn.Conv2d(3, 4, 3, padding=1)
    labels = model(IMAGES).argmax(1)
    assert model(IMAGES).abs().max() < 1.3
    for run in everywhere(model, labels, 4).values():
        assert said(run) == []
    assert said(lambda: ta.SegPGD(model, steps=1)(IMAGES, labels)) == []
    assert (
        said(lambda: ta.SegMultiAttack([ta.SegPGD(model), ta.SegFGSM(model)])(IMAGES, labels)) == []
    )


def test_cosines_are_still_recognised():
    class Cosines(nn.Module):
        def forward(self, images):
            axes = torch.eye(3).view(3, 3, 1, 1)
            return nn.functional.conv2d(nn.functional.normalize(images - 0.5, dim=1), axes)

    labels = IMAGES.argmax(1)
    labels[:, 0] = (labels[:, 0] + 1) % 3  # somebody's labels
    for run in everywhere(Cosines(), labels, 3).values():
        (text,) = said(run)
        assert "looks like cosines" in text


def test_probabilities_are_said_once_an_attack():
    class Probabilities(TwoClasses):
        def forward(self, images):
            return super().forward(images).softmax(1)

    model = Probabilities()
    for run in everywhere(model, MASKS).values():
        (text,) = said(run)
        assert "looks like probabilities" in text
    several = ta.SegMultiAttack([ta.SegPGD(model), ta.SegFGSM(model)])
    assert len(said(in_batches(several, MASKS))) == 1


def test_a_hidden_gradient_is_said_once_an_attack():
    class Rounding(TwoClasses):
        def forward(self, images):
            return super().forward((255 * images).round() / 255)

    runs = everywhere(Rounding(), MASKS)
    (text,) = said(runs["ART"])
    assert text.startswith("the gradient is zero or not finite at every step for 4 of 4 images")
    for name in ("torchattacks", "torchattacks, save", "torchattacks' own"):
        (text,) = said(runs[name])
        assert "for 1 of 1 images" in text


FORMS = {
    "0 and 1": MASKS,
    "bool": MASKS.bool(),
    "8 bits": MASKS.byte(),
}


@pytest.mark.parametrize("labels", FORMS.values(), ids=FORMS)
def test_models_with_one_output_channel(labels):
    options = {"max_iter": 3, "num_random_init": 0, "verbose": False}
    expected = segpgd(steps=3, random_start=False)(TwoClasses(), IMAGES, MASKS)
    assert (Brightness()(expected)[:, 0] > 0).ne(MASKS.bool()).sum() > 10
    attack = SegPGD(estimator(Brightness()), **options)
    assert torch.equal(attack.generate(IMAGES, labels), expected)
    found = attack.generate(IMAGES.numpy(), labels.numpy())
    assert np.array_equal(found, expected.numpy())
    assert np.array_equal(attack.generate(IMAGES.numpy(), labels.numpy()[:, None]), found)
    assert torch.equal(
        ta.SegPGD(Brightness(), steps=3, random_start=False)(IMAGES, labels), expected
    )
    assert said(art(Brightness(), labels)) == []
    predicted = estimator(Brightness()).predict(IMAGES, output="labels")
    assert torch.equal(predicted, MASKS)


def test_a_mask_of_0_and_255_is_doubted_in_a_model_of_two_classes():
    for model in (Brightness(), TwoClasses()):
        for run in everywhere(model, 255 * MASKS).values():
            (text,) = said(run)
            assert "only one class; 255 is ignored. If 255 marks the object, pass labels" in text
    (text,) = said(lambda: SegPGD(estimator(model), verbose=False).generate(*ARRAYS))
    assert text.endswith("If 255 marks the object, pass np.where(y == 255, 1, y).")


def test_one_class_and_void_are_no_reason_to_doubt_labels_of_many_classes():
    class Road(nn.Module):
        def forward(self, images):
            return torch.cat([3 * images, -images[:, :1]], 1)

    road = torch.zeros_like(MASKS).masked_fill(MASKS == 1, 255)
    for run in everywhere(Road(), road, 4).values():
        assert said(run) == []


def test_a_mask_of_0_and_255_without_void():
    attack = SegPGD(estimator(Brightness(), ignore_index=-1), verbose=False)
    with pytest.raises(InputError, match=r"hold 255; .* divide a mask of 0 and 255 by 255"):
        attack.generate(IMAGES, 255 * MASKS)
    with pytest.raises(InputError, match=r"hold 255 .* divide a mask of 0 and 255 by 255"):
        ta.SegPGD(Brightness(), ignore_index=-1)(IMAGES, 255 * MASKS)


def test_labels_that_are_all_void():
    void = torch.full_like(MASKS, 255)
    four_classes = nn.Conv2d(3, 4, 1)
    for run in (
        art(four_classes, void, 4),
        in_batches(ta.SegPGD(four_classes, steps=1), void),
        in_batches(ta.for_segmentation(torchattacks.PGD)(four_classes, steps=1), void),
        lambda: segpgd(steps=1)(four_classes, IMAGES, void),
    ):
        (text,) = said(run)
        assert text.startswith(
            "Labels contain 255 in every pixel; 255 is ignored, and nothing is left"
        )


@pytest.mark.parametrize("loss", [nn.BCELoss(), nn.BCEWithLogitsLoss()])
def test_what_an_estimator_says_to_one_logit_per_pixel(loss):
    with pytest.raises(InputError, match=r"loss is a BCE.*\[0, z\] here, .* leave loss out"):
        estimator(Brightness(), loss=loss)
    with pytest.raises(InputError, match="a model with one output channel has nb_classes=2"):
        estimator(Brightness(), nb_classes=1)


def test_training_on_a_mask_of_0_and_255():
    model = nn.Conv2d(3, 1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    fitted = estimator(model, optimizer=optimizer)
    trainer = AdversarialTrainerSegmentationPyTorch(fitted, max_iter=1, verbose=False)
    for fit in (fitted.fit, trainer.fit):
        (text,) = said(lambda fit=fit: fit(*ARRAYS, nb_epochs=1))
        assert text.startswith("Labels contain 255 in ")
        assert said(lambda fit=fit: fit(ARRAYS[0], MASKS.numpy(), nb_epochs=1)) == []


def test_a_hidden_gradient_is_said_once_a_training():
    class Rounding(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Conv2d(3, 4, 1)

        def forward(self, images):
            return self.net((255 * images).round() / 255)

    model = Rounding()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    fitted = estimator(model, 4, optimizer=optimizer)
    trainer = AdversarialTrainerSegmentationPyTorch(fitted, max_iter=1, verbose=False)
    labels = IMAGES.argmax(1).numpy()
    (text,) = said(lambda: trainer.fit(IMAGES.numpy(), labels, nb_epochs=2, batch_size=1))
    assert text.startswith("the gradient is zero")


def test_one_probability_per_class_is_said_once_an_attack():
    class Sigmoid(TwoClasses):
        def forward(self, images):
            return (3 * super().forward(images)).sigmoid()

    for run in everywhere(Sigmoid(), MASKS).values():
        (text,) = said(run)
        assert "looks like one probability per class" in text


def test_which_output_was_taken_is_said_once_an_attack():
    class Several(TwoClasses):
        def forward(self, images):
            return [images, super().forward(images)]

    (text,) = said(art(Several(), MASKS))
    assert "of which r[1] was taken for the logits" in text
    with pytest.raises(
        InputError, match=r"say which they are, as with output=lambda r: r\[1\], to Segmenter"
    ):
        ta.SegPGD(Several())(IMAGES, MASKS)
    chosen = Segmenter(Several(), output=lambda r: r[1])
    assert said(in_batches(ta.SegPGD(chosen, steps=2), MASKS)) == []


def test_estimators_and_attacks_that_an_earlier_version_pickled():
    """They have not what was added to their classes since."""
    old = estimator(TwoClasses())
    attack = SegPGD(old, max_iter=2, num_random_init=0, verbose=False)
    for name in ("in_channels", "binary", "_differentiable", "_doubted"):
        vars(old._segmenter).pop(name, None)
    opened = pickle.loads(pickle.dumps(attack))  # of our own making
    found = opened.generate(*ARRAYS[:1], MASKS.numpy())
    assert np.array_equal(
        found,
        SegPGD(estimator(TwoClasses()), max_iter=2, num_random_init=0, verbose=False).generate(
            *ARRAYS[:1], MASKS.numpy()
        ),
    )
    theirs = ta.SegPGD(TwoClasses(), steps=2, random_start=False)
    vars(theirs).pop("_doubts_said", None)
    vars(theirs).pop("_zero_said", None)
    assert np.array_equal(pickle.loads(pickle.dumps(theirs))(IMAGES, MASKS).numpy(), found)
