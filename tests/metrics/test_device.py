"""CUDA counts and scores what the CPU does."""

import pytest
import torch
from metrics.batches import batch, nan_equal

from art_segplugin.metrics import (
    ClassCounts,
    boundary,
    class_accuracy,
    class_iou,
    class_spread,
    confounds,
    foreground,
    homing,
    homing_rate,
    image_mean_iou,
    interval,
    mean_iou_of,
    paired_difference,
    rank_consistency,
    share_on_weakest,
    worst_class_accuracy,
)

pytestmark = pytest.mark.gpu


def everything(device, seed):
    """Every number there is, of one batch on `device`."""
    logits, labels = (tensor.to(device) for tensor in batch(seed, classes=5, n=6, ties=True))
    regions = {"boundary": boundary(labels), "foreground": foreground(labels, [0])}
    found = ClassCounts.of(logits, labels, regions=regions)
    found = found + ClassCounts.of(logits.flip(1), labels, regions=regions)
    assert found.confusion.device.type == device
    weak, strong = class_accuracy(found.totals), class_iou(found.totals)
    spread = class_spread(weak)
    floats = [
        *vars(spread).values(),
        homing_rate(found),
        image_mean_iou(found.images),
        share_on_weakest(weak, strong, 2),
        *vars(interval(found.images, mean_iou_of)).values(),
        *vars(paired_difference(found.images[:6], found.images[6:], worst_class_accuracy)).values(),
    ]
    tensors = [
        weak,
        strong,
        confounds(found.confusion),
        homing(found),
        rank_consistency(torch.stack([weak, strong])),
        torch.tensor(floats, dtype=torch.float64),
    ]
    return found.to_json(), [tensor.cpu() for tensor in tensors]


@pytest.mark.parametrize("seed", range(3))
def test_cuda_gives_what_the_cpu_gives(seed):
    (counts, scores), (expected_counts, expected) = (
        everything("cuda", seed),
        everything("cpu", seed),
    )
    assert counts == expected_counts
    for found, wanted in zip(scores, expected, strict=True):
        assert nan_equal(found, wanted)


def test_parts_on_different_devices_are_joined_on_that_of_the_first():
    logits, labels = batch(0)
    part = ClassCounts.of(logits.cuda(), labels)
    joined = ClassCounts.empty(4) + part
    assert joined.confusion.device.type == joined.images.device.type == "cpu"
    assert joined.to_json() == part.to_json()
    assert (part + joined).images.is_cuda
