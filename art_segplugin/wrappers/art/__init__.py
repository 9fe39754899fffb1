"""The face for the Adversarial Robustness Toolbox: estimators, attacks, trainers, and opt-in aliases."""

from art_segplugin.wrappers.art import attacks
from art_segplugin.wrappers.art.attacks import *  # noqa: F403
from art_segplugin.wrappers.art.criteria import AccuracyBelow, NegativeLoss, square_attack
from art_segplugin.wrappers.art.estimator import PyTorchSegmenter, SegmenterMixin
from art_segplugin.wrappers.art.hypersphere import (
    PyTorchHypersphereClassifier,
    PyTorchHypersphereSegmenter,
)
from art_segplugin.wrappers.art.registration import register, unregister
from art_segplugin.wrappers.art.trainers import (
    AdversarialTrainerHEALPPyTorch,
    AdversarialTrainerHEFastPyTorch,
    AdversarialTrainerHEFreePyTorch,
    AdversarialTrainerHEPGDPyTorch,
    AdversarialTrainerHETRADESPyTorch,
    AdversarialTrainerSegmentationPyTorch,
    AdversarialTrainerSegPGDPyTorch,
)

__all__ = [
    "AccuracyBelow",
    "AdversarialTrainerHEALPPyTorch",
    "AdversarialTrainerHEFastPyTorch",
    "AdversarialTrainerHEFreePyTorch",
    "AdversarialTrainerHEPGDPyTorch",
    "AdversarialTrainerHETRADESPyTorch",
    "AdversarialTrainerSegPGDPyTorch",
    "AdversarialTrainerSegmentationPyTorch",
    "NegativeLoss",
    "PyTorchHypersphereClassifier",
    "PyTorchHypersphereSegmenter",
    "PyTorchSegmenter",
    "SegmenterMixin",
    "register",
    "square_attack",
    "unregister",
]
__all__ += attacks.__all__
__all__.sort()
