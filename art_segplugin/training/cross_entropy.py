"""The cross-entropy that all objectives share: classes may weigh more, hyperspheres have a margin."""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from art_segplugin.core.types import Labels, Logits
from art_segplugin.heads.margins import with_margin


@dataclass(frozen=True, eq=False)
class WeightedCrossEntropy:
    """Cross-entropy summed over the pixels that belong to a class.

    Attributes:
        ignore_index: Label of the pixels that do not count.
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
        return F.cross_entropy(
            logits, labels, weights, ignore_index=self.ignore_index, reduction="sum"
        )

    def total(self, labels: Labels) -> Tensor:
        """Return the sum of the weights of all pixels that count, a scalar float32."""
        valid = self.valid(labels)
        if self.class_weights is None:
            return valid.sum(dtype=torch.float32)
        weights = self.class_weights.to(labels.device, torch.float32)
        return (weights[labels.where(valid, 0)] * valid).sum()

    def valid(self, labels: Labels) -> Tensor:
        """Return which pixels count."""
        return labels != self.ignore_index

    def described(self) -> dict[str, Any]:
        """Return what tells it apart, as JSON can hold it."""
        weights = self.class_weights
        return {
            "weights": None if weights is None else [round(w, 6) for w in weights.tolist()],
            "scale": self.scale,
            "margin": self.margin,
        }
