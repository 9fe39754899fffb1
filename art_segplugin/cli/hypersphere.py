"""Hypersphere embedding for `train`, from the words of the command line."""

from dataclasses import dataclass

from art_segplugin.data.sample import Dataset
from art_segplugin.errors import InputError
from art_segplugin.heads import check_is_last, hypersphere_head, to_hypersphere
from art_segplugin.heads.margins import checked_margin
from art_segplugin.models import Segmenter
from art_segplugin.training.objectives import usual_of


@dataclass(frozen=True)
class HypersphereWords:
    """The options about hypersphere embedding as they were typed; None where they were not.

    Attributes:
        wanted: Convert the last layer.
        scale: Scale s of the head.
        margin: Margin m in the loss of the update.
        layer: Name of the last layer.
    """

    wanted: bool = False
    scale: float | None = None
    margin: float | None = None
    layer: str | None = None

    def apply(
        self, model: Segmenter, classes: int, objective: str, training: Dataset
    ) -> tuple[float, float]:
        """Convert the model where that is wanted; a model that has such a head keeps it.

        Args:
            model: Changed in place.
            classes: Number of classes.
            objective: Name of the objective, whose usual scale and margin are taken where none is
                given.
            training: Training data, whose first image a converted model is tried on.

        Returns:
            Scale and margin for the loss: 1 and 0 for an ordinary model.

        Raises:
            InputError: The last layer is not found or not the last, a bad number, another scale than
                that of the head, or options of a head that nobody wants.
        """
        if self.layer == "":
            raise InputError(
                "the layer is empty; give its name, such as classifier, or leave it out."
            )
        usual, head = usual_of(objective), hypersphere_head(model)
        if head is None and not self.wanted:
            if any(one is not None for one in (self.scale, self.margin, self.layer)):
                raise InputError(
                    "the scale, the margin and the layer are those of hypersphere embedding; "
                    "give --he too."
                )
            return 1.0, 0.0
        margin = checked_margin(usual.margin if self.margin is None else self.margin)
        if head is None:
            scale = usual.scale if self.scale is None else self.scale
            to_hypersphere(model, classes, scale, self.layer)
            check_is_last(model, training[0].image[None])
        elif self.layer is not None:
            raise InputError(
                f"the model has a hypersphere head already, and layer is {self.layer!r}; leave it out."
            )
        else:
            scale = head.scale
            if self.scale not in (None, scale):
                raise InputError(
                    f"the hypersphere head of the model has scale {scale:g}, and --he-scale is "
                    f"{self.scale:g}; leave it out."
                )
        return scale, margin
