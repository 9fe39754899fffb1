"""Functions of the logits of each pixel, computed strip by strip: what they need in between stays small.

At 19 classes and 512 x 1024 pixels logits take 38 MiB, and every intermediate result of a loss as much. A
CPU waits for fresh memory longer than it computes: cut into strips that fit into its cache, the
cross-entropy and its gradient take less than half of the time, and none of the memory.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from art_segplugin.core.types import Logits, PixelMap

NUMBERS = {"cpu": 2**18}
"""Logits of a strip, for each two threads that share it; they fit into a CPU's cache."""

ELSEWHERE = 2**26
"""Logits of a strip on other devices, for which small ones are slow."""


def pixelwise(
    function: Callable[..., PixelMap],
    logits: Logits,
    *maps: Tensor,
    gradient: Callable[..., Logits] | None = None,
) -> PixelMap:
    """function(logits, *maps), computed in strips of rows, with a gradient in the logits.

    The values are those of the function itself. For the gradient each strip is computed once more,
    so that nothing but the logits and the maps is kept until then.

    Args:
        function: of logits (n, c, h, w) and maps (n, h, w) -> (n, h, w), differentiable in the
            logits; what it says of a pixel may depend on that pixel alone.
        logits: (n, c, h, w).
        *maps: whatever else the function takes for each pixel, (n, h, w).
        gradient: of logits, maps and weights (n, h, w) -> the gradient of the weighted sum, in a
            tensor of its own; None to differentiate the function.
    """
    result: PixelMap = _Pixelwise.apply(function, gradient, logits, *maps)  # type: ignore[no-untyped-call]
    return result


def _strips(logits: Logits) -> Iterator[slice]:
    """Rows, a few at a time."""
    most = NUMBERS.get(logits.device.type, ELSEWHERE)
    if logits.device.type == "cpu":
        most *= (torch.get_num_threads() + 1) // 2
    height = logits.shape[2]
    rows = max(most * height // max(logits.numel(), 1), 1)
    return (slice(top, top + rows) for top in range(0, height, rows))


class _Pixelwise(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        function: Callable[..., PixelMap],
        gradient: Callable[..., Logits] | None,
        logits: Logits,
        *maps: Tensor,
    ) -> Any:
        ctx.function, ctx.gradient = function, gradient
        ctx.save_for_backward(logits, *maps)
        parts = [
            function(logits[:, :, rows], *(each[:, rows] for each in maps))
            for rows in _strips(logits)
        ]
        return parts[0] if len(parts) == 1 else torch.cat(parts, 1)

    @staticmethod
    def backward(ctx: Any, outer: PixelMap) -> Any:
        logits, *maps = ctx.saved_tensors
        none = [None] * len(maps)
        if torch.is_grad_enabled():  # the gradient shall be differentiable too
            return None, None, _differentiated(ctx.function, logits, maps, outer, again=True), *none
        total = torch.empty_like(logits)
        for rows in _strips(logits):
            strip, of_strip = logits[:, :, rows], [each[:, rows] for each in maps]
            if ctx.gradient is None:
                with torch.enable_grad():
                    leaf = strip.detach().requires_grad_()
                    part = _differentiated(ctx.function, leaf, of_strip, outer[:, rows])
            else:
                part = ctx.gradient(strip, *of_strip, outer[:, rows])
            total[:, :, rows] = part
        return None, None, total, *none


def _differentiated(
    function: Callable[..., PixelMap],
    logits: Logits,
    maps: Sequence[Tensor],
    outer: PixelMap,
    *,
    again: bool = False,
) -> Logits:
    (gradient,) = torch.autograd.grad(function(logits, *maps), logits, outer, create_graph=again)
    return gradient
