"""What `register` makes importable as `art.estimators.segmentation`."""

from art_segplugin.wrappers.art.estimator import PyTorchSegmenter, SegmenterMixin
from art_segplugin.wrappers.art.hypersphere import PyTorchHypersphereSegmenter

__all__ = ["PyTorchHypersphereSegmenter", "PyTorchSegmenter", "SegmenterMixin"]
