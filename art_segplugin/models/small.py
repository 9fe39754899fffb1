"""A small segmentation network, made to be attacked on a CPU.

An encoder-decoder of plain 3x3 convolutions: residual blocks down to 1/16 of the image size, dilated
ones and a global average as context, and additive skip connections back up to 1/2 of the image size,
where thin objects (poles, signs) still exist.
"""

import torch.nn.functional as F
from torch import Tensor, channels_last, nn

from art_segplugin.core.types import Logits
from art_segplugin.errors import InputError

_SMALLEST_SIDE = 32


class SmallSegNet(nn.Module):
    """Segmentation network with 0.87 million parameters at the default width.

    Weights and activations are kept channels-last: on a CPU that makes a forward with its input
    gradient about a quarter faster. Depthwise convolutions are avoided because their gradient is slow
    there.

    Args:
        classes: Number of classes, at least 1.
        width: Channels at half resolution, a multiple of 3; the deeper stages have 2, 8/3 and 4 times
            as many.

    Raises:
        InputError: ``classes`` or ``width`` is out of range.
    """

    def __init__(self, classes: int, width: int = 24) -> None:
        super().__init__()
        if classes < 1:
            raise InputError(f"classes is {classes}; a network needs at least 1 class.")
        if width < 3 or width % 3:
            raise InputError(f"width is {width}; expected a positive multiple of 3, such as 24.")
        half, quarter, eighth, deepest = width, 2 * width, 8 * width // 3, 4 * width
        self.stem = _conv(3, half, stride=2)
        self.encoder4 = nn.Sequential(_conv(half, quarter, stride=2), _Residual(quarter))
        self.encoder8 = nn.Sequential(
            _conv(quarter, eighth, stride=2), _Residual(eighth), _Residual(eighth)
        )
        self.encoder16 = nn.Sequential(
            _conv(eighth, deepest, stride=2),
            *(_Residual(deepest, dilation) for dilation in (1, 2, 4)),
        )
        self.context = nn.Sequential(nn.Conv2d(deepest, deepest, 1), nn.ReLU(inplace=True))
        self.decoder8 = _Decoder(deepest, eighth)
        self.decoder4 = _Decoder(eighth, quarter)
        self.decoder2 = _Decoder(quarter, half)
        self.classifier = nn.Conv2d(half, classes, 1)
        self.reset_parameters()
        for parameter in self.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.contiguous(memory_format=channels_last)

    def forward(self, images: Tensor) -> Logits:
        """Return logits (n, classes, h, w) for images (n, 3, h, w) with h, w >= 32.

        Raises:
            InputError: The images are smaller than 32 pixels on a side.
        """
        if min(images.shape[-2:]) < _SMALLEST_SIDE:
            raise InputError(
                f"the images are {images.shape[-2]}x{images.shape[-1]} pixels; "
                f"SmallSegNet needs at least {_SMALLEST_SIDE} on each side."
            )
        at2 = self.stem(images.contiguous(memory_format=channels_last))
        at4 = self.encoder4(at2)
        at8 = self.encoder8(at4)
        at16 = self.encoder16(at8)
        at16 = at16 + self.context(at16.mean((2, 3), keepdim=True))
        decoded = self.decoder8(at16, at8)
        decoded = self.decoder4(decoded, at4)
        decoded = self.decoder2(decoded, at2)
        return _resize(self.classifier(decoded), images)

    def reset_parameters(self) -> None:
        """Draw all weights anew, as the constructor does."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.BatchNorm2d):
                module.reset_parameters()
        for module in self.modules():
            if isinstance(module, _Residual):
                # Every block starts as the identity, which lets short trainings use a high rate.
                nn.init.zeros_(module.norm.weight)
        nn.init.normal_(self.classifier.weight, std=0.01)


class _Residual(nn.Module):
    """Two 3x3 convolutions around which the input is added."""

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.first = _conv(channels, channels, dilation=dilation)
        self.second = nn.Conv2d(
            channels, channels, 3, padding=dilation, dilation=dilation, bias=False
        )
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, features: Tensor) -> Tensor:
        return F.relu(self.norm(self.second(self.first(features))) + features, inplace=True)


class _Decoder(nn.Module):
    """Brings coarse features to the size of the skip connection and merges the two."""

    def __init__(self, coarse: int, fine: int) -> None:
        super().__init__()
        self.reduce = _conv(coarse, fine, kernel=1)
        self.merge = _conv(fine, fine)

    def forward(self, coarse: Tensor, skip: Tensor) -> Tensor:
        # Reducing the channels before enlarging keeps the cost at the coarse resolution.
        merged: Tensor = self.merge(_resize(self.reduce(coarse), skip) + skip)
        return merged


def _conv(
    inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1, dilation: int = 1
) -> nn.Sequential:
    padding = dilation * (kernel // 2)
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def _resize(features: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(features, like.shape[-2:], mode="bilinear", align_corners=False)
