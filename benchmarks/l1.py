"""What L1 costs beside the model, and how strong it is beside foolbox's SparseL1Descent.

A step is the step rule and the projection alone, on 512 x 1024 images, one thread, in turn with Linf's.
The strength is the accuracy of two small CNNs on scikit-learn's digits (8 x 8, in [0, 1]). foolbox's
projection leaves the ball by some percent (`budget used` above 1), so its answers are also shown inside.

    python benchmarks/l1.py
"""

import argparse
import math
import statistics
import time

import torch
import torch.nn.functional as F
from torch import nn

from art_segplugin.attacks import pgd
from art_segplugin.core.steps import SteepestStep
from art_segplugin.core.threat_model import ThreatModel

RADII = (1.25, 2.5, 10.0)
NORMS = {"Linf": (math.inf, 8 / 255, 2 / 255), "L2": (2, 10.0, 2.0), "L1": (1, 2000.0, 500.0)}


def step_costs(size=(512, 1024), steps=30):
    """Norm -> seconds of CPU time of each step, the norms in turn."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(1, 3, *size, generator=generator)
    runs = {}
    for name, (norm, eps, length) in NORMS.items():
        region = ThreatModel(eps, norm).around(x)
        runs[name] = (SteepestStep(length).start(region, steps), region.random_point(generator))
    times = {name: [] for name in runs}
    for _ in range(steps):
        gradient = torch.randn(x.shape, generator=generator)
        for name, (step, x_adv) in runs.items():
            started = time.process_time()
            runs[name] = (step, step(x_adv, gradient, None))
            times[name].append(time.process_time() - started)
    return {name: seconds[3:] for name, seconds in times.items()}


def digits(seed, epochs=40):
    """A CNN trained on two thirds of the digits, and 200 of the others with their classes."""
    from sklearn.datasets import load_digits

    data = load_digits()
    x = torch.tensor(data.images, dtype=torch.float32)[:, None] / 16
    y = torch.tensor(data.target)
    torch.manual_seed(seed)
    order = torch.randperm(len(x))
    train, held = order[:1200], order[1200:1400]
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(512, 10),
    )  # fmt: skip
    optimiser = torch.optim.Adam(net.parameters(), 2e-3)
    for _ in range(epochs):
        for rows in train[torch.randperm(len(train))].split(100):
            optimiser.zero_grad()
            F.cross_entropy(net(x[rows]), y[rows]).backward()
            optimiser.step()
    return net.eval(), x[held], y[held]


def ours(net, x, y, eps, relative, steps):
    """Adversarial images of our PGD, steps of `relative` * eps from a random start."""
    attack = pgd(eps, relative * eps, steps, norm=1, ignore_index=-100)
    model = nn.Sequential(net, nn.Unflatten(1, (10, 1, 1)))
    return attack(model, x, y[:, None, None], generator=torch.Generator().manual_seed(0))


def foolbox_s(net, x, y, eps, relative, steps):
    """Adversarial images of foolbox's attack with as many steps of that length."""
    import foolbox

    torch.manual_seed(0)
    attack = foolbox.attacks.SparseL1DescentAttack(
        rel_stepsize=relative, steps=steps, random_start=True
    )
    model = foolbox.PyTorchModel(net, bounds=(0, 1), device="cpu")
    return attack.run(model, x, foolbox.criteria.Misclassification(y), epsilon=eps)


def inside(x_adv, x, eps):
    """The nearest images within eps."""
    return ThreatModel(eps, 1).around(x).project(x_adv)


def accuracy(net, x, y):
    with torch.no_grad():
        return (net(x).argmax(1) == y).float().mean().item()


def used(x_adv, x, eps):
    """Mean share of the budget."""
    return ((x_adv - x).abs().flatten(1).sum(1) / eps).mean().item()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, 1 thread, float32, one image of 512 x 1024\n")
    print("| norm | CPU time of a step (ms) | fastest | over Linf |\n|---|---|---|---|")
    costs = step_costs()
    base = statistics.median(costs["Linf"])
    for name, seconds in costs.items():
        median = statistics.median(seconds)
        print(f"| {name} | {1000 * median:.1f} | {1000 * min(seconds):.1f} | {median / base:.1f} |")
    print(f"\ndigits, {arguments.steps} steps, 200 images, accuracy and (budget used)\n")
    print("| net | eps | step / eps | clean | ours | foolbox | foolbox, inside |")
    print("|---" * 7 + "|")
    for seed in (0, 1):
        net, x, y = digits(seed)
        for eps in RADII:
            for relative in (0.2, 0.05):
                theirs = foolbox_s(net, x, y, eps, relative, arguments.steps)
                answers = ours(net, x, y, eps, relative, arguments.steps), theirs
                cells = [
                    f"{accuracy(net, x_adv, y):.3f} ({used(x_adv, x, eps):.2f})"
                    for x_adv in (*answers, inside(theirs, x, eps))
                ]
                clean = accuracy(net, x, y)
                print(f"| {seed} | {eps} | {relative} | {clean:.3f} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
