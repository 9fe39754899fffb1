"""Training of segmenters and classifiers: one trainer, and objectives to choose from."""

from art_segplugin.training.adversarial import AdversarialTraining
from art_segplugin.training.alp import AdversarialLogitPairing
from art_segplugin.training.class_weights import robustness_weights
from art_segplugin.training.free import FreeAdversarialTraining
from art_segplugin.training.objective import (
    Objective,
    Supervised,
    TrainingBatch,
    WeightedCrossEntropy,
)
from art_segplugin.training.objectives import OBJECTIVES, inner_attack, make_objective
from art_segplugin.training.options import TrainingOptions
from art_segplugin.training.trades import Trades
from art_segplugin.training.trainer import TrainingStep, train

__all__ = [
    "OBJECTIVES",
    "AdversarialLogitPairing",
    "AdversarialTraining",
    "FreeAdversarialTraining",
    "Objective",
    "Supervised",
    "Trades",
    "TrainingBatch",
    "TrainingOptions",
    "TrainingStep",
    "WeightedCrossEntropy",
    "inner_attack",
    "make_objective",
    "robustness_weights",
    "train",
]
