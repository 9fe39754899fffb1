"""The supervised objective: cross-entropy on clean images."""

import json

from torch import Tensor

from art_segplugin.models.segmenter import Segmenter
from art_segplugin.training.objective import Objective, TrainingBatch, logits_of


class Supervised(Objective):
    """Learn from the images as they are."""

    @property
    def name(self) -> str:
        """Cross-entropy and its weights."""
        return f"cross-entropy {json.dumps(self.loss.described(), sort_keys=True)}"

    def totals(self, batch: TrainingBatch) -> Tensor:
        """Return the weight of all valid pixels, (1,)."""
        return self.loss.total(batch.labels)[None]

    def terms(self, model: Segmenter, batch: TrainingBatch) -> Tensor:
        """Return the cross-entropy, (1,)."""
        return self.loss(logits_of(model, batch.images), batch.labels)[None]
