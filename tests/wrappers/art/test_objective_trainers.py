"""Adversarial training by the objectives: what it does, on segmenters and classifiers."""

import numpy as np
import pytest
import torch
from art.defences.preprocessor import GaussianAugmentation, SpatialSmoothing
from art.defences.trainer import Trainer
from art.estimators.classification import PyTorchClassifier
from hypersphere_problem import (
    M,
    maps,
    small_model,
    straight_logits,
    straight_loss,
)
from torch import nn
from trainer_problem import (
    HYPERSPHERE,
    MAPS,
    PICTURES,
    accuracy_under_attack,
    classifier,
    few_steps,
    quiet,
    segmenter,
    trained,
    weights,
)

from art_segplugin.errors import InputError
from art_segplugin.wrappers.art import (
    AdversarialTrainerHEALPPyTorch,
    AdversarialTrainerHEFastPyTorch,
    AdversarialTrainerHEFreePyTorch,
    AdversarialTrainerHEPGDPyTorch,
    AdversarialTrainerHETRADESPyTorch,
    AdversarialTrainerSegPGDPyTorch,
    PyTorchSegmenter,
)
from art_segplugin.wrappers.art.trainers import ALL


@pytest.mark.parametrize("trainer", ALL)
def test_segmenters_withstand_more(trainer):
    estimator, (x, y) = segmenter(), MAPS
    before = accuracy_under_attack(estimator, x, y, 0.04)
    statistics = estimator.model.body[1].running_mean.clone()
    modes = [module.training for module in estimator.model.modules()]
    trained(trainer, estimator, x, y, nb_epochs=10, eps=0.04, **few_steps(trainer))
    assert accuracy_under_attack(estimator, x, y, 0.04) > before + 0.2
    assert not torch.equal(estimator.model.body[1].running_mean, statistics)
    assert [module.training for module in estimator.model.modules()] == modes


@pytest.mark.parametrize("trainer", ALL)
def test_classifiers_withstand_more_than_after_clean_training(trainer):
    x, y = PICTURES
    clean, estimator = classifier(), classifier()
    torch.manual_seed(0)
    clean.fit(x, y, batch_size=8, nb_epochs=6)
    trained(trainer, estimator, x, y, 6, 8, eps=0.1, **few_steps(trainer))
    robust = accuracy_under_attack(estimator, x, y, 0.1)
    assert robust > accuracy_under_attack(clean, x, y, 0.1) + 0.3


@pytest.mark.parametrize("kind", [PyTorchSegmenter, PyTorchClassifier])
def test_estimators_without_a_hypersphere(kind):
    estimator = segmenter(kind=kind) if kind is PyTorchSegmenter else classifier(kind)
    (x, y), eps = (MAPS, 0.04) if kind is PyTorchSegmenter else (PICTURES, 0.1)
    before = accuracy_under_attack(estimator, x, y, eps)
    trained(AdversarialTrainerSegPGDPyTorch, estimator, x, y, nb_epochs=6, eps=eps)
    assert accuracy_under_attack(estimator, x, y, eps) > before + 0.2
    for trainer in HYPERSPHERE:
        with pytest.raises(
            TypeError, match=f"{trainer.__name__} needs .* {kind.__name__} has none"
        ):
            trainer(estimator)


@pytest.mark.parametrize("trainer", ALL)
def test_they_are_trainers_of_art(trainer):
    estimator = classifier()
    made = quiet(trainer, estimator)
    assert isinstance(made, Trainer)
    assert made.classifier is made.segmenter is made.get_classifier() is estimator
    assert np.array_equal(made.predict(PICTURES[0]), estimator.predict(PICTURES[0]))


@pytest.mark.parametrize(
    ("trainer", "options", "forward", "backward", "updates"),
    [
        (AdversarialTrainerHEFreePyTorch, {"replays": 2}, 1, 1, 4),
        (AdversarialTrainerHEFastPyTorch, {}, 2, 2, 4),
        (AdversarialTrainerHEPGDPyTorch, {"max_iter": 3}, 4, 4, 4),
        (AdversarialTrainerHEALPPyTorch, {"max_iter": 3}, 5, 5, 4),
        (AdversarialTrainerHETRADESPyTorch, {"max_iter": 3}, 6, 5, 4),  # the reference has none
    ],
)
def test_passes_of_an_update(trainer, options, forward, backward, updates):
    estimator, seen, steps = segmenter(), {"forward": 0, "backward": 0}, []

    def count(module, inputs, output):
        seen["forward"] += 1
        if output.requires_grad:
            output.register_hook(lambda g: seen.update(backward=seen["backward"] + 1))

    estimator.model.register_forward_hook(count)
    estimator.optimizer.register_step_post_hook(lambda *_: steps.append(1))
    trained(trainer, estimator, *MAPS, nb_epochs=2, **options)
    assert len(steps) == updates
    assert seen == {"forward": forward * updates, "backward": backward * updates}


def test_the_attack_sees_evaluation_mode_and_the_update_training_mode():
    estimator, modes = segmenter(), []
    estimator.model.eval()
    norm = estimator.model.body[1]
    norm.register_forward_pre_hook(lambda module, inputs: modes.append(module.training))
    trained(AdversarialTrainerHEPGDPyTorch, estimator, *MAPS, max_iter=2)
    assert modes == [False, False, True] * 2
    assert not norm.training


@pytest.mark.parametrize("margin", [0.0, M])
def test_a_step_is_that_of_the_paper(margin):
    """With a radius of 0 it is a step on clean images."""
    x, y = maps()
    model, by_hand = small_model(torch.float64), small_model(torch.float64)
    logits = straight_logits(by_hand[:2](torch.from_numpy(x).double()), by_hand[2].weight)
    labels = torch.from_numpy(y)
    (straight_loss(logits, labels, margin).sum() / (labels != 255).sum()).backward()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    estimator = segmenter(model, optimizer=optimizer, size=(6, 7), margin=margin)
    trained(AdversarialTrainerHEPGDPyTorch, estimator, x, y, eps=0.0)
    for name, parameter in model.named_parameters():
        expected = by_hand.get_parameter(name)
        assert torch.allclose(parameter, expected - 0.1 * expected.grad, rtol=1e-7, atol=1e-10)


def test_class_weights_of_the_estimator_count():
    results = []
    for weight in (None, torch.tensor([1.0, 5.0, 1.0, 1.0])):
        loss = nn.CrossEntropyLoss(weight, ignore_index=255)
        results.append(trained(AdversarialTrainerHEFastPyTorch, segmenter(loss=loss), *MAPS))
    assert not torch.allclose(*results)
    with pytest.raises(InputError, match=r"smooths labels by 0\.1"):
        quiet(ALL[0], segmenter(loss=nn.CrossEntropyLoss(label_smoothing=0.1)))


@pytest.mark.parametrize(
    "trainer", [AdversarialTrainerHEPGDPyTorch, AdversarialTrainerHEFreePyTorch]
)
def test_sizes_are_in_the_unit_of_the_images(trainer):
    (x, y), eps = maps(), 0.05
    results = []
    for unit in (1, 256):  # a power of two, so that no sign depends on rounding
        model = small_model(torch.float64)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        options = {"clip_values": (0, unit), "preprocessing": (0.0, float(unit)), "size": (6, 7)}
        estimator = segmenter(model, optimizer=optimizer, **options)
        results.append(trained(trainer, estimator, unit * x, y, nb_epochs=4, eps=unit * eps))
    assert torch.allclose(*results, atol=1e-9)
    assert not torch.allclose(results[0], weights(segmenter(small_model(torch.float64))), atol=1e-2)


def test_the_bounds_are_kept():
    """Images at the bounds: what would leave them must not be learnt from."""
    x = np.ones((4, 3, 12, 14), np.float32)
    estimator, seen = segmenter(), []
    estimator.model.register_forward_pre_hook(lambda m, inputs: seen.append(inputs[0].max()))
    trained(AdversarialTrainerHEFreePyTorch, estimator, x, MAPS[1][:4], nb_epochs=8, eps=0.2)
    trained(AdversarialTrainerHEPGDPyTorch, estimator, x, MAPS[1][:4], eps=0.2)
    assert max(seen) <= 1
    with pytest.raises(InputError, match="outside the estimator's clip_values"):
        trained(AdversarialTrainerHEFastPyTorch, estimator, 255 * x, MAPS[1][:4])


def test_half_of_the_images_is_attacked():
    estimator, seen = segmenter(), []
    estimator.model.register_forward_pre_hook(lambda m, inputs: seen.append(inputs[0].detach()))
    torch.manual_seed(0)
    quiet(AdversarialTrainerSegPGDPyTorch, estimator, eps=0.1).fit(*MAPS, nb_epochs=1)
    assert [len(images) for images in seen] == [4, 4, 4, 8]
    known = torch.from_numpy(MAPS[0])
    clean = [bool((known == image).flatten(1).all(1).any()) for image in seen[-1]]
    assert clean == [True, False] * 4


def test_defences_of_prediction_are_part_of_the_model():
    estimator, seen = segmenter(preprocessing_defences=SpatialSmoothing(window_size=3)), []
    estimator.model.register_forward_pre_hook(lambda m, inputs: seen.append(inputs[0].detach()))
    trained(AdversarialTrainerHEPGDPyTorch, estimator, *MAPS, eps=0.0, max_iter=1)
    smooth, _ = SpatialSmoothing(window_size=3)(MAPS[0])
    for images in seen:  # of the attack and of the update
        for image in images:
            assert np.isclose(smooth, image, atol=1e-6).all((1, 2, 3)).any()


def test_defences_of_training_change_the_images_first():
    estimator, seen = segmenter(), []
    noise = GaussianAugmentation(sigma=0.01, augmentation=True, ratio=1.0, clip_values=(0, 1))
    estimator.set_params(preprocessing_defences=[noise])
    estimator.model.register_forward_pre_hook(lambda m, inputs: seen.append(len(inputs[0])))
    trained(AdversarialTrainerHEFastPyTorch, estimator, *MAPS)
    assert seen == [8, 8] * 2  # batches of 4, twice as many
    before = weights(estimator)
    estimator.set_params(preprocessing_defences=[GaussianAugmentation()])
    sentence = r"GaussianAugmentation makes images that go from .* 0 to 1; give it clip_values"
    with pytest.raises(InputError, match=sentence):
        trained(AdversarialTrainerHEFastPyTorch, estimator, *MAPS)
    assert torch.equal(weights(estimator), before)
