import math

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings

from art_segplugin.core.threat_model import L1_SPARSITY, ThreatModel, check_size
from art_segplugin.errors import InputError

NORMS = [1, 2, math.inf]
problems = st.tuples(
    st.sampled_from(NORMS), st.floats(0, 3), st.integers(0, 10_000), st.booleans(), st.booleans()
)


def build(norm, eps, seed, per_image, masked):
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(3, 3, 4, 5, generator=generator, dtype=torch.float64)
    far = x + 2 * torch.randn(x.shape, generator=generator, dtype=torch.float64)
    mask = torch.rand(3, 4, 5, generator=generator) < 0.6 if masked else None
    radius = eps * torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64) if per_image else eps
    threat_model = ThreatModel(radius, norm)
    return threat_model, threat_model.around(x, mask), x, far, mask, generator


@settings(max_examples=60, deadline=None)
@given(problems)
def test_points_are_inside_and_projection_is_idempotent(problem):
    threat_model, region, x, far, mask, generator = build(*problem)
    for point in (region.project(far), region.random_point(generator)):
        assert (
            threat_model.distance(point, x)
            <= torch.as_tensor(threat_model.eps, dtype=x.dtype) + 1e-9
        ).all()
        assert point.min() >= 0
        assert point.max() <= 1
        torch.testing.assert_close(region.project(point), point)
        if mask is not None:
            assert torch.equal((point - x).abs().amax(1)[~mask], torch.zeros_like(x[:, 0])[~mask])
    torch.testing.assert_close(region.project(x), x)


@settings(max_examples=40, deadline=None)
@given(problems)
def test_steepest_has_length_one_and_goes_up(problem):
    threat_model, region, x, far, mask, _ = build(*problem)
    gradient = far - x if mask is None else (far - x) * mask.unsqueeze(1)
    direction = region.steepest(gradient)
    assert ((direction * gradient).flatten(1).sum(1) >= 0).all()
    length = threat_model.distance(direction, torch.zeros_like(direction))
    torch.testing.assert_close(length, torch.ones_like(length))


def test_steepest_is_the_exact_maximum_for_2_and_inf_and_for_1_on_small_images():
    gradient = torch.randn(1, 3, 4, 5, dtype=torch.float64)
    x = torch.rand(1, 3, 4, 5, dtype=torch.float64)
    dual = {1: math.inf, 2: 2, math.inf: 1}
    assert int(L1_SPARSITY * x[0].numel()) == 0  # so a single coordinate moves
    for norm in NORMS:
        gain = (ThreatModel(1.0, norm).around(x).steepest(gradient) * gradient).sum()
        best = torch.linalg.vector_norm(gradient, ord=dual[norm])
        torch.testing.assert_close(gain, best)


def test_l2_direction_survives_gradients_that_underflow_when_squared():
    gradient = torch.full((1, 3, 2, 2), 1e-30)
    direction = ThreatModel(1.0, 2).around(torch.zeros(1, 3, 2, 2)).steepest(gradient)
    torch.testing.assert_close(direction, torch.full_like(gradient, 12**-0.5))


@settings(max_examples=30, deadline=None)
@given(st.floats(0.01, 5), st.integers(0, 1000))
def test_l1_projection_is_the_nearest_point(eps, seed):
    """Against bisection on the threshold, which shares nothing with the sort."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.zeros(1, 3, 3, 3, dtype=torch.float64)
    far = torch.randn(x.shape, generator=generator, dtype=torch.float64)
    low, high = 0.0, float(far.abs().max())
    if far.abs().sum() <= eps:
        high = 0.0
    for _ in range(200):
        middle = (low + high) / 2
        if (far.abs() - middle).clamp(min=0).sum() > eps:
            low = middle
        else:
            high = middle
    expected = far.sign() * (far.abs() - high).clamp(min=0)
    region = ThreatModel(eps, 1, bounds=(-math.inf, math.inf)).around(x)
    torch.testing.assert_close(region.project(far), expected, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((-0.1,), "eps is -0.1"),
        ((math.nan,), "eps is nan"),
        ((math.inf,), "eps is inf"),
        ((torch.tensor([0.1, -1.0]),), "eps is tensor"),
        ((0.1, 3), "norm is 3; attacks are defined for 1, 2 and inf"),
        ((0.1, 2, (1.0, 0.0)), "bounds are (1.0, 0.0)"),
    ],
)
def test_bad_input_is_named(arguments, words):
    with pytest.raises(InputError) as caught:
        ThreatModel(*arguments)
    assert words in str(caught.value)


@pytest.mark.parametrize("norm", [1, 2])
def test_random_points_are_uniform_in_the_ball(norm):
    """Of a uniform draw in d dimensions, (distance / eps)^d is uniform in [0, 1]."""
    x = torch.zeros(4000, 1, 1, 3, dtype=torch.float64)
    region = ThreatModel(0.5, norm, bounds=(-math.inf, math.inf)).around(x)
    points = region.random_point(torch.Generator().manual_seed(0))
    share = (ThreatModel(0.5, norm).distance(points, x) / 0.5) ** 3
    for quantile in (0.25, 0.5, 0.75):
        assert abs((share < quantile).double().mean() - quantile) < 0.03
    assert points.mean(0).abs().max() < 0.01


def test_l1_steps_keep_their_length_under_a_small_mask():
    x = torch.zeros(1, 3, 50, 50, dtype=torch.float64)
    mask = torch.zeros(1, 50, 50, dtype=torch.bool)
    mask[:, :2, :2] = True
    direction = ThreatModel(1.0, 1).around(x, mask).steepest(torch.ones_like(x))
    torch.testing.assert_close(direction.abs().sum().item(), 1.0)


def test_one_radius_per_image_or_refusal():
    with pytest.raises(InputError, match="eps has 2 values for 3 images"):
        ThreatModel(torch.ones(2)).around(torch.zeros(3, 3, 4, 4))


def test_sizes_have_one_axis():
    with pytest.raises(InputError, match=r"eps has shape \(2, 2\)"):
        check_size("eps", torch.ones(2, 2))
