import numpy as np
import pytest
import torch
from art.defences.preprocessor import (
    Cutout,
    CutoutPyTorch,
    FeatureSqueezing,
    GaussianAugmentation,
    JpegCompression,
    SpatialSmoothing,
)
from art.defences.preprocessor.preprocessor import Preprocessor, PreprocessorPyTorch
from art.preprocessing.standardisation_mean_std.pytorch import StandardisationMeanStdPyTorch

from art_segplugin.attacks import segpgd
from art_segplugin.wrappers.art import SegPGD
from art_segplugin.wrappers.art.preprocessing import preprocessed_for_training

MEAN = np.array([0.5, 0.4, 0.3], np.float32)
STD = np.array([0.2, 0.25, 0.5], np.float32)


class Halved(PreprocessorPyTorch):
    """A defence in PyTorch without a gradient of its own, and with an estimate of it."""

    def __init__(self):
        super().__init__(device_type="cpu")

    def forward(self, x, y=None):
        return x.detach() / 2, y

    def estimate_forward(self, x, y=None):
        return x / 2


class HalvedInPlace(Preprocessor):
    """A careless defence."""

    def __call__(self, x, y=None):
        x /= 2
        return x, y


def normalised(images):
    mean, std = (torch.from_numpy(value).view(1, 3, 1, 1) for value in (MEAN, STD))
    return (images - mean) / std


def analytic(problem):
    """The gradient with respect to the raw image: that with respect to the normalised one / std."""
    gradient = problem.estimator.loss_gradient(normalised(problem.images()).numpy(), problem.y)
    return gradient / STD.reshape(1, 3, 1, 1)


def test_the_gradient_is_with_respect_to_the_raw_image(problem):
    estimator = problem.with_options(preprocessing=(MEAN, STD))
    gradient = estimator.loss_gradient(problem.x, problem.y)
    assert np.allclose(gradient, analytic(problem), rtol=1e-5, atol=1e-8)


def test_channels_last_is_normalised_per_channel(problem):
    estimator = problem.with_options(
        preprocessing=(MEAN, STD), channels_first=False, input_shape=(12, 14, 3)
    )
    gradient = estimator.loss_gradient(problem.x.transpose(0, 2, 3, 1), problem.y)
    assert np.allclose(gradient.transpose(0, 3, 1, 2), analytic(problem), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("channels_first", [True, False])
def test_channels_are_not_mistaken_for_columns(problem, channels_first):
    """ART finds the axis of the channels by its length, and so normalises 3 columns."""
    x = problem.x[..., :3]
    expected = problem.estimator.predict(normalised(torch.from_numpy(x)).numpy())
    estimator = problem.with_options(
        preprocessing=(MEAN, STD), channels_first=channels_first, input_shape=(3, 12, 3)
    )
    given = x if channels_first else x.transpose(0, 2, 3, 1)
    assert np.array_equal(estimator.predict(given), expected)


def test_one_mean_and_a_deviation_per_channel(problem):
    estimator = problem.with_options(preprocessing=(0.5, tuple(STD)))
    expected = (problem.x - np.float32(0.5)) / STD.reshape(1, 3, 1, 1)
    assert np.allclose(estimator.predict(problem.x), problem.estimator.predict(expected), atol=1e-6)


def test_set_params_with_a_tuple_keeps_the_torch_path(problem):
    problem.estimator.set_params(preprocessing=(MEAN, STD))
    assert isinstance(problem.estimator.preprocessing, StandardisationMeanStdPyTorch)
    assert problem.estimator.all_framework_preprocessing
    expected = problem.with_options(preprocessing=(MEAN, STD)).predict(problem.x)
    assert np.array_equal(problem.estimator.predict(problem.x), expected)


@pytest.mark.parametrize("preprocessing", [None, (0.0, 1.0), (np.zeros(3), np.ones(3))])
def test_nothing_to_do_costs_nothing(problem, preprocessing):
    assert problem.with_options(preprocessing=preprocessing).preprocessing_operations == []


def test_a_numpy_defence_has_the_gradient_that_art_estimates(problem):
    """JPEG passes the gradient through: that at the compressed image, divided by std."""
    jpeg = JpegCompression(clip_values=(0, 1), quality=50, channels_first=True)
    estimator = problem.with_options(preprocessing_defences=jpeg, preprocessing=(MEAN, STD))
    compressed = normalised(torch.from_numpy(jpeg(problem.x)[0])).numpy()
    expected = problem.estimator.loss_gradient(compressed, problem.y) / STD.reshape(1, 3, 1, 1)
    gradient = estimator.loss_gradient(problem.x, problem.y)
    assert np.allclose(gradient, expected, rtol=1e-5, atol=1e-8)


def jpeg(**options):
    return JpegCompression(clip_values=(0, 1), quality=50, channels_first=True, **options)


@pytest.mark.parametrize("normalised_too", [False, True])
@pytest.mark.parametrize("torch_first", [False, True])
def test_defences_of_both_kinds_in_a_chain(problem, normalised_too, torch_first):
    """JPEG passes the gradient through, Halved halves it, the last step divides it by std."""
    defences = [jpeg(), HalvedInPlace(), Halved()][:: -1 if torch_first else 1]
    options = {"preprocessing": (MEAN, STD)} if normalised_too else {}
    estimator = problem.with_options(preprocessing_defences=defences, **options)
    x, scale = problem.x, 0.5
    for defence in defences:
        x = defence(x.copy())[0]
    if normalised_too:
        x, scale = normalised(torch.from_numpy(x)).numpy(), 0.5 / STD.reshape(1, 3, 1, 1)
    assert np.allclose(estimator.predict(problem.x), problem.estimator.predict(x), atol=1e-6)
    expected = problem.estimator.loss_gradient(x, problem.y) * scale
    gradient = estimator.loss_gradient(problem.x, problem.y)
    assert np.allclose(gradient, expected, rtol=1e-4, atol=1e-8)


def test_the_estimate_of_a_defence_is_taken_at_what_it_got(problem):
    class Squared(Preprocessor):
        def __call__(self, x, y=None):
            return x**2, y

        def estimate_gradient(self, x, grad):
            return 2 * x * grad

    estimator = problem.with_options(preprocessing_defences=[Squared(), Squared()])
    expected = problem.estimator.loss_gradient(problem.x**4, problem.y) * 4 * problem.x**3
    assert np.allclose(
        estimator.loss_gradient(problem.x, problem.y), expected, rtol=1e-4, atol=1e-8
    )


@pytest.mark.parametrize(
    "defence", [jpeg, lambda **o: CutoutPyTorch(4, True, device_type="cpu", **o)]
)
def test_a_defence_of_training_is_no_part_of_the_prediction(problem, defence):
    estimator = problem.with_options(
        preprocessing_defences=[defence(apply_fit=True, apply_predict=False), jpeg()]
    )
    expected = problem.with_options(preprocessing_defences=jpeg())
    assert np.array_equal(estimator.predict(problem.x), expected.predict(problem.x))
    assert np.array_equal(
        estimator.loss_gradient(problem.x, problem.y), expected.loss_gradient(problem.x, problem.y)
    )


def test_a_torch_defence_with_its_own_estimate_is_differentiated_by_it(problem):
    estimator = problem.with_options(preprocessing_defences=Halved())
    halved = problem.x / 2
    assert np.array_equal(estimator.predict(problem.x), problem.estimator.predict(halved))
    expected = problem.estimator.loss_gradient(halved, problem.y) / 2
    assert np.allclose(estimator.loss_gradient(problem.x, problem.y), expected)


def test_a_defence_that_works_in_place_leaves_the_images_alone(problem):
    estimator, before = (
        problem.with_options(preprocessing_defences=HalvedInPlace()),
        problem.x.copy(),
    )
    expected = problem.estimator.predict(before / 2)
    assert np.array_equal(estimator.predict(problem.x), expected)
    estimator.loss_gradient(problem.x, problem.y)
    assert np.array_equal(problem.x, before)


def test_a_torch_defence_that_works_in_place_leaves_the_images_alone(problem):
    class HalvedTensorInPlace(PreprocessorPyTorch):
        def forward(self, x, y=None):
            return x.div_(2), y

    defence, before = HalvedTensorInPlace(device_type="cpu"), problem.x.copy()
    estimator = problem.with_options(preprocessing_defences=defence)
    expected = problem.estimator.predict(before / 2)
    for x in (problem.x, problem.images()):
        assert np.array_equal(estimator.predict(x), expected)
    assert np.array_equal(problem.x, before)


def test_float64_from_a_defence_is_cast_before_the_model(problem):
    squeezing = FeatureSqueezing(clip_values=(0, 1), bit_depth=3)
    assert squeezing(problem.x.astype(np.float64))[0].dtype == np.float64
    estimator = problem.with_options(preprocessing_defences=squeezing)
    assert estimator.predict(problem.x).dtype == np.float32
    assert estimator.loss_gradient(problem.x, problem.y).dtype == np.float32


@pytest.mark.parametrize(
    "defence",
    [
        JpegCompression(clip_values=(0, 1), quality=60, channels_first=True),
        SpatialSmoothing(window_size=3, channels_first=True),
        FeatureSqueezing(clip_values=(0, 1), bit_depth=4),
    ],
    ids=lambda defence: type(defence).__name__,
)
def test_attacks_go_through_numpy_defences(problem, defence):
    estimator = problem.with_options(preprocessing_defences=defence, preprocessing=(MEAN, STD))
    untouched, y = problem.x.copy(), estimator.predict(problem.x, output="labels")
    face = SegPGD(estimator, max_iter=5, eps=0.1, eps_step=0.03, verbose=False)
    adversarial = face.generate(problem.x, y)
    assert np.array_equal(problem.x, untouched)
    assert estimator.compute_losses(adversarial, y)["zero_one"].mean() > 0.3


def test_attacks_differentiate_torch_preprocessing(problem):
    estimator = problem.with_options(preprocessing=(MEAN, STD))
    face = SegPGD(estimator, max_iter=4, verbose=False)
    adversarial = face.generate(problem.x, problem.y, generator=torch.Generator().manual_seed(0))
    expected = segpgd(steps=4)(
        lambda images: problem.model(normalised(images)),
        problem.images(),
        problem.labels(),
        generator=torch.Generator().manual_seed(0),
    )
    assert np.array_equal(adversarial, expected)


@pytest.mark.parametrize(
    "defence",
    [
        GaussianAugmentation(sigma=0.05, augmentation=True, ratio=1.0),
        Cutout(length=4, channels_first=True),
        CutoutPyTorch(length=4, channels_first=True, device_type="cpu"),
        SpatialSmoothing(window_size=3, channels_first=True, apply_fit=True),
    ],
    ids=lambda defence: type(defence).__name__,
)
def test_training_with_defences(trainable, defence):
    estimator = trainable.with_options(
        preprocessing_defences=defence,
        preprocessing=(MEAN, STD),
        optimizer=trainable.estimator.optimizer,
    )
    before = estimator.compute_loss(trainable.x, trainable.y).mean()
    estimator.fit(trainable.x, trainable.y, batch_size=4, nb_epochs=3)
    assert estimator.compute_loss(trainable.x, trainable.y).mean() < before


class AddedInPlace(Preprocessor):
    """A careless defence of images and labels."""

    def __call__(self, x, y=None):
        x += 1
        y += 1
        return x, y


@pytest.mark.parametrize("tensors", [False, True])
def test_training_takes_its_defences_in_order_and_leaves_the_data_alone(problem, tensors):
    added = (AddedInPlace(apply_predict=False), AddedInPlace(apply_fit=False), AddedInPlace())
    x, y = problem.x.copy(), problem.y.copy()
    given = (torch.from_numpy(x), torch.from_numpy(y)) if tensors else (x, y)
    images, labels = preprocessed_for_training(
        [added[0], Halved(), added[1], added[2]], *given, torch.device("cpu")
    )
    assert np.array_equal(images, (problem.x + 1) / 2 + 1)
    assert np.array_equal(labels, problem.y + 2)
    assert np.array_equal(x, problem.x)
    assert np.array_equal(y, problem.y)


def test_training_with_defences_of_both_kinds(trainable):
    estimator = trainable.with_options(
        preprocessing_defences=[jpeg(), Halved(), SpatialSmoothing(3, True, apply_fit=True)],
        preprocessing=(MEAN, STD),
        optimizer=trainable.estimator.optimizer,
    )
    before = estimator.compute_loss(trainable.x, trainable.y).mean()
    estimator.fit(trainable.x, trainable.y, batch_size=4, nb_epochs=3)
    assert estimator.compute_loss(trainable.x, trainable.y).mean() < before
