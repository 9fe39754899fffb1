"""The supervised objective: cross-entropy on clean images."""

from torch import Tensor

from art_segplugin.models.segmenter import Segmenter
from art_segplugin.training.objective import Objective, TrainingBatch, logits_of


class Supervised(Objective):
    """Learn from the images as they are."""

    title = "cross-entropy"

    def terms(self, model: Segmenter, batch: TrainingBatch) -> Tensor:
        """Return the cross-entropy, (1,)."""
        return self.loss(logits_of(model, batch.images), batch.labels)[None]
