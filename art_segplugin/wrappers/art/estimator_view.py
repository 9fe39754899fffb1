"""What an attack asks of an estimator, whatever it predicts."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

from torch import nn

from art_segplugin.core.types import Images, Labels, Logits
from art_segplugin.wrappers.art.arrays import Array, Data, to_array
from art_segplugin.wrappers.art.classifier_view import ClassifierView
from art_segplugin.wrappers.art.labels import label_map
from art_segplugin.wrappers.art.segmenter_mixin import SegmenterMixin


class EstimatorView(Protocol):
    """An estimator as the core sees models: logits (n, c, h, w) and labels (n, h, w)."""

    @property
    def ignore_index(self) -> int:
        """Label of void pixels."""

    @property
    def module(self) -> nn.Module:
        """What holds the weights and has the modes."""

    def logits(self, images: Images, training_mode: bool = False) -> Logits:
        """Differentiable logits of raw images (n, ch, h, w), in evaluation mode unless said so."""

    def labels(self, y: Data, images: Images) -> Labels:
        """Class indices from labels in any form that the estimator takes.

        Raises:
            InputError: labels that do not fit.
        """

    def for_art(self, labels: Labels) -> Array:
        """The inverse of `labels`, as the estimator's own losses take them."""

    def undisturbed(self) -> AbstractContextManager[None]:
        """Within, the estimator may be asked for losses and gradients without leaving a trace."""


@dataclass(frozen=True)
class SegmenterView:
    """A segmenter, which has all of it already.

    Args:
        estimator: the segmenter.
    """

    estimator: Any

    @property
    def ignore_index(self) -> int:
        """That of the estimator."""
        return self.estimator.ignore_index

    @property
    def module(self) -> nn.Module:
        """The model."""
        return self.estimator.model

    def logits(self, images: Images, training_mode: bool = False) -> Logits:
        """Logits (n, c, h, w) at the size of the images."""
        return self.estimator.logits(images, training_mode)

    def labels(self, y: Data, images: Images) -> Labels:
        """Label maps (n, h, w), see `label_map`."""
        estimator = self.estimator
        return label_map(
            y, images, nb_classes=estimator.nb_classes, ignore_index=estimator.ignore_index
        )

    def for_art(self, labels: Labels) -> Array:
        """Label maps (n, h, w)."""
        return to_array(labels)

    def undisturbed(self) -> AbstractContextManager[None]:
        """Our segmenters leave no trace anyway."""
        return nullcontext()


def view_of(estimator: Any) -> EstimatorView:
    """The view of a segmenter, or of one of ART's PyTorch classifiers."""
    if isinstance(estimator, SegmenterMixin):
        return SegmenterView(estimator)
    return ClassifierView(estimator)


class EstimatorModule(nn.Module):
    """A view as a module: raw images in, logits out, in the mode in which the module itself is.

    Args:
        view: Of the estimator.
    """

    def __init__(self, view: EstimatorView) -> None:
        super().__init__()
        self._view = view
        self.network = view.module  # so that modes are set in there, too

    def forward(self, images: Images) -> Logits:
        """Return logits (n, c, h, w) of raw images (n, ch, h, w)."""
        return self._view.logits(images, self.training)
