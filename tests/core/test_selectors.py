import math

import pytest
import torch

from art_segplugin.core.forward_pass import ForwardPass
from art_segplugin.core.selectors import (
    HighestLoss,
    LowestAccuracyThenLoss,
    MemorySelector,
    MostReachedAndKept,
)


def forward_pass(fooled, losses):
    """One image per row."""
    fooled, loss = torch.tensor(fooled)[:, None], torch.tensor(losses)[:, None]
    valid = torch.ones_like(fooled, dtype=torch.bool)
    return ForwardPass(0, 1, torch.zeros_like(fooled, dtype=torch.long), valid, fooled, loss, None)


def test_highest_loss_is_the_mean_loss_of_each_image():
    forward = forward_pass([[True, False], [False, False]], [[1.0, 3.0], [math.nan, 1.0]])
    assert HighestLoss().score(forward).tolist() == [2.0, -math.inf]
    assert HighestLoss(targeted=True).score(forward).tolist() == [-2.0, -math.inf]


@pytest.mark.parametrize("targeted", [False, True])
def test_fooled_pixels_first_then_the_loss(targeted):
    sign = -1 if targeted else 1
    worst_to_best = [
        (False, math.nan),
        (False, 0.0),
        (False, 0.5),
        (False, 1e6),
        (False, math.inf),
        (True, -math.inf),
        (True, 0.1),
        (True, 0.10001),
    ]
    fooled, losses = zip(*worst_to_best, strict=True)
    forward = forward_pass([[f] for f in fooled], [[sign * loss] for loss in losses])
    score = LowestAccuracyThenLoss(targeted).score(forward)
    assert (score[1:] > score[:-1])[1:].all()
    assert score[0] <= score[1]


def test_the_loss_still_counts_in_a_large_picture():
    """1024 x 2048 pixels, of which all are fooled: losses that differ by a thousandth."""
    size = (1024, 2048)
    pixels = torch.ones(1, *size, dtype=torch.bool)
    scores = [
        LowestAccuracyThenLoss().score(
            ForwardPass(0, 1, pixels.long(), pixels, pixels, torch.full((1, *size), loss), None)
        )
        for loss in (7.0, 7.007)
    ]
    assert scores[0] < scores[1]


def test_reached_less_collateral_counts_both_parts_alike():
    """Of 1 source pixel and 5 others, in one image; of no source and 6 others in the second."""
    first = forward_pass([[False] + 5 * [True], 6 * [True]], [[1.0] * 6] * 2)
    now = forward_pass(
        [[True, True, True, True, True, False], 3 * [True] + 3 * [False]], [[1.0] * 6] * 2
    )
    select = MostReachedAndKept().start()
    assert isinstance(select, MemorySelector)
    assert select.score(first).tolist() == [0, 0]
    assert select.score(now).tolist() == pytest.approx([1 - 1 / 5, -3 / 6])
    assert not isinstance(HighestLoss(), MemorySelector)
