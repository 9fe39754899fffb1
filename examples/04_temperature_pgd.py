"""Temperature-PGD through ART: a classifier that hides how fragile it is from PGD, and a segmenter.

Run: python examples/04_temperature_pgd.py [--smoke]
"""

import argparse
import copy

import numpy as np
import torch
from art.attacks.evasion import ProjectedGradientDescent
from art.estimators.classification import PyTorchClassifier
from sklearn.datasets import load_digits
from torch import nn

from art_segplugin.data.scenes import SceneDataset
from art_segplugin.models import load_model
from art_segplugin.wrappers.art import PyTorchSegmenter, SegPGD, TemperaturePGD


def classification(steps, epochs):
    digits = load_digits()
    x, y = (digits.images[:, None] / 16).astype(np.float32), digits.target
    model = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.ReLU())
    model.extend([nn.Flatten(), nn.Linear(32 * 4 * 4, 10)])
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    options = {"loss": nn.CrossEntropyLoss(), "input_shape": (1, 8, 8), "nb_classes": 10}
    classifier = PyTorchClassifier(model, **options, optimizer=optimizer, clip_values=(0, 1))
    classifier.fit(x[:1400], y[:1400], batch_size=64, nb_epochs=epochs)

    # The same classes for every image, from probabilities that round to 0 and 1.
    louder = copy.deepcopy(model)
    louder[-1].weight.data *= 30
    louder[-1].bias.data *= 30
    louder = PyTorchClassifier(louder, **options, clip_values=(0, 1))

    x, y = x[1400:], y[1400:]  # other writers
    options = {"eps": 0.15, "eps_step": 0.03, "max_iter": steps, "num_random_init": 0}
    for group, estimator in (("digits", classifier), ("digits times 30", louder)):
        adversarial = {"clean": x}
        pgd = ProjectedGradientDescent(estimator, **options, verbose=False)
        adversarial["ART's PGD"] = pgd.generate(x, y)
        for temperature in (30, 1, 0.2, (30, 1, 0.2)):  # of several, the best answer per image
            attack = TemperaturePGD(estimator, **options, temperature=temperature, verbose=False)
            adversarial[f"T = {temperature}"] = attack.generate(x, y)
        for name, images in adversarial.items():
            right = estimator.predict(images).argmax(1) == y
            print(f"{f'{group}: {name}':34} accuracy {right.mean():6.1%}")


def segmentation(count, size, steps):
    scenes = list(SceneDataset(count, split="test", size=size))
    x = np.stack([scene.image.numpy() for scene in scenes])
    y = np.stack([scene.labels.numpy() for scene in scenes])  # 255 is void
    classes = len(SceneDataset.palette.classes)
    model = load_model("small-scenes")
    estimator = PyTorchSegmenter(model, input_shape=(3, *size), nb_classes=classes)

    options = {"eps": 1 / 255, "eps_step": 0.25 / 255, "max_iter": steps, "num_random_init": 0}
    adversarial = {"clean": x}
    for temperature in (5, 1, 0.2):  # 1 is PGD
        attack = TemperaturePGD(estimator, **options, temperature=temperature, verbose=False)
        adversarial[f"T = {temperature}"] = attack.generate(x, y)
    adversarial["SegPGD"] = SegPGD(estimator, **options, verbose=False).generate(x, y)
    for name, images in adversarial.items():
        right = estimator.predict(images, output="labels") == y
        print(f"{name:34} pixel accuracy {right[y != 255].mean():6.1%}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="little training, one small scene")
    smoke = parser.parse_args().smoke
    torch.manual_seed(0)  # the weights and the order of training
    classification(steps=5 if smoke else 10, epochs=2 if smoke else 8)
    segmentation(1 if smoke else 2, (96, 128) if smoke else (180, 240), steps=2 if smoke else 8)
