"""Made-up reports and examples: numbers a person can check by hand, no model anywhere."""

import numpy as np

from art_segplugin.data.palettes import Palette
from art_segplugin.evaluation.result import (
    AttackResult,
    Example,
    ImageScore,
    RobustnessReport,
    WorstCaseResult,
)

EPS = {"eps": 8 / 255, "norm": "Linf"}


def counts(right, wrong, classes=3):
    """`right` pixels of each class on the diagonal; `wrong` of each taken for the next class."""
    matrix = np.zeros((classes, classes), dtype=int)
    for index in range(classes):
        matrix[index, index] += right
        matrix[index, (index + 1) % classes] += wrong
    return matrix.tolist()


def result(attack="segpgd-20", right=20, wrong=80, seed=0, classes=3, steps=20, **values):
    matrix = counts(right, wrong, classes)
    options = {} if attack == "clean" else EPS | {"steps": steps}
    curve = [] if attack == "clean" else np.linspace(0.1, wrong / (right + wrong), steps + 1)
    share = [] if attack == "clean" else np.linspace(0.3, 0.6, steps + 1)
    return AttackResult(
        **{
            "attack": attack,
            "options": options,
            "seed": seed,
            "counts": matrix,
            "images": [ImageScore("a", right * classes, (right + wrong) * classes)],
            "mis_ratio_curve": [float(value) for value in curve],
            "loss_share_curve": [float(value) for value in share],
            "largest_distance": options.get("eps", 0.0),
            "seconds": 1.5,
        }
        | values
    )


def report(*attacks, classes=("road", "sky", "car"), **values):
    clean = result("clean", right=90, wrong=10, classes=len(classes))
    return RobustnessReport(
        **{
            "model": "small",
            "data": "scenes",
            "reference": "labels",
            "classes": list(classes),
            "colours": [(10 * i, 0, 0) for i in range(len(classes))],
            "results": [clean, *attacks],
            "versions": {"python": "3.12", "torch": "2.6"},
            "command": "art-segplugin evaluate --data scenes",
        }
        | values
    )


def worst_case(*attacks, right=6, seed=0, eps=8 / 255, answers=4):
    """Of two images of 20 pixels; `right` of them in each, and half the classes' pixels are hits."""
    images = [ImageScore(name, right, 20) for name in "ab"]
    totals = [[5, 5, 0], [10, 10, 0], [10, 10, 0]]  # IoU 1/3, 1/3, and a class that is not there
    return WorstCaseResult(
        list(attacks), {"eps": eps, "norm": "Linf"}, seed, answers, images, totals
    )


def classified():
    """Six images of three classes; the FGSM leaves 2 of 6, the PGD 3 but a lower mIoU."""
    found = [
        ("clean", {}, [[2, 0, 0], [0, 2, 0], [0, 1, 1]]),
        ("fgsm", EPS, [[1, 1, 0], [0, 1, 1], [1, 1, 0]]),
        ("pgd-20", EPS, [[2, 0, 0], [2, 0, 0], [1, 0, 1]]),
    ]
    results = []
    for name, options, matrix in found:
        right = [matrix[i // 2][i // 2] > i % 2 for i in range(6)]
        images = [ImageScore(f"{i}", int(hit), 1) for i, hit in enumerate(right)]
        results.append(result(name, options=options, counts=matrix, images=images))
    return report(results=results)


PALETTE = Palette("three", ("road", "sky", "car"), ((128, 64, 128), (70, 130, 180), (0, 0, 142)))


def example(name="scene", attacks=("segpgd-20",), size=(12, 16)):
    """Left half road, right half sky, a void row on top; the attack turns the sky into car."""
    truth = np.zeros(size, dtype=np.int64)
    truth[:, size[1] // 2 :] = 1
    attacked = np.where(truth == 1, 2, truth)
    clean = truth.copy()
    truth[0] = 255
    image = np.full((*size, 3), 100, dtype=np.uint8)
    return Example(name, image, truth, clean, dict.fromkeys(attacks, (image + 8, attacked)))
