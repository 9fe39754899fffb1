"""Random views of a labelled image: scale, crop, flip and colour, in torch."""

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

_GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601 luma


def augment(
    image: Tensor,
    labels: Tensor,
    *,
    crop: tuple[int, int],
    scale: tuple[float, float],
    flip: bool = True,
    jitter: float,
    ignore_index: int,
    generator: Generator,
) -> tuple[Tensor, Tensor]:
    """Return one random view of an image with the same geometry for its labels.

    Args:
        image: RGB as 8-bit values, uint8 of shape (3, h, w).
        labels: Class indices of any integer type, shape (h, w), or (1, 1) for the class of the image.
        crop: Height and width of the view.
        scale: Range of the enlargement, drawn log-uniformly.
        flip: Mirror half of the views.
        jitter: Largest relative change of brightness, contrast and saturation.
        ignore_index: Label of pixels that the image does not cover; they are grey.
        generator: Source of all random numbers.

    Returns:
        Image float32 in [0, 1] of shape (3, *crop) and labels int64 of shape crop, or (1, 1).
    """
    draws = torch.rand(7, generator=generator).tolist()
    enlargement = scale[0] * (scale[1] / scale[0]) ** draws[0]
    height, width = (max(1, round(side / enlargement)) for side in crop)
    top = _offset(draws[1], image.shape[1], height)
    left = _offset(draws[2], image.shape[2], width)
    window = _window(image, top, left, height, width, fill=127).float().div_(255)
    view = _resize_image(window, crop)
    target = labels
    if labels.shape == image.shape[1:]:
        target = _resize_labels(_window(labels, top, left, height, width, ignore_index), crop)
    if flip and draws[3] < 0.5:
        view, target = view.flip(-1), target.flip(-1)
    return _jitter(view, jitter, draws[4:]), target.long()


def _offset(draw: float, available: int, wanted: int) -> int:
    # Negative where the window is larger than the image: the rest is padding.
    return round(draw * (available - wanted))


def _window(values: Tensor, top: int, left: int, height: int, width: int, fill: int) -> Tensor:
    bottom = top + height - values.shape[-2]
    right = left + width - values.shape[-1]
    inside = values[
        ...,
        max(0, top) : top + height,
        max(0, left) : left + width,
    ]
    padding = (max(0, -left), max(0, right), max(0, -top), max(0, bottom))
    return F.pad(inside, padding, value=fill) if any(padding) else inside


def _resize_image(image: Tensor, size: tuple[int, int]) -> Tensor:
    if image.shape[-2:] == size:
        return image
    # Without the antialiasing filter a reduced image would have edges no real picture has.
    return F.interpolate(
        image[None], size, mode="bilinear", align_corners=False, antialias=True
    ).squeeze(0)


def _resize_labels(labels: Tensor, size: tuple[int, int]) -> Tensor:
    rows, columns = (
        torch.arange(target).add(0.5).mul(source / target).long().clamp_max(source - 1)
        for source, target in zip(labels.shape, size, strict=True)
    )
    return labels[rows[:, None], columns]


def _jitter(image: Tensor, strength: float, draws: list[float]) -> Tensor:
    brightness, contrast, saturation = (1 + strength * (2 * draw - 1) for draw in draws)
    image = image * brightness
    grey = torch.einsum("chw,c->hw", image, image.new_tensor(_GREY))
    image = grey + saturation * (image - grey)
    level = grey.mean()
    return (level + contrast * (image - level)).clamp_(0, 1)
