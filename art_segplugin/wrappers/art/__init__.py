"""The face for the Adversarial Robustness Toolbox: an estimator, attacks, and opt-in aliases."""

from art_segplugin.wrappers.art.criteria import AccuracyBelow, NegativeLoss
from art_segplugin.wrappers.art.evasion import SegFGSM, SegmentationPGD, SegPGD, TemperaturePGD
from art_segplugin.wrappers.art.pytorch_segmenter import PyTorchSegmenter
from art_segplugin.wrappers.art.registration import register, unregister
from art_segplugin.wrappers.art.segmenter_mixin import SegmenterMixin

__all__ = [
    "AccuracyBelow",
    "NegativeLoss",
    "PyTorchSegmenter",
    "SegFGSM",
    "SegPGD",
    "SegmentationPGD",
    "SegmenterMixin",
    "TemperaturePGD",
    "register",
    "unregister",
]
