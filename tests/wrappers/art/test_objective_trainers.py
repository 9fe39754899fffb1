"""Adversarial training by the objectives: on segmenters and classifiers, with hyperspheres and without."""

import inspect
import logging

import numpy as np
import pytest
import torch
from art.data_generators import NumpyDataGenerator, PyTorchDataGenerator
from art.defences.preprocessor import GaussianAugmentation, SpatialSmoothing
from art.defences.trainer import Trainer
from art.estimators.classification import PyTorchClassifier
from hypersphere_problem import (
    M,
    maps,
    pictures,
    small_classifier,
    small_model,
    straight_logits,
    straight_loss,
)
from oracles import TinyNet
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from art_segplugin.errors import InputError
from art_segplugin.wrappers.art import (
    AdversarialTrainerHEALPPyTorch,
    AdversarialTrainerHEFastPyTorch,
    AdversarialTrainerHEFreePyTorch,
    AdversarialTrainerHEPGDPyTorch,
    AdversarialTrainerHETRADESPyTorch,
    AdversarialTrainerSegmentationPyTorch,
    AdversarialTrainerSegPGDPyTorch,
    PyTorchHypersphereClassifier,
    PyTorchHypersphereSegmenter,
    PyTorchSegmenter,
    SegmentationPGD,
)
from art_segplugin.wrappers.art.trainers import ALL

HYPERSPHERE = [trainer for trainer in ALL if "HE" in trainer.__name__]
TRADES = AdversarialTrainerHETRADESPyTorch
MAPS, PICTURES = maps(8, (12, 14)), pictures()


def segmenter(model=None, kind=PyTorchHypersphereSegmenter, lr=0.02, size=(12, 14), **options):
    if model is None:
        torch.manual_seed(0)
        model = TinyNet()
    options = {"optimizer": torch.optim.Adam(model.parameters(), lr=lr), **options}
    options = {"input_shape": (3, *size), "nb_classes": 4, "device_type": "cpu", **options}
    return kind(model, **options)


def classifier(kind=PyTorchHypersphereClassifier, **options):
    model = small_classifier()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    options = {"clip_values": (0, 1), "preprocessing": (0.5, 0.25), **options}
    options = {"loss": nn.CrossEntropyLoss(), "optimizer": optimizer, **options}
    return kind(model, input_shape=(3, 8, 8), nb_classes=4, device_type="cpu", **options)


def accuracy_under_attack(estimator, x, y, eps):
    attack = SegmentationPGD(
        estimator, eps=eps, eps_step=eps / 4, max_iter=10, num_random_init=0, verbose=False
    )
    predicted = estimator.predict(attack.generate(x, y)).argmax(1)
    return (predicted == y)[y != 255].mean()


def quiet(trainer, estimator, **options):
    if trainer is TRADES:
        options = {"beta": 1.0, **options}  # few epochs
    return trainer(estimator, verbose=False, **options)


def weights(estimator):
    return torch.cat([p.detach().flatten() for p in estimator.model.parameters()])


def trained(trainer, estimator, x, y, nb_epochs=1, batch_size=4, **options):
    torch.manual_seed(0)
    quiet(trainer, estimator, **options).fit(x, y, batch_size=batch_size, nb_epochs=nb_epochs)
    return weights(estimator)


def few_steps(trainer):
    """Of attacks whose steps can be chosen."""
    several = "max_iter" in inspect.signature(trainer).parameters and trainer is not ALL[1]
    return {"max_iter": 4} if several else {}


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


def test_a_last_batch_can_be_left_out():
    estimator, seen = segmenter(), []
    estimator.model.register_forward_pre_hook(lambda m, inputs: seen.append(len(inputs[0])))
    trainer = quiet(AdversarialTrainerHEFreePyTorch, estimator, replays=1)
    trainer.fit(*MAPS, batch_size=3, nb_epochs=1, drop_last=True)
    assert seen == [3, 3]


def test_keywords_that_art_passes_and_those_that_nobody_knows():
    trainer = quiet(AdversarialTrainerHEFastPyTorch, segmenter())
    generator, before = NumpyDataGenerator(*MAPS, batch_size=4), weights(trainer.segmenter)
    for fit, data in ((trainer.fit, MAPS), (trainer.fit_generator, [generator])):
        with pytest.raises(TypeError, match="no argument 'nb_epoch' here"):
            fit(*data, nb_epoch=3)
    assert torch.equal(weights(trainer.segmenter), before)
    options = {"validation_data": MAPS, "scheduler": None, "verbose": False, "drop_last": False}
    trainer.fit(*MAPS, nb_epochs=1, batch_size=4, training_mode=True, **options)
    trainer.fit_generator(generator, nb_epochs=1, **options)
    assert not torch.equal(weights(trainer.segmenter), before)


@pytest.mark.parametrize("trainer", ALL)
def test_a_radius_that_is_no_number(trainer):
    for eps in ("8", None, True, float("nan")):
        with pytest.raises(InputError, match=f"eps is {eps!r}; give one finite number"):
            trainer(segmenter(), eps=eps)


def test_a_radius_in_another_unit(recwarn):
    with pytest.raises(InputError, match=r"eps is 8, more than .* 0 to 1; .* such as 0\.0314"):
        AdversarialTrainerHEFastPyTorch(segmenter(), eps=8)
    bytes_ = segmenter(clip_values=(0, 255))
    AdversarialTrainerHEFastPyTorch(bytes_, eps=8)
    AdversarialTrainerHEFastPyTorch(segmenter(), eps=1e-4)
    assert not recwarn
    with pytest.warns(UserWarning, match=r"thousandth .* 0 to 255; .* did you mean 8\?"):
        AdversarialTrainerHEFastPyTorch(bytes_)


def test_halves_of_one_image():
    trainer = quiet(AdversarialTrainerSegPGDPyTorch, segmenter())
    single = MAPS[0][:1], MAPS[1][:1]
    for fit in (
        lambda: trainer.fit(*MAPS, batch_size=1),
        lambda: trainer.fit(*single),
        lambda: trainer.fit_generator(NumpyDataGenerator(*MAPS, batch_size=1)),
    ):
        with pytest.raises(InputError, match="1 image a batch, which would never be attacked"):
            fit()
    with pytest.raises(InputError, match="half is 'a'; give True or False"):
        AdversarialTrainerSegPGDPyTorch(segmenter(), half="a")


@pytest.mark.parametrize(
    ("x", "y", "sentence"),
    [
        (MAPS[0].tolist(), MAPS[1], "x is a list; give an array"),
        (MAPS[0], MAPS[1].tolist(), "y is a list; give an array"),
        (MAPS[0][:, :1], MAPS[1], r"each image has shape \(1, 12, 14\) and .* \(3, 12, 14\)"),
        (MAPS[0][:0], MAPS[1][:0], "x holds no images"),
        (MAPS[0][0], MAPS[1], r"x has shape \(3, 12, 14\)"),
        (MAPS[0], np.full_like(MAPS[1], 255), "all labels are void"),
    ],
)
def test_images_and_labels_that_cannot_be_used(x, y, sentence):
    with pytest.raises(InputError, match=sentence):
        quiet(AdversarialTrainerHEFastPyTorch, segmenter()).fit(x, y)


def test_labels_in_all_forms():
    x, y = PICTURES
    one_hot = np.eye(4, dtype=np.float32)[y]
    results = [
        trained(AdversarialTrainerHEFastPyTorch, classifier(), x, labels)
        for labels in (y, y[:, None], one_hot, torch.from_numpy(y))
    ]
    assert all(torch.equal(result, results[0]) for result in results)
    for labels, sentence in (
        (one_hot * 0.8 + 0.05, "labels are probabilities"),
        (y[:-1], "labels for 31 images and 32 images"),
        (one_hot[:, :3], r"labels have shape \(4, 3\)"),
        (y + 1, "labels hold 4"),
    ):
        with pytest.raises(InputError, match=sentence):
            trained(AdversarialTrainerHEFastPyTorch, classifier(), x, labels)
    with pytest.raises(InputError, match=r"labels have shape \(4, 3, 3\)"):
        trained(AdversarialTrainerHEFastPyTorch, segmenter(), MAPS[0], MAPS[1][:, :3, :3])


def test_generators():
    data = TensorDataset(torch.from_numpy(MAPS[0]), torch.from_numpy(MAPS[1]))
    generators = [
        NumpyDataGenerator(*MAPS, batch_size=3, drop_remainder=False),
        PyTorchDataGenerator(DataLoader(data, batch_size=3), size=8, batch_size=3),
    ]
    for generator in generators:
        estimator, seen = segmenter(), []
        estimator.model.register_forward_pre_hook(
            lambda m, inputs, seen=seen: seen.append(len(inputs[0]))
        )
        quiet(AdversarialTrainerHEFreePyTorch, estimator, replays=2).fit_generator(generator, 3)
        assert seen == [3, 3, 3, 3, 2, 2] * 2
    with pytest.raises(InputError, match="give a DataGenerator"):
        quiet(AdversarialTrainerHEFastPyTorch, segmenter()).fit_generator([MAPS])


@pytest.mark.parametrize(("trainer", "passes"), [(ALL[1], 6), (AdversarialTrainerHEFreePyTorch, 2)])
def test_the_scheduler_steps_once_an_epoch(trainer, passes):
    estimator, rates = segmenter(), []
    estimator.optimizer.register_step_pre_hook(
        lambda optimizer, *_: rates.append(optimizer.param_groups[0]["lr"])
    )
    scheduler = torch.optim.lr_scheduler.ExponentialLR(estimator.optimizer, 0.5)
    quiet(trainer, estimator).fit(*MAPS, nb_epochs=6, scheduler=scheduler)
    assert scheduler.get_last_lr() == [0.02 / 64]
    assert len(set(rates)) == passes
    with pytest.raises(InputError, match="scheduler is a str"):
        quiet(trainer, estimator).fit(*MAPS, scheduler="cosine")


def test_the_log_tells_the_accuracy_of_the_validation_data(caplog, capsys):
    estimator, (x, y) = segmenter(), MAPS
    with caplog.at_level(logging.INFO, "art_segplugin"):
        AdversarialTrainerHEFastPyTorch(estimator).fit(
            x, y, validation_data=(x[:3], y[:3]), batch_size=2, nb_epochs=2
        )
    right = 1 - estimator.compute_losses(x[:3], y[:3])["zero_one"].mean()
    assert len(caplog.messages) == 2
    assert caplog.messages[-1].startswith("epoch 2: {'loss': ")
    told = float(caplog.messages[-1].split("'accuracy': ")[1].rstrip("}"))
    assert told == pytest.approx(right, abs=1e-6)
    assert "AdversarialTrainerHEFastPyTorch - epochs: 100%" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("pair", "sentence"),
    [
        ((255 * MAPS[0], MAPS[1]), "x goes from .* outside"),
        ((MAPS[0], MAPS[1][:3]), "there are labels for 3 images and 8"),
        ((MAPS[0], MAPS[1] + 1), "the labels hold"),
        ((MAPS[0][:, :2], MAPS[1]), "each image has shape"),
        (([], MAPS[1]), "x is a list"),
    ],
)
def test_validation_data_are_checked_before_the_first_epoch(pair, sentence):
    estimator = segmenter()
    before = weights(estimator)
    trainer = quiet(AdversarialTrainerHEFastPyTorch, estimator)
    with pytest.raises(InputError, match=f"^validation_data: {sentence}"):
        trainer.fit(*MAPS, validation_data=pair)
    for odd, kind in ((MAPS[0], "ndarray"), ((*pair, 1), "tuple")):
        with pytest.raises(InputError, match=f"validation_data is a {kind} and no pair"):
            trainer.fit(*MAPS, validation_data=odd)
    assert torch.equal(weights(estimator), before)


def test_images_of_classifiers_have_one_size():
    with pytest.raises(InputError, match=r"each image has shape \(3, 8, 4\) and .* \(3, 8, 8\)"):
        quiet(AdversarialTrainerHEFastPyTorch, classifier()).fit(PICTURES[0][..., :4], PICTURES[1])


def test_the_seed_of_torch_fixes_everything():
    results = [trained(AdversarialTrainerSegPGDPyTorch, segmenter(), *MAPS, 2) for _ in range(2)]
    assert torch.equal(*results)


def test_a_loss_that_is_not_finite_stops_the_training():
    estimator = segmenter()
    with torch.no_grad():
        estimator.model.body[0].weight[0] = float("nan")
    before = weights(estimator)
    with pytest.raises(InputError, match="loss is nan at step 1 of epoch 1: lower the optimizer's"):
        trained(AdversarialTrainerHEFastPyTorch, estimator, *MAPS)
    assert torch.equal(weights(estimator).isnan(), before.isnan())


def test_optimizers_that_cannot_train():
    with pytest.raises(InputError, match="no optimizer; give one to PyTorchHypersphereSegmenter"):
        quiet(ALL[1], segmenter(optimizer=None)).fit(*MAPS)
    estimator = segmenter()
    estimator.set_params(optimizer=torch.optim.SGD(TinyNet().parameters(), lr=0.1))
    with pytest.raises(InputError, match="holds no weight of the model"):
        quiet(ALL[1], estimator).fit(*MAPS)
    estimator.set_params(optimizer=torch.optim.SGD(estimator.model.body.parameters(), lr=0.1))
    with pytest.raises(InputError, match="does not hold the weight of the model's last layer"):
        quiet(ALL[1], estimator).fit(*MAPS)


@pytest.mark.parametrize(
    ("trainer", "options", "error", "sentence"),
    [
        (ALL[1], {"eps": -1.0}, InputError, "eps is -1.0"),
        (ALL[1], {"max_iter": 0}, InputError, "max_iter is 0"),
        (ALL[1], {"max_iter": 2.5}, TypeError, "max_iter is 2.5"),
        (TRADES, {"beta": -1.0}, InputError, "weight is -1.0"),
        (AdversarialTrainerHEFreePyTorch, {"replays": 0}, InputError, "replays is 0"),
        (ALL[0], {"objective": "pgd"}, InputError, "objective 'pgd' is unknown"),
        (ALL[0], {"objective": "trades", "half": True}, InputError, "trades attacks all images"),
        (ALL[0], {"objective": "fast-at", "max_iter": 3}, InputError, "fast-at has no attack to"),
    ],
)
def test_arguments_that_cannot_be_used(trainer, options, error, sentence):
    with pytest.raises(error, match=sentence):
        trainer(segmenter(), **options)


def test_estimators_that_cannot_be_trained():
    with pytest.raises(TypeError, match=r"is for PyTorchSegmenter and .*, and Sequential is given"):
        AdversarialTrainerSegmentationPyTorch(small_model())
    trainer = quiet(ALL[1], segmenter())
    with pytest.raises(InputError, match="batch_size is 0"):
        trainer.fit(*MAPS, batch_size=0)
