"""The cross-entropy that all objectives share: classes may weigh more, hyperspheres have a margin."""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from art_segplugin.core.types import NO_VOID, Labels, Logits
from art_segplugin.errors import InputError
from art_segplugin.heads import hypersphere_head, with_margin


@dataclass(frozen=True, eq=False)
class WeightedCrossEntropy:
    """Cross-entropy summed over the pixels that belong to a class.

    Attributes:
        ignore_index: Label of the pixels that do not count; negative labels do not count either.
        class_weights: One weight per class, shape (c,); None weighs all alike.
        scale: Scale s of a hypersphere head, whose logits are s * cos; 1 for other heads.
        margin: Additive margin m that the label's cosine must be ahead by (arXiv:2002.08619).
    """

    ignore_index: int = 255
    class_weights: Tensor | None = None
    scale: float = 1.0
    margin: float = 0.0

    def __call__(self, logits: Logits, labels: Labels) -> Tensor:
        """Return the weighted sum, a scalar."""
        if self.margin:
            logits = with_margin(
                logits, labels, self.scale, self.margin, ignore_index=self.ignore_index
            )
        weights = None if self.class_weights is None else self.class_weights.to(logits)
        targets = labels.long().masked_fill(~self.valid(labels), NO_VOID)
        return F.cross_entropy(logits, targets, weights, ignore_index=NO_VOID, reduction="sum")

    def total(self, labels: Labels) -> Tensor:
        """Return the sum of the weights of all pixels that count, a scalar float32."""
        valid = self.valid(labels)
        if self.class_weights is None:
            return valid.sum(dtype=torch.float32)
        weights = self.class_weights.to(labels.device, torch.float32)
        return (weights[labels.where(valid, 0)] * valid).sum()

    def valid(self, labels: Labels) -> Tensor:
        """Return which pixels count."""
        return (labels >= 0) & (labels != self.ignore_index)

    def check_head(self, model: nn.Module) -> None:
        """Refuse a model whose head is not the one that scale and margin are for.

        Raises:
            InputError: It has a hypersphere head of another scale, or there is a margin and no such
                head.
        """
        head = hypersphere_head(model)
        if head is None and self.margin:
            raise InputError(
                f"margin is {self.margin} and the model has no hypersphere head; convert it with "
                "to_hypersphere, or leave the margin out."
            )
        if head is not None and head.scale != self.scale:
            raise InputError(
                f"scale is {self.scale:g} and the hypersphere head of the model has {head.scale:g}; "
                f"give WeightedCrossEntropy(scale={head.scale:g})."
            )

    def described(self) -> dict[str, Any]:
        """Return what tells it apart, as JSON can hold it."""
        weights = self.class_weights
        return {
            "weights": None if weights is None else [round(w, 6) for w in weights.tolist()],
            "scale": self.scale,
            "margin": self.margin,
        }
