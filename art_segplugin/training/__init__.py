"""Training of segmenters and classifiers: one trainer, and objectives to choose from."""

from art_segplugin.training.adversarial import AdversarialTraining
from art_segplugin.training.class_robustness import robustness_weights
from art_segplugin.training.options import TrainingOptions
from art_segplugin.training.supervised import CrossEntropy
from art_segplugin.training.trainer import Objective, TrainingStep, train

__all__ = [
    "AdversarialTraining",
    "CrossEntropy",
    "Objective",
    "TrainingOptions",
    "TrainingStep",
    "robustness_weights",
    "train",
]
