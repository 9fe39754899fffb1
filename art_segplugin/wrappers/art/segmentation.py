"""What `register` makes importable as `art.estimators.segmentation`."""

from art_segplugin.wrappers.art.hypersphere_segmenter import PyTorchHypersphereSegmenter
from art_segplugin.wrappers.art.pytorch_segmenter import PyTorchSegmenter
from art_segplugin.wrappers.art.segmenter_mixin import SegmenterMixin

__all__ = ["PyTorchHypersphereSegmenter", "PyTorchSegmenter", "SegmenterMixin"]
