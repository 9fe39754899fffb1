"""A small residual network for images such as CIFAR-10's (He et al., CVPR 2016, arXiv:1512.03385)."""

import torch.nn.functional as F
from torch import Tensor, channels_last, nn

from art_segplugin.errors import InputError


class SmallResNet(nn.Module):
    """Three stages of basic blocks; each stage has twice the channels of the one before.

    Without max pooling, as is usual for small images. Weights are kept channels-last, which is faster
    on a CPU.

    Args:
        classes: Number of classes, at least 2.
        width: Channels of the first stage.
        blocks: Blocks of each stage.
        stem_stride: Stride of the first convolution; 2 costs a quarter of the arithmetic.

    Raises:
        InputError: An argument is out of range.
    """

    def __init__(
        self, classes: int, width: int = 32, blocks: int = 2, stem_stride: int = 2
    ) -> None:
        super().__init__()
        for name, value, least in (
            ("classes", classes, 2),
            ("width", width, 1),
            ("blocks", blocks, 1),
            ("stem_stride", stem_stride, 1),
        ):
            if value < least:
                raise InputError(f"{name} is {value}; expected at least {least}.")
        self.stem = nn.Sequential(_conv(3, width, 3, stem_stride), nn.ReLU())
        stages = []
        channels = width
        for stage in range(3):
            for block in range(blocks):
                stride = 2 if stage and not block else 1
                stages.append(_Block(channels, width * 2**stage, stride))
                channels = width * 2**stage
        self.stages = nn.Sequential(*stages)
        self.classifier = nn.Linear(channels, classes)
        for parameter in self.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.contiguous(memory_format=channels_last)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (n, classes) for images (n, 3, h, w)."""
        features = self.stages(self.stem(images.contiguous(memory_format=channels_last)))
        logits: Tensor = self.classifier(features.mean((2, 3)))
        return logits


class _Block(nn.Module):
    """Two 3x3 convolutions around which the input is added."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.first = _conv(channels, out, 3, stride)
        self.second = _conv(out, out, 3)
        for module in self.second:
            if isinstance(module, nn.BatchNorm2d):
                # Every block starts as its shortcut, which lets short trainings use a high rate.
                nn.init.zeros_(module.weight)
        same = stride == 1 and channels == out
        self.stride = stride
        self.shortcut = nn.Identity() if same else _conv(channels, out, 1)

    def forward(self, x: Tensor) -> Tensor:
        # Not a strided 1 x 1 convolution, whose backward pass writes past its memory on CPUs (torch
        # 2.13, channels-last, fewer than 16 channels).
        taken = x[..., :: self.stride, :: self.stride]
        return F.relu(self.second(F.relu(self.first(x))) + self.shortcut(taken))


def _conv(channels: int, out: int, size: int, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(channels, out, size, stride, padding=size // 2, bias=False)
    nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
    return nn.Sequential(convolution, nn.BatchNorm2d(out))
