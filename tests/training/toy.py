"""A data set and a network so small that a training takes a second."""

import os
import signal
import sys

import torch
from torch import nn

from art_segplugin.data.palettes import Palette
from art_segplugin.data.sample import Sample
from art_segplugin.models.info import CheckpointInfo
from art_segplugin.models.segmenter import Segmenter
from art_segplugin.training import (
    TrainingBatch,
    TrainingOptions,
    WeightedCrossEntropy,
    inner_attack,
    make_objective,
    train,
)

PALETTE = Palette("toy", ("red", "green", "blue"), ((255, 0, 0), (0, 255, 0), (0, 0, 255)))
INFO = CheckpointInfo("toy", PALETTE.classes, PALETTE.colours)


class Toy:
    """Noisy images whose brightest channel is the class; the first column is void."""

    palette = PALETTE

    def __init__(self, count=6, seed=0, size=(12, 16)):
        self.count, self.seed, self.size = count, seed, size
        self.made = []

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        if not 0 <= index < self.count:
            raise IndexError(index)
        self.made.append(index)
        generator = torch.Generator().manual_seed(1000 * self.seed + index)
        blocks = torch.randint(0, 3, (self.size[0] // 4, self.size[1] // 4), generator=generator)
        labels = blocks.repeat_interleave(4, 0).repeat_interleave(4, 1)
        noise = 0.6 * torch.rand(3, *self.size, generator=generator)
        image = noise + 0.4 * nn.functional.one_hot(labels, 3).permute(2, 0, 1)
        labels[:, 0] = 255
        return Sample(f"toy-{index}", image, labels)


def network():
    """Hold what a saved state has to carry: running statistics and a random layer."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.2),
        nn.Conv2d(8, 3, 1),
    )  # fmt: skip


def plain_network():
    """An image's logits do not depend on its company, nor on anything random."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.GroupNorm(2, 8), nn.ReLU(), nn.Conv2d(8, 3, 1)
    )  # fmt: skip


def plain_model(dtype=torch.float64):
    return Segmenter(plain_network(), classes=3).to(dtype).train()


def batch(count=4, *, seed=0, strength=1.0, dtype=torch.float64):
    samples = [Toy(count, seed)[index] for index in range(count)]
    return TrainingBatch(
        torch.stack([sample.image for sample in samples]).to(dtype),
        torch.stack([sample.labels for sample in samples]),
        tuple(range(count)),
        tuple(range(100, 100 + count)),
        strength,
    )


def objective_maker(name, *, eps=0.03, attack=None, margin=0.0, **changes):
    """Make an objective by its name from the class weights, as `train` wants it."""
    inner = None if name == "cross-entropy" else inner_attack(name, attack, eps)

    def make(weights):
        return make_objective(
            name, WeightedCrossEntropy(255, weights, 1.0, margin), inner, **changes
        )

    return make


def options(**changes):
    return TrainingOptions(
        **{"steps": 12, "batch_size": 2, "validate_every": 5, "save_every": 4, "lr": 0.02} | changes
    )


def run(
    directory,
    *,
    resume=False,
    objective=None,
    data=None,
    withstand=None,
    device="cpu",
    net=None,
    **changes,
):
    """Start a toy training; returns the model and the generator of its steps."""
    model = Segmenter(net or network(), classes=3).to(device)
    steps = train(
        model, data or Toy(), Toy(2, seed=1), directory, options(**changes),
        info=INFO, objective=objective, resume=resume, withstand=withstand,
    )  # fmt: skip
    return model, steps


RUNS = {
    "supervised": {},
    "pgd-at with average": {
        "objective": objective_maker("pgd-at", attack="pgd-2"),
        "withstand": inner_attack("pgd-at", "pgd-2", 0.03),
        "ema": 0.7,
        "eps_warmup": 0.5,
    },
    "free-at": {"objective": objective_maker("free-at", replays=3)},
    "float16": {"objective": objective_maker("fast-at"), "precision": "float16"},
}
"""Runs whose saved states differ in what they hold."""


def same_state(first, second):
    """Whether nested states hold equal keys, numbers and tensors, bit for bit."""
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(same_state(first[k], second[k]) for k in first)
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(same_state, first, second))
    return torch.equal(first, second) if isinstance(first, torch.Tensor) else first == second


def killed(folder, kind, after=6):
    """Begin a run in a process that is killed while it makes the next two steps."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        for step in run(folder, **RUNS[kind])[1]:
            os.write(writer, bytes([step.step]))
            if step.step == after + 2:
                signal.pause()  # a busy machine may be late with the signal
        os._exit(0)
    os.close(writer)
    while os.read(reader, 1) not in (bytes([after]), b""):
        pass
    os.kill(child, signal.SIGKILL)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL


if __name__ == "__main__":  # every run, in a folder of its own; one process imports torch for all
    torch.set_num_threads(1)
    for each in RUNS:
        killed(f"{sys.argv[1]}/{each}", each)
