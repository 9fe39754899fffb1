import math

import numpy as np
import pytest
import torch

from art_segplugin.errors import InputError
from art_segplugin.wrappers.art.sizes import (
    check_in_clip_values,
    per_image_size,
    pixel_bounds,
    shrunk_at_random,
    whole_number,
)


@pytest.mark.parametrize("shape", [(3,), (3, 1), (3, 1, 1, 1)])
def test_arrays_with_one_value_per_image(shape):
    values = np.array([0.1, 0.2, 0.3])
    assert per_image_size("eps", values.reshape(shape), 3).tolist() == values.tolist()


@pytest.mark.parametrize("size", [0.5, np.array(0.5), np.array([0.5]), np.full((1, 1, 1, 1), 0.5)])
def test_one_value_for_all(size):
    assert per_image_size("eps", size, 3) == 0.5


@pytest.mark.parametrize("shape", [(2,), (1, 3, 1, 1), (3, 3, 4, 4)])
def test_other_arrays_are_refused(shape):
    with pytest.raises(InputError, match="eps has shape"):
        per_image_size("eps", np.ones(shape), 3)


def test_random_radii_are_half_normal_within_eps_and_keep_the_ratio():
    eps, step = shrunk_at_random(torch.full((4000,), 0.2), 0.05, torch.Generator().manual_seed(0))
    assert ((eps >= 0) & (eps <= 0.2)).all()
    assert torch.allclose(eps / step, torch.tensor(4.0, dtype=torch.float64))
    # mean of |N(0, 1)| cut to [0, 2], times eps / 2
    expected = (1 - math.exp(-2)) * math.sqrt(2 / math.pi) / math.erf(math.sqrt(2)) * 0.1
    assert eps.mean().item() == pytest.approx(expected, rel=0.03)


def test_bounds():
    assert pixel_bounds(None) == (-math.inf, math.inf)
    assert pixel_bounds(np.array([0, 255], np.float32)) == (0.0, 255.0)
    assert pixel_bounds(np.stack([np.zeros((3, 1, 1)), np.ones((3, 1, 1))])) == (0.0, 1.0)
    with pytest.raises(InputError, match="clip_values differ"):
        pixel_bounds(np.stack([np.zeros(2), np.array([1.0, 2.0])]))


def test_whole_numbers():
    for value in (2, np.int64(2), np.uint8(2)):
        assert type(whole_number("k", value, least=2)) is int
    with pytest.raises(InputError, match="k is 1; give a whole number >= 2"):
        whole_number("k", 1, least=2)
    for value in (2.0, None, "2"):
        with pytest.raises(TypeError, match="k is "):
            whole_number("k", value, least=2)


@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor])
def test_the_range_of_images(kind):
    x = kind(np.array([0, 200], np.uint8))
    check_in_clip_values(x, np.array([0, 255]))
    check_in_clip_values(x, None)
    check_in_clip_values(x[:0], np.array([0, 1]))
    with pytest.raises(InputError, match=r"x goes from 0 to 200, outside .* 0 to 1"):
        check_in_clip_values(x, np.array([0, 1]))
