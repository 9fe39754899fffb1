"""What a SegPGD step costs over the bare loop that any attack needs, and what peers cost.

The bare loop is forward, mean cross-entropy, gradient to the input, sign, clip. Every pair runs both
loops one after the other on one thread and compares CPU time, so that a busy machine disturbs little.

    python benchmarks/step_cost.py                  # small net and FCN ResNet-50, 15 pairs
    python benchmarks/step_cost.py --pairs 3 --models small
"""

import argparse
import statistics
import time

import numpy as np
import torch
import torch.nn.functional as F
from shim import torchvision_on_cpu_torch

from art_segplugin.attacks import segpgd
from art_segplugin.models import SmallSegNet

EPS, STEP = 8 / 255, 2 / 255


class Out(torch.nn.Module):
    """The "out" entry of a torchvision model."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x)["out"]


def small():
    return SmallSegNet(11)


def fcn_resnet50():
    torchvision_on_cpu_torch()
    from torchvision.models.segmentation import fcn_resnet50

    return Out(fcn_resnet50(weights=None, weights_backbone=None, num_classes=21))


def bare_loop(model, x, labels, steps):
    x_adv = (x + torch.empty_like(x).uniform_(-EPS, EPS)).clamp(0, 1)
    for _ in range(steps):
        x_adv = x_adv.detach().requires_grad_(True)
        loss = F.cross_entropy(model(x_adv), labels)
        (gradient,) = torch.autograd.grad(loss, x_adv)
        x_adv = x_adv.detach() + STEP * gradient.sign()
        x_adv = (x + (x_adv - x).clamp(-EPS, EPS)).clamp(0, 1)
    return x_adv


def runners(model, x, labels, steps):
    """Name -> function that takes `steps` steps."""
    import torchattacks
    from art.attacks.evasion import ProjectedGradientDescent

    from art_segplugin.wrappers.art import PyTorchSegmenter

    core = segpgd(EPS, STEP, steps)
    classes = model(x).shape[1]
    estimator = PyTorchSegmenter(
        model,
        input_shape=tuple(x.shape[1:]),
        nb_classes=classes,
        clip_values=(0.0, 1.0),
        device_type="cpu",
    )
    art = ProjectedGradientDescent(
        estimator, eps=EPS, eps_step=STEP, max_iter=steps, verbose=False, batch_size=len(x)
    )
    peer = torchattacks.PGD(model, eps=EPS, alpha=STEP, steps=steps)
    x_np, labels_np = x.numpy(), labels.numpy()
    return {
        "SegPGD (ours)": lambda: core(model, x, labels),
        "ART's PGD on our estimator": lambda: art.generate(x_np, labels_np),
        "torchattacks' PGD": lambda: peer(x, labels),
    }


def cpu_time(function):
    started = time.process_time()
    function()
    return time.process_time() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", default=["small", "fcn_resnet50"])
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--peer-pairs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=0, help="steps a run; 0: 5 small, 2 large")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print(
        f"torch {torch.__version__}, numpy {np.__version__}, 1 thread, 360 x 480, batch 1, float32"
    )
    print(f"{'model':14}{'attack':30}{'CPU time over the bare loop':>30}{'bare ms/step':>14}")
    for name in arguments.models:
        model = {"small": small, "fcn_resnet50": fcn_resnet50}[name]().eval()
        steps = arguments.steps or (5 if name == "small" else 2)
        x = torch.rand(1, 3, 360, 480)
        labels = model(x).detach().argmax(1)
        for attack, run in runners(model, x, labels, steps).items():
            pairs = arguments.pairs if "ours" in attack else arguments.peer_pairs
            ratios, bares = [], []
            bare = lambda: bare_loop(model, x, labels, steps)  # noqa: B023, E731
            run(), bare()
            for i in range(pairs):
                order = (run, bare) if i % 2 else (bare, run)
                times = {function: cpu_time(function) for function in order}
                ratios.append(times[run] / times[bare])
                bares.append(times[bare] / steps)
            spread = f"{min(ratios):.3f} to {max(ratios):.3f}"
            median = f"{statistics.median(ratios):.3f} ({spread}, {pairs} pairs)"
            print(f"{name:14}{attack:30}{median:>30}{1000 * statistics.median(bares):>12.0f}")


if __name__ == "__main__":
    main()
