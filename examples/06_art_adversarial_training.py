"""Adversarial training in ART: four ways with hypersphere embedding, and SegPGD-AT of a segmenter.

Each network is trained from the same weights; what it withstands is measured by PGD-20 or SegPGD.

Run: python examples/06_art_adversarial_training.py [--smoke]
"""

import argparse
import time

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

from art_segplugin.data.scenes import SceneDataset
from art_segplugin.models import load_model
from art_segplugin.wrappers import art


def classification(epochs):
    digits = load_digits()
    x, y = (digits.images[:, None] / 16).astype(np.float32), digits.target
    eps, options = 0.1, {"batch_size": 64, "nb_epochs": epochs}
    trainers = {
        "HE": None,  # no adversarial training
        "HE PGD-AT": lambda estimator: art.AdversarialTrainerHEPGDPyTorch(estimator, eps),
        "HE TRADES": lambda estimator: art.AdversarialTrainerHETRADESPyTorch(estimator, eps),
        "HE FreeAT": lambda estimator: art.AdversarialTrainerHEFreePyTorch(estimator, eps),
        "HE FastAT": lambda estimator: art.AdversarialTrainerHEFastPyTorch(estimator, eps),
    }
    for name, trainer in trainers.items():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(1, 16, 3), nn.BatchNorm2d(16), nn.ReLU())
        model.extend([nn.Conv2d(16, 32, 3), nn.BatchNorm2d(32), nn.Flatten(), nn.Linear(512, 10)])
        optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
        # Its last layer becomes one of scaled cosines; `scale` and `margin` have the paper's values.
        classifier = art.PyTorchHypersphereClassifier(
            model, input_shape=(1, 8, 8), nb_classes=10, optimizer=optimizer, clip_values=(0, 1)
        )
        start = time.perf_counter()
        (trainer(classifier) if trainer else classifier).fit(x[:1400], y[:1400], **options)
        print(f"{name}: trained in {time.perf_counter() - start:.1f} s")
        report(name, classifier, x[1400:], y[1400:], eps)  # other writers


def segmentation(size, count, epochs):
    data = {}
    for split, length in (("train", count), ("test", max(count // 4, 1))):
        scenes = list(SceneDataset(length, split=split, size=size))
        images, maps = ([getattr(s, k).numpy() for s in scenes] for k in ("image", "labels"))
        data[split] = np.stack(images), np.stack(maps)  # 255 is void
    model, eps = load_model("small-scenes"), 1 / 255
    classes = len(SceneDataset.palette.classes)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    options = {"input_shape": (3, *size), "nb_classes": classes, "optimizer": optimizer}
    segmenter = art.PyTorchSegmenter(model, **options)
    report("shipped", segmenter, *data["test"], eps)
    trainer = art.AdversarialTrainerSegPGDPyTorch(segmenter, eps)  # half of each batch is attacked
    trainer.fit(*data["train"], data["test"], batch_size=min(6, count), nb_epochs=epochs)
    report("SegPGD-AT", segmenter, *data["test"], eps)


def report(name, estimator, x, y, eps):
    kind = art.SegmentationPGD if y.ndim == 1 else art.SegPGD
    attack = kind(estimator, eps=eps, eps_step=eps / 8, max_iter=20, verbose=False)
    for attacked, images in (("clean", x), ("attacked", attack.generate(x, y))):
        right = (estimator.predict(images).argmax(1) == y)[y != 255].mean()
        print(f"{f'{name}: {attacked}':24} accuracy {right:6.1%}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="few epochs, one small scene")
    smoke = parser.parse_args().smoke
    classification(epochs=1 if smoke else 12)
    segmentation((96, 128) if smoke else (180, 240), 2 if smoke else 24, 1 if smoke else 4)
