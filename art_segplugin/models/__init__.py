"""Models behind one interface: images in [0, 1] in, logits of every pixel (or image) out."""

from art_segplugin.models.checkpoint import load_checkpoint, read_info, save_checkpoint, shipped
from art_segplugin.models.classifier import Classifier
from art_segplugin.models.info import CheckpointInfo
from art_segplugin.models.resnet import SmallResNet
from art_segplugin.models.segmenter import Segmenter
from art_segplugin.models.small import SmallSegNet
from art_segplugin.models.zoo import load_model

__all__ = [
    "CheckpointInfo",
    "Classifier",
    "Segmenter",
    "SmallResNet",
    "SmallSegNet",
    "load_checkpoint",
    "load_model",
    "read_info",
    "save_checkpoint",
    "shipped",
]
