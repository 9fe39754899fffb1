"""Half precision: images stay inside their threat model, and lengths and draws are exact enough."""

import math

import pytest
import torch
from oracles import tiny_problem

from art_segplugin.attacks import apgd, pgd, segpgd
from art_segplugin.core.threat_model import ThreatModel

HALVES = [torch.float16, torch.bfloat16]
SIZES = {1: 8.0, 2: 2.0, math.inf: 8 / 255}


def exact_distance(x_adv, x, norm):
    return torch.linalg.vector_norm((x_adv.double() - x.double()).flatten(1), ord=norm, dim=1)


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("eps", [8 / 255, 4 / 255, 1 / 255, 0.3 / 255])
@pytest.mark.parametrize("each", [False, True])
def test_the_linf_box_is_rounded_inwards(dtype, eps, each):
    x = torch.rand(2, 3, 40, 50, generator=torch.Generator().manual_seed(0)).to(dtype)
    radius = torch.tensor([eps, eps / 2], dtype=torch.float64)
    threat_model = ThreatModel(radius if each else eps)
    region = threat_model.around(x)
    for point in (region.random_point(), region.project(x + 1), region.project(x - 1)):
        assert point.dtype == dtype
        assert (exact_distance(point, x, math.inf) <= (radius if each else eps)).all()
        assert point.min() >= 0
        assert point.max() <= 1
    if eps == 8 / 255:  # no more is lost than the spacing of numbers below 1
        reached = exact_distance(region.project(x + 1), x, math.inf)
        assert (reached >= (radius if each else eps) - torch.finfo(dtype).eps).all()


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("norm", [1, 2, math.inf])
@pytest.mark.parametrize("size", [160, 256])
def test_large_images_are_projected_in_half_precision(dtype, norm, size):
    """Their coordinates are more than float16 can count."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(1, 3, size, size, generator=generator).to(dtype)
    far = (x.float() + torch.randn(x.shape, generator=generator) ** 5).clamp(-9, 9).to(dtype)
    threat_model = ThreatModel(SIZES[norm], norm)
    found = threat_model.around(x).project(far)
    expected = ThreatModel(SIZES[norm], norm).around(x.float()).project(far.float())
    assert (exact_distance(found, x, norm) <= SIZES[norm] * (1 + 1e-6)).all()
    assert ((found.float() - expected).abs() <= 1.5 * torch.finfo(dtype).eps).all()
    distance = threat_model.distance(found, x)
    assert distance.dtype == torch.float32
    torch.testing.assert_close(distance.double(), exact_distance(found, x, norm), rtol=1e-5, atol=0)


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("norm", [1, 2])
def test_noise_has_the_length_of_a_uniform_draw(dtype, norm):
    x = torch.zeros(1, 3, 160, 160, dtype=dtype)
    noise = ThreatModel(1.0, norm).around(x).noise(torch.Generator().manual_seed(0))
    length = torch.linalg.vector_norm(noise.double().flatten(1), ord=norm, dim=1)
    torch.testing.assert_close(length.item(), 1.0, rtol=1e-3, atol=0)


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize(
    "attack",
    [
        pgd(8.0, 2.0, 4, norm=1),
        pgd(8.0, 2.0, 4, norm=1, decay=1.0),
        pgd(0.5, 0.2, 4, norm=2),
        segpgd(4 / 255, 2 / 255, 4),
        apgd(4 / 255, 4),
        apgd(torch.tensor([0.5, 0.25]), 4, 2),
        pgd(torch.tensor([1 / 255, 4 / 255]), torch.tensor([1 / 255, 2 / 255]), 4),
    ],
)
def test_attacks_on_half_precision_stay_inside(dtype, attack):
    model, x, labels = tiny_problem(size=(60, 70))
    x, half = x.to(dtype), model.to(dtype)
    mask = labels != 2
    x_adv = attack(half, x, labels, mask=mask)
    assert x_adv.dtype == dtype
    eps, norm = torch.as_tensor(attack.threat_model.eps), attack.threat_model.p
    assert (exact_distance(x_adv, x, norm) <= eps.double() * (1 + 1e-6)).all()
    assert (exact_distance(x_adv, x, norm) > 0.3 * eps.double()).all()
    assert torch.equal(x_adv.movedim(1, 3)[~mask], x.movedim(1, 3)[~mask])


# random starts under a mask


@pytest.mark.parametrize("norm", [1, 2])
@pytest.mark.parametrize("free", [1, 2, 4])
def test_random_starts_are_uniform_in_the_free_coordinates(norm, free):
    """In d free coordinates (distance / eps)^d is uniform in [0, 1]: of half of four, .49 below .7."""
    x = torch.zeros(6000, 1, 2, 2, dtype=torch.float64)
    mask = torch.zeros(6000, 4, dtype=torch.bool)
    mask[:, :free] = True
    threat_model = ThreatModel(0.5, norm, bounds=(-math.inf, math.inf))
    region = threat_model.around(x, mask.view(6000, 2, 2))
    points = region.random_point(torch.Generator().manual_seed(0))
    share = (threat_model.distance(points, x) / 0.5) ** free
    for quantile in (0.25, 0.49, 0.75):
        assert abs((share < quantile).double().mean() - quantile) < 0.03


@pytest.mark.parametrize("norm", [1, 2, math.inf])
def test_masks_and_radii_that_differ_from_image_to_image(norm):
    """One pixel, none, no radius, everything."""
    x = torch.rand(4, 3, 5, 6, dtype=torch.float64)
    mask = torch.zeros(4, 5, 6, dtype=torch.bool)
    mask[0, 2, 3] = mask[2] = mask[3] = True
    eps = torch.tensor([0.3, 0.3, 0.0, 0.3], dtype=torch.float64)
    threat_model = ThreatModel(eps, norm)
    region = threat_model.around(x, mask)
    start = region.random_point(torch.Generator().manual_seed(0))
    moved = region.ascend(start, torch.randn_like(x), 0.1)
    for point in (start, moved):
        assert point.isfinite().all()
        assert (threat_model.distance(point, x) <= eps + 1e-12).all()
        changed = (point != x).any(1)
        assert not (changed & ~mask).any()
        assert not changed[1:3].any()
        assert changed[0, 2, 3]
        assert changed[3].any()
