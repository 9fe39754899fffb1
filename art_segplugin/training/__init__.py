"""Training of segmentation models: one trainer, and objectives to choose from."""

from art_segplugin.training.options import TrainingOptions
from art_segplugin.training.supervised import CrossEntropy
from art_segplugin.training.trainer import Objective, TrainingStep, train

__all__ = ["CrossEntropy", "Objective", "TrainingOptions", "TrainingStep", "train"]
