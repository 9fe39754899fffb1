import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from art_segplugin.errors import InputError
from art_segplugin.metrics import (
    fooled_within,
    fooling_distances,
    median_distance,
    standing_curve,
)

INF, NAN = math.inf, math.nan


def test_images_that_are_not_fooled_enough_are_infinitely_far():
    found = fooling_distances(
        torch.tensor([0.1, 0.2, 0.3, 0.4]), torch.tensor([0.99, 0.98, 1.0, NAN]), 0.99
    )
    assert found[:3].tolist() == [pytest.approx(0.1), INF, pytest.approx(0.3)]
    assert found[3].isnan()


@pytest.mark.parametrize(
    ("distances", "median"),
    [
        ([3.0, 1.0, 2.0], 2.0),
        ([1.0, 2.0], 1.5),
        ([1.0, INF, INF], INF),
        ([1.0, 2.0, INF], 2.0),
        ([1.0, INF], INF),
        ([INF, INF], INF),
        ([1.0, NAN], 1.0),
        ([], NAN),
    ],
)
def test_median(distances, median):
    assert median_distance(torch.tensor(distances)) == pytest.approx(median, nan_ok=True)


def test_a_radius_in_float32_is_within_itself():
    distances = torch.tensor([8 / 255, 8.01 / 255, INF, NAN])
    assert fooled_within(distances, [8 / 255, 9 / 255, 1e9]) == pytest.approx([1 / 3, 2 / 3, 2 / 3])
    assert math.isnan(fooled_within(torch.tensor([NAN]), [1.0])[0])


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0, INF, NAN]), min_size=1, max_size=8))
def test_the_curve_falls_from_its_first_point_to_the_images_that_always_stand(values):
    distances = torch.tensor(values, dtype=torch.float64)
    radii, standing = standing_curve(distances)
    known = [v for v in values if not math.isnan(v)]
    assert radii[0] == 0
    assert radii == sorted(set(radii))
    if known:
        for radius, share in zip(radii, standing, strict=True):
            assert share == pytest.approx(sum(v > radius for v in known) / len(known))
        assert standing[-1] == pytest.approx(known.count(INF) / len(known))


def test_bad_values_are_named():
    with pytest.raises(InputError, match="share is 0"):
        fooling_distances(torch.ones(1), torch.ones(1), 0)
    with pytest.raises(InputError, match="one each an image"):
        fooling_distances(torch.ones(2), torch.ones(1), 1.0)
