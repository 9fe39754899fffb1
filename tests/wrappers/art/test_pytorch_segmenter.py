import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from art.defences.postprocessor import ClassLabels, ReverseSigmoid
from art.defences.preprocessor import (
    CutMix,
    CutMixPyTorch,
    LabelSmoothing,
    Mixup,
    MixupPyTorch,
    ThermometerEncoding,
)
from art.estimators.classification import ClassifierMixin
from art.estimators.estimator import BaseEstimator, LossGradientsMixin, NeuralNetworkMixin
from oracles import TinyNet
from torch import nn

from art_segplugin.errors import InputError
from art_segplugin.models import Segmenter
from art_segplugin.wrappers.art import PyTorchSegmenter, SegmenterMixin


def test_it_is_a_segmenter_and_no_classifier_mixin(problem):
    kinds = type(problem.estimator).__mro__
    assert {BaseEstimator, LossGradientsMixin, NeuralNetworkMixin, SegmenterMixin} <= set(kinds)
    assert ClassifierMixin not in kinds


def test_arguments_in_the_order_of_art(problem):
    optimizer = torch.optim.SGD(problem.model.parameters(), lr=0.1)
    loss = nn.CrossEntropyLoss(ignore_index=7)
    estimator = PyTorchSegmenter(problem.model, loss, (3, 12, 14), 4, optimizer, 7)
    assert estimator.model is problem.model
    assert estimator.loss is loss
    assert estimator.input_shape == (3, 12, 14)
    assert estimator.nb_classes == 4
    assert estimator.optimizer is optimizer
    assert estimator.ignore_index == 7
    assert np.array_equal(estimator.clip_values, [0, 1])
    assert estimator.device.type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_parameters_can_be_read_and_set_again(problem):
    params = problem.estimator.get_params()
    assert {"model", "nb_classes", "ignore_index", "loss", "input_shape"} <= set(params)
    before = problem.estimator.predict(problem.x)
    problem.estimator.set_params(**params)
    assert np.array_equal(problem.estimator.predict(problem.x), before)


def test_the_number_of_classes_is_needed():
    with pytest.raises(TypeError, match="nb_classes is None"):
        PyTorchSegmenter(TinyNet(), input_shape=(3, 12, 14))


def test_no_loss_is_the_default_loss_again(problem):
    expected = problem.estimator.compute_loss(problem.x, problem.y)
    problem.estimator.set_params(loss=nn.CrossEntropyLoss(torch.tensor([1.0, 2.0, 3.0, 4.0])))
    assert not np.array_equal(problem.estimator.compute_loss(problem.x, problem.y), expected)
    problem.estimator.set_params(loss=None)
    assert np.array_equal(problem.estimator.compute_loss(problem.x, problem.y), expected)


NORMALISATION = (np.array([0.5, 0.4, 0.3]), np.array([0.2, 0.25, 0.5]))


@pytest.mark.parametrize("given_anew", [False, True])
def test_the_layout_can_be_set(problem, given_anew):
    first = problem.with_options(preprocessing=NORMALISATION)
    expected = first.predict(problem.x)
    new = {"preprocessing": NORMALISATION} if given_anew else {}
    first.set_params(**new, channels_first=False, input_shape=(12, 14, 3))
    assert np.array_equal(first.predict(problem.x.transpose(0, 2, 3, 1)), expected)


def test_a_new_model_is_used_from_then_on(problem, segmenter):
    other = TinyNet().eval()
    problem.estimator.set_params(model=other)
    assert np.array_equal(problem.estimator.predict(problem.x), segmenter(other).predict(problem.x))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": lambda x: x}, "model is a function; give a torch.nn.Module"),
        ({"nb_classes": 1}, "nb_classes is 1; give a whole number >= 2"),
        ({"input_shape": None}, "input_shape is None"),
        ({"input_shape": (12, 14)}, r"input_shape is \(12, 14\)"),
    ],
)
def test_bad_arguments(options, message, segmenter):
    with pytest.raises(InputError, match=message):
        segmenter(**{"model": TinyNet(), **options})


@pytest.mark.parametrize(
    "defence",
    [
        LabelSmoothing(),
        Mixup(num_classes=4),
        MixupPyTorch(num_classes=4, device_type="cpu"),
        CutMix(num_classes=4),
        CutMixPyTorch(num_classes=4, device_type="cpu"),
        ThermometerEncoding(clip_values=(0, 1)),
    ],
    ids=lambda defence: type(defence).__name__,
)
def test_label_smoothing_mixup_cutmix_and_thermometer_are_refused(problem, defence):
    with pytest.raises(InputError, match=f"{type(defence).__name__} cannot defend a segmentation"):
        problem.with_options(preprocessing_defences=defence)


@pytest.mark.parametrize("defence", [ClassLabels(), ReverseSigmoid()], ids=["labels", "sigmoid"])
def test_class_labels_and_reverse_sigmoid_are_refused(problem, defence):
    with pytest.raises(InputError, match="cannot defend a segmentation model"):
        problem.with_options(postprocessing_defences=defence)
    with pytest.raises(InputError, match="cannot defend a segmentation model"):
        problem.estimator.set_params(postprocessing_defences=[defence])


def test_a_model_with_another_number_of_classes_is_named(problem):
    with pytest.raises(InputError, match="gives 4 classes and 5 were expected"):
        problem.with_options(nb_classes=5).predict(problem.x)


def test_images_of_another_size_than_input_shape_are_taken(problem):
    assert problem.estimator.predict(problem.x[:, :, :8, :10]).shape == (2, 4, 8, 10)


def test_a_segmenter_with_its_normalisation_is_taken(problem, segmenter):
    model = Segmenter(problem.model, mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.2)).eval()
    with torch.no_grad():
        expected = model(problem.images())
    assert np.array_equal(segmenter(model).predict(problem.x), expected)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])
def test_pickle_and_deepcopy(trainable, copied):
    trainable.estimator.get_activations(trainable.x, 0)  # a hook was there and is gone
    twin = copied(trainable.estimator)
    assert np.array_equal(twin.predict(trainable.x), trainable.estimator.predict(trainable.x))
    before = trainable.estimator.predict(trainable.x)
    twin.fit(trainable.x, trainable.y, nb_epochs=1)  # its optimizer holds its own weights
    assert not np.array_equal(twin.predict(trainable.x), before)
    assert np.array_equal(trainable.estimator.predict(trainable.x), before)


def test_the_model_keeps_its_modes_when_it_is_wrapped(segmenter):
    model = TinyNet().train()
    model.body[1].eval()
    before = [m.training for m in model.modules()]
    segmenter(model)
    assert [m.training for m in model.modules()] == before


def test_neither_torchvision_nor_torchattacks_is_imported():
    code = (
        "import sys, art_segplugin.wrappers.art; "
        "sys.exit(sorted({'torchvision', 'torchattacks', 'matplotlib'} & set(sys.modules)) or 0)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
