"""Pictures, plans and reproductions for the tests of replaying."""

from dataclasses import replace

import numpy as np
import torch
from oracles import TinyNet

from art_segplugin.attacks import named
from art_segplugin.evaluation.model_refs import ModelPair, ModelRef
from art_segplugin.evaluation.pipeline import ANY_WRONG, AttackPlan
from art_segplugin.evaluation.repro import Reproduction, reproduce
from art_segplugin.models import Segmenter

CLASSES = 4


def load(spec):
    """Model "a" or "b": random weights, the same each time."""
    torch.manual_seed(ord(spec[-1]))
    network = TinyNet(CLASSES)
    with torch.no_grad():
        network.head.weight *= 4
    return Segmenter(network, classes=CLASSES).eval()


def picture(seed=0):
    return np.random.default_rng(seed).integers(0, 256, (14, 18, 3), dtype=np.uint8)


def label_map():
    labels = np.random.default_rng(1).integers(0, CLASSES, (14, 18), dtype=np.uint8)
    labels[0] = 255
    return labels


def plan(recipe="segpgd", goal=ANY_WRONG, region="everywhere", region_class=0, **options):
    options = {"steps": 3, "eps": 0.05, **options}
    attack = named(recipe, targeted=goal.targeted, **options)
    return AttackPlan.of(attack, goal, region, region_class, seed=7)


def reproduction(**values):
    values = {
        "image": picture(),
        "labels": label_map(),
        "models": ModelPair(ModelRef("a"), ModelRef("b")),
        "plan": plan(),
        "threads": 1,
        "numbers": {},
        **values,
    }
    made = Reproduction(**values)
    return replace(made, numbers=reproduce(made, load=load))


def again(made, folder):
    made.save(folder)
    read = Reproduction.load(folder)
    return read, reproduce(read, load=load)
