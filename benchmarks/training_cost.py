"""What hypersphere embedding adds to a training step, and SegPGD-AT to PGD-AT: ratios of pairs.

    python benchmarks/training_cost.py                       # small net and FCN ResNet-50
    python benchmarks/training_cost.py --pairs 5 --models small

A pair runs both steps one after the other on one thread and compares CPU time, so that a busy machine
disturbs little. A step is forward, loss, backward, as the trainer makes it; the optimiser is left out.
"""

import argparse
import copy
import statistics
import time

import torch
from shim import torchvision_on_cpu_torch

from art_segplugin.heads import to_hypersphere
from art_segplugin.models import Segmenter, SmallSegNet
from art_segplugin.training import (
    TrainingBatch,
    WeightedCrossEntropy,
    inner_attack,
    make_objective,
)


def small():
    return SmallSegNet(11), 11


def fcn_resnet50():
    torchvision_on_cpu_torch()
    from torchvision.models.segmentation import fcn_resnet50

    return fcn_resnet50(weights=None, weights_backbone=None, num_classes=21), 21


def seconds(step):
    begun = time.process_time()
    step()
    return time.process_time() - begun


def pairs(name, one, other, count):
    for step in (one, other):
        step()
    ratios, times = [], []
    for pair in range(count):
        order = (one, other) if pair % 2 else (other, one)
        spent = {step: seconds(step) for step in order}
        ratios.append(spent[one] / spent[other])
        times.append(spent[other])
    print(
        f"{name}: {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}, "
        f"{count} pairs), {1000 * statistics.median(times):.0f} ms",
        flush=True,
    )


def steps(model, classes, batch, shape):
    """Name of the objective, HE or not -> one step of it."""
    plain = Segmenter(model, classes=classes).train()
    he = Segmenter(to_hypersphere(copy.deepcopy(model), classes), classes=classes).train()
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(batch, 3, *shape, generator=generator)
    labels = torch.randint(0, classes, (batch, *shape), generator=generator)
    data = TrainingBatch(images, labels, tuple(range(batch)), tuple(range(batch)))

    def step(objective, segmenter):
        def run():
            segmenter.zero_grad(set_to_none=True)
            objective(segmenter, data).backward()

        return run

    loss, margin = WeightedCrossEntropy(), WeightedCrossEntropy(scale=15.0, margin=0.2)
    found = {}
    for name in ("cross-entropy", "pgd-at", "segpgd-at"):
        attack = None
        if name != "cross-entropy":
            attack = inner_attack(name, f"{name.removesuffix('-at')}-3")
        found[name, False] = step(make_objective(name, loss, attack), plain)
        found[name, True] = step(make_objective(name, margin, attack), he)
    return found


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--models", nargs="+", default=["small", "fcn_resnet50"])
    given = parser.parse_args()
    torch.set_num_threads(1)
    for name in given.models:
        large = name == "fcn_resnet50"
        model, classes = (fcn_resnet50 if large else small)()
        found = steps(model, classes, 1 if large else 4, (240, 320))
        pairs(
            f"{name}, HE over plain, clean step",
            found["cross-entropy", True], found["cross-entropy", False], given.pairs,
        )  # fmt: skip
        if not large:
            pairs(
                f"{name}, HE over plain, PGD-AT step",
                found["pgd-at", True], found["pgd-at", False], given.pairs,
            )  # fmt: skip
            pairs(
                f"{name}, SegPGD-AT over PGD-AT",
                found["segpgd-at", False], found["pgd-at", False], given.pairs,
            )  # fmt: skip


if __name__ == "__main__":
    main()
