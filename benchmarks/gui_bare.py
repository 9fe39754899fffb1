"""The attack without the app: a process that runs it whenever it is told to, and says how long.

One line on standard input, one run: `THREADS STEPS`. The answer is the seconds from the first point
to the last, for SegPGD on the first test scene of 480 x 360 and the shipped model.
"""

import sys
import time

import torch

from art_segplugin.attacks import segpgd
from art_segplugin.data.scenes import SceneDataset
from art_segplugin.models import load_model


def main():
    sample = SceneDataset(50, "test", (360, 480))[0]
    model = load_model("small-scenes").eval().requires_grad_(False)
    x, labels = sample.image.unsqueeze(0), sample.labels.long().unsqueeze(0)
    print("ready", flush=True)
    for line in sys.stdin:
        threads, steps = map(int, line.split())
        torch.set_num_threads(threads)
        first = 0.0
        for iterate in segpgd(steps=steps).iterates(model, x, labels):
            if iterate.step == 0:
                first = time.perf_counter()
        print(time.perf_counter() - first, flush=True)


if __name__ == "__main__":
    main()
