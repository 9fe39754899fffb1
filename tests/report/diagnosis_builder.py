"""Made-up diagnoses: numbers a person can check by hand, no model anywhere.

The images of most are equal, so that intervals are points; those of `varied` differ.
"""

from dataclasses import replace
from functools import reduce
from operator import add

import torch

from art_segplugin.data.palettes import Palette
from art_segplugin.evaluation import ModelCounts, diagnose
from art_segplugin.evaluation.diagnosis import AttackCounts
from art_segplugin.metrics.class_counts import ClassCounts
from art_segplugin.metrics.class_scores import totals_of

CLASSES = ("road", "sky", "car", "cat")
EPS = {"eps": 8 / 255, "norm": "Linf"}


def counts(right, images=4, classes=4, pixels=10, regions=()):
    """Of `pixels` pixels of class i in each image right[i] are right; the others become class i + 1.

    Half of them, rounded down, come back without that class.
    """
    confusion = torch.zeros(classes, classes, dtype=torch.int64)
    returned = torch.zeros_like(confusion)
    for index, hits in enumerate(right):
        wrong = pixels - hits
        confusion[index, index] += hits
        confusion[index, (index + 1) % classes] += wrong
        returned[index, (index + 1) % classes] += wrong // 2
    per_image = totals_of(confusion).expand(images, 3, classes)
    tables = dict.fromkeys(regions, images * confusion)
    return ClassCounts(images * confusion, images * returned, per_image.clone(), tables)


def attack(name, right, temperature=None, **values):
    options = {} if name == "clean" else dict(EPS)
    if temperature is not None:
        options["temperature"] = temperature
    distance = options.get("eps", 0.0)
    return AttackCounts(name, options, 0, counts(right, classes=len(right), **values), distance)


def varied(name, right, seed, images=40, **values):
    """Like `attack`, but each image has up to 3 of 20 right pixels of a class more or fewer."""
    drawn = torch.randint(
        -3, 4, (images, len(right)), generator=torch.Generator().manual_seed(seed)
    )
    parts = [
        counts((torch.tensor(right) + more).clamp(0, 20).tolist(), images=1, pixels=20)
        for more in drawn
    ]
    made = attack(name, right, **values)
    return replace(made, counts=reduce(add, parts))


def results(**values):
    """Cat is weakest, with 1 of 10; the sky withstands."""
    return [
        attack("clean", (10, 9, 8, 7), **values),
        attack("pgd-20", (6, 8, 4, 1), **values),
        attack("temperature-pgd-20", (6, 7, 4, 0), temperature=0.1, **values),
        attack("temperature-pgd-20", (9, 9, 6, 5), temperature=2.0, **values),
    ]


def varied_results():
    """Temperature 0.1 is stronger than the baseline, temperature 2 weaker."""
    return [
        varied("clean", (17, 16, 15, 14), 0),
        varied("pgd-20", (10, 12, 8, 5), 1),
        varied("temperature-pgd-20", (8, 9, 5, 3), 2, temperature=0.1),
        varied("temperature-pgd-20", (13, 15, 12, 9), 3, temperature=2.0),
    ]


def diagnosis(*models, classes=CLASSES, norms=(1.0, 4.0, 2.0, 3.0), **values):
    """A report on the models, or on one called "net"."""
    palette = Palette("made up", tuple(classes), ((0, 0, 0),) * len(classes))
    weights = None if norms is None else torch.tensor(norms, dtype=torch.float64)
    named = models or (("net", results(**values)),)
    subjects = [ModelCounts(name, found, weights) for name, found in named]
    return diagnose(subjects, palette, "scenes", "art-segplugin diagnose --data scenes", samples=30)


def classification(norms=None):
    """Eight images with a class each, of two."""
    found = []
    for name, hits in (("clean", 4), ("pgd-20", 2)):
        confusion = torch.tensor([[4, 0], [4 - hits, hits]])
        images = torch.zeros(8, 3, 2, dtype=torch.int64)
        images[:4, :, 0] = 1
        images[4:, 1, 1] = 1
        images[4 : 4 + hits, 0, 1] = images[4 : 4 + hits, 2, 1] = 1
        images[4 + hits :, 2, 0] = 1
        options = {} if name == "clean" else dict(EPS)
        whole = ClassCounts(confusion, torch.zeros_like(confusion), images, {})
        found.append(AttackCounts(name, options, 0, whole, options.get("eps", 0.0)))
    return diagnosis(("net", found), classes=("cat", "ship"), norms=norms)
