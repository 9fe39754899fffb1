"""Our attacks on ART's PyTorch classifiers: the core's answers, and ART's at temperature 1."""

import math

import numpy as np
import pytest
import torch
from art.attacks.evasion import ProjectedGradientDescent
from art.defences.preprocessor import SpatialSmoothing
from art.defences.preprocessor.preprocessor import PreprocessorPyTorch
from torch import nn

from art_segplugin import attacks
from art_segplugin.wrappers.art import SegFGSM, SegmentationPGD, SegPGD, TemperaturePGD

RADII = {math.inf: (0.06, 0.02), 2: (0.6, 0.2), 1: (8.0, 3.0)}


FACES = {
    SegPGD: attacks.segpgd,
    SegmentationPGD: attacks.pgd,
    TemperaturePGD: attacks.temperature_pgd,
}


every_attack = pytest.mark.parametrize("kind", [*FACES, SegFGSM])


def seeded(seed=3):
    return torch.Generator().manual_seed(seed)


def quiet(kind, estimator, **options):
    if kind is not SegFGSM:
        options = {"max_iter": 4, **options}
    return kind(estimator, verbose=False, **options)


@pytest.mark.parametrize("kind", FACES)
@pytest.mark.parametrize("norm", RADII)
@pytest.mark.parametrize("restarts", [0, 1, 3])
@pytest.mark.parametrize("targeted", [False, True])
def test_the_face_equals_the_core_bit_for_bit(classification, kind, norm, restarts, targeted):
    problem, (eps, step) = classification, RADII[norm]
    y = (problem.y + 1) % 4 if targeted else problem.y
    sizes = {"norm": norm, "eps": eps, "eps_step": step, "targeted": targeted}
    attack = quiet(kind, problem.estimator, num_random_init=restarts, **sizes)
    start = {"random_start": restarts > 0, "restarts": max(restarts, 1), "targeted": targeted}
    core = FACES[kind](eps, step, 4, norm, **start)
    labels = torch.from_numpy(y).view(-1, 1, 1)
    expected = core(problem.core, problem.images(), labels, generator=seeded())
    result = attack.generate(problem.x, y, generator=seeded())
    assert result.dtype == np.float32
    assert np.array_equal(result, expected)
    assert not np.array_equal(result, problem.x)


def test_segfgsm_equals_the_core_bit_for_bit(classification):
    expected = attacks.segfgsm()(
        classification.core, classification.images(), classification.labels()
    )
    result = quiet(SegFGSM, classification.estimator).generate(classification.x, classification.y)
    assert np.array_equal(result, expected)


class Softened(PreprocessorPyTorch):
    """A differentiable defence."""

    def __init__(self):
        super().__init__(device_type="cpu")

    def forward(self, x, y=None):
        return nn.functional.avg_pool2d(x, 3, stride=1, padding=1), y


OPTIONS = {
    "plain": {},
    "mean and deviation": {"preprocessing": ((0.4, 0.5, 0.6), (0.2, 0.25, 0.3))},
    "no bounds": {"clip_values": None},
    "0..255": {"clip_values": (0, 255), "preprocessing": (0.0, 255.0)},
    "defence in PyTorch": {
        "preprocessing_defences": Softened(),
        "preprocessing": (0.5, 0.5),
    },
    "defence in NumPy": {
        "preprocessing_defences": SpatialSmoothing(3, channels_first=True),
        "preprocessing": (0.5, 0.5),
    },
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("targeted", [False, True])
def test_temperature_1_is_the_pgd_of_art(classification, options, targeted):
    estimator = classification.with_options(**options)
    unit = 255 if options.get("clip_values") == (0, 255) else 1
    sizes = {"eps": 0.1 * unit, "eps_step": 0.03 * unit, "max_iter": 6}
    sizes |= {"num_random_init": 0, "targeted": targeted, "verbose": False}
    x, y = classification.x * unit, (classification.y + targeted) % 4
    ours = TemperaturePGD(estimator, temperature=1, **sizes).generate(x, y)
    theirs = ProjectedGradientDescent(estimator, **sizes).generate(x, np.eye(4)[y])
    # Sums and means over a batch round differently, which flips the sign of a few tiny gradients.
    assert (np.abs(ours - theirs) < 1e-5 * unit).mean() >= 0.999
    assert np.abs(ours - x).max() == pytest.approx(0.1 * unit, rel=1e-4)


class Times(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return self.factor * x


def test_a_saturated_classifier_stops_pgd_but_not_temperature_pgd(classification):
    x, y = classification.x, classification.y
    largest = np.sort(classification.estimator.predict(x))
    ahead = 200 / (largest[:, -1] - largest[:, -2]).min()  # e^-200 is 0 in float32
    louder = nn.Sequential(classification.model, Times(float(ahead))).eval()
    estimator = classification.with_options(model=louder)
    sizes = {"eps": 0.1, "eps_step": 0.02, "max_iter": 10, "num_random_init": 0}
    theirs = ProjectedGradientDescent(estimator, **sizes, verbose=False).generate(x, y)
    ours = TemperaturePGD(estimator, **sizes, verbose=False).generate(x, y)
    assert np.array_equal(theirs, x)
    assert not (estimator.predict(ours).argmax(1) == y).any()


@every_attack
def test_masks_in_all_forms(classification, kind):
    mask = np.zeros((8, 7, 8), bool)
    mask[:, 2:4] = True
    attack = quiet(kind, classification.estimator, num_random_init=1)
    expected = attack.generate(classification.x, classification.y, mask=mask, generator=seeded())
    moved = (expected != classification.x).any(1)
    assert moved.any((1, 2)).all()
    assert not moved[~mask].any()
    for form in (mask[0], mask[:, None], np.repeat(mask[:, None], 3, 1), mask.astype(np.float32)):
        result = attack.generate(classification.x, classification.y, mask=form, generator=seeded())
        assert np.array_equal(result, expected)


@every_attack
def test_radii_per_image_follow_their_image_into_its_batch(classification, kind):
    radii = np.linspace(0, 0.07, 8)
    sizes = {"eps": radii.reshape(8, 1, 1, 1)}
    if kind is not SegFGSM:
        sizes["eps_step"] = sizes["eps"] / 2 + 1e-3
    attack = quiet(kind, classification.estimator, batch_size=3, num_random_init=1, **sizes)
    delta = attack.generate(classification.x, classification.y) - classification.x
    lengths = np.abs(delta).max((1, 2, 3))
    assert (lengths <= radii + 1e-6).all()
    assert (lengths[1:] > radii[1:] / 2).all()


@every_attack
def test_the_radius_can_be_drawn_at_random(classification, kind):
    attack = quiet(kind, classification.estimator, eps=0.1, random_eps=True, num_random_init=0)
    reach = [
        np.abs(
            attack.generate(classification.x, classification.y, generator=seeded(s))
            - classification.x
        ).max()
        for s in range(4)
    ]
    assert len(set(reach)) == 4
    assert max(reach) <= 0.1 + 1e-6


def test_tensors_in_tensors_out(classification):
    attack = quiet(TemperaturePGD, classification.estimator)
    expected = attack.generate(classification.x, classification.y, generator=seeded())
    y = torch.from_numpy(classification.y)
    assert torch.equal(
        attack.generate(classification.images(), y, generator=seeded()), torch.from_numpy(expected)
    )
    double = attack.generate(classification.images().double(), y, generator=seeded())
    assert double.dtype == torch.float64


@pytest.mark.gpu
def test_cuda_agrees_with_the_cpu_in_float64(classification):
    x, y = classification.images().double(), torch.from_numpy(classification.y)
    classification.model.double()
    expected = quiet(TemperaturePGD, classification.estimator, num_random_init=0).generate(x, y)
    on_cuda = classification.with_options(device_type="gpu")
    for images, labels in ((x, y), (x.cuda(), y.cuda())):
        result = quiet(TemperaturePGD, on_cuda, num_random_init=0).generate(images, labels)
        assert result.device == images.device
        assert torch.allclose(result.cpu(), expected, atol=1e-9)
