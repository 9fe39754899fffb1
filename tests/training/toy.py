"""A data set and a network so small that a training takes a second."""

import sys

import torch
from torch import nn

from art_segplugin.data.palettes import Palette
from art_segplugin.data.sample import Sample
from art_segplugin.models.info import CheckpointInfo
from art_segplugin.models.segmenter import Segmenter
from art_segplugin.training import TrainingOptions, train

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


def options(**changes):
    return TrainingOptions(
        **{"steps": 12, "batch_size": 2, "validate_every": 5, "save_every": 4, "lr": 0.02} | changes
    )


def run(directory, *, resume=False, objective=None, data=None, **changes):
    """Start a toy training; returns the model and the generator of its steps."""
    model = Segmenter(network(), classes=3)
    steps = train(
        model, data or Toy(), Toy(2, seed=1), directory, options(**changes),
        info=INFO, objective=objective, resume=resume,
    )  # fmt: skip
    return model, steps


if __name__ == "__main__":
    torch.set_num_threads(1)
    for step in run(sys.argv[1])[1]:
        print(step.step, flush=True)
