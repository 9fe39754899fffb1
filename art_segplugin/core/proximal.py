"""Proximity operators: argmin over d of weight * ||d|| + 1/2 (d - point)^T H (d - point)."""

import torch

from art_segplugin.core.threat_model import per_image
from art_segplugin.core.types import Images, PerImage

HALVINGS = {torch.float64: 50, torch.float32: 21}
"""Of an interval that is at most 1 long in most images; 2^-21 is 1e-4 of an 8-bit level."""


def proximal_linf(
    point: Images,
    weight: PerImage,
    metric: Images | None = None,
    low: Images | None = None,
    high: Images | None = None,
) -> Images:
    """That of weight * ||d||_inf in a diagonal metric, within low <= d <= high.

    The answer is the point, clipped to the bounds and then to [-t, t]. What t costs falls and then
    rises; its slope is weight - sum of H_i (|point_i| - t) over the coordinates that t cuts, and
    where that changes its sign is found by halving, without reading anything back.

    Args:
        point: (n, ch, h, w), float32 or float64.
        weight: >= 0, one an image.
        metric: H > 0, one a coordinate; None for 1.
        low: <= 0, or -inf; None for no bound.
        high: >= 0, or inf; likewise.
    """
    free = low is None and high is None
    inside = point if free else point.clamp(low, high)
    size = point.abs().flatten(1)
    reach = size if free else inside.abs().flatten(1)
    scale = None if metric is None else metric.flatten(1)
    least, most = torch.zeros_like(weight), reach.amax(1)
    for _ in range(HALVINGS[point.dtype]):
        middle = (least + most) / 2
        edge = middle.unsqueeze(1)
        cut = (size - edge).clamp_(min=0) if reach is size else (size - edge) * (reach > edge)
        pull = cut.sum(1) if scale is None else cut.mul_(scale).sum(1)
        least, most = (
            torch.where(pull > weight, middle, least),
            torch.where(pull > weight, most, middle),
        )
    edge = per_image((least + most) / 2, point)
    return inside.clamp(-edge, edge)


def proximal_l2(point: Images, weight: PerImage) -> Images:
    """That of weight * ||d||_2: the point, shorter by the weight."""
    length = point.flatten(1).square().sum(1).sqrt()
    kept = 1 - weight / length.clamp(min=torch.finfo(length.dtype).tiny)
    return point * per_image(kept.clamp(min=0), point)


def proximal_l1(point: Images, weight: PerImage) -> Images:
    """That of weight * ||d||_1: every coordinate nearer to 0 by the weight."""
    return (point.abs() - per_image(weight, point)).clamp(min=0).copysign(point)
