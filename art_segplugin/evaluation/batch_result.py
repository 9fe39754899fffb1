"""One attack with one seed on one batch: what an evaluation yields."""

from dataclasses import dataclass, field, replace
from typing import Any

from art_segplugin.core.types import Images, Labels
from art_segplugin.evaluation.result import ImageScore
from art_segplugin.metrics.class_counts import ClassCounts


@dataclass(frozen=True, eq=False)
class BatchResult:
    """One attack with one seed on one batch.

    Attributes:
        attack: name of the attack, "clean" for none.
        options: its values.
        seed: seed of its random start.
        first: index of the batch's first image in the data set.
        wrong: fooled pixels after 0 ... steps steps.
        loss_on_fooled: loss on them.
        loss: loss on all valid pixels.
        counts: confusion counts of the batch.
        images: one score an image.
        largest_distance: largest perturbation in the attack's norm.
        seconds: time taken.
        labelled: whether scores are against labels, else against the clean prediction.
        class_counts: what a diagnosis counts, where it was asked for; on the CPU.
        adversarial: the attacked images, where pictures were asked for.
        prediction: the predicted class maps, likewise.
        reference: the class maps that scores are against, likewise.
    """

    attack: str
    options: dict[str, Any]
    seed: int
    first: int
    wrong: list[int] = field(default_factory=list)
    loss_on_fooled: list[float] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    counts: list[list[int]] = field(default_factory=list)
    images: list[ImageScore] = field(default_factory=list)
    largest_distance: float = 0.0
    seconds: float = 0.0
    labelled: bool = True
    class_counts: ClassCounts | None = None
    adversarial: Images | None = None
    prediction: Labels | None = None
    reference: Labels | None = None

    def without_pictures(self) -> "BatchResult":
        """The same scores, with no tensor held."""
        return replace(self, adversarial=None, prediction=None, reference=None)
