"""The trainers as people use them, and misuse them: data, labels, keywords, arguments."""

import logging

import numpy as np
import pytest
import torch
from art.data_generators import NumpyDataGenerator, PyTorchDataGenerator
from hypersphere_problem import (
    small_model,
)
from oracles import TinyNet
from torch.utils.data import DataLoader, TensorDataset
from trainer_problem import MAPS, PICTURES, TRADES, classifier, quiet, segmenter, trained, weights

from art_segplugin.errors import InputError
from art_segplugin.wrappers.art import (
    AdversarialTrainerHEFastPyTorch,
    AdversarialTrainerHEFreePyTorch,
    AdversarialTrainerSegmentationPyTorch,
    AdversarialTrainerSegPGDPyTorch,
)
from art_segplugin.wrappers.art.trainers import ALL


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
    with pytest.raises(
        InputError, match=r"eps is 8 and .* 0 to 1: did you mean 8/255, or .*clip_values=\(0, 255\)"
    ):
        AdversarialTrainerHEFastPyTorch(segmenter(), eps=8)
    bytes_ = segmenter(clip_values=(0, 255))
    AdversarialTrainerHEFastPyTorch(bytes_, eps=8)
    AdversarialTrainerHEFastPyTorch(segmenter(), eps=1e-4)
    assert not recwarn
    with pytest.warns(
        UserWarning, match=r"0\.0314 and .* 0 to 255, .* did you mean 8, or .*clip_values=\(0, 1\)"
    ):
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
