"""ART's estimators as the core sees models: raw images in, logits (n, c, h, w) and labels (n, h, w).

An attack runs on `view_of(estimator)`, a training on the same; neither knows which estimator it is.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from art.estimators.classification import PyTorchClassifier
from torch import nn

from art_segplugin.core.forward_pass import float_type
from art_segplugin.core.modes import evaluation_mode, in_mode
from art_segplugin.core.types import NO_VOID, Images, Labels, Logits
from art_segplugin.errors import InputError
from art_segplugin.models.outputs import class_logits
from art_segplugin.wrappers.art.arrays import Array, Data, to_array
from art_segplugin.wrappers.art.estimator import SegmenterMixin
from art_segplugin.wrappers.art.labels import image_labels, label_map
from art_segplugin.wrappers.art.preprocessing import preprocessed


class EstimatorView(nn.Module, ABC):
    """An estimator as a module: raw images (n, ch, h, w) to logits, in the mode of the module.

    Args:
        estimator: the estimator.
        network: what holds its weights and has the modes.
        ignore_index: label of void pixels.
    """

    casts: ClassVar[bool] = True  # images of any float type, see `core.forward_pass.output_of`

    def __init__(self, estimator: Any, network: nn.Module, ignore_index: int) -> None:
        super().__init__()
        self.estimator = estimator
        self.network = network
        self.ignore_index = ignore_index

    def forward(self, images: Images) -> Logits:
        """Return differentiable logits, in the mode in which this module is."""
        return self.logits(images, self.training)

    @abstractmethod
    def logits(self, images: Images, training_mode: bool = False) -> Logits:
        """Return differentiable logits, in evaluation mode unless said otherwise.

        Args:
            images: channels first, whatever the layout of the estimator.
            training_mode: run in training mode, in which batch norm updates its statistics.
        """

    @abstractmethod
    def labels(self, y: Data, images: Images) -> Labels:
        """Return class indices, from labels in any form that the estimator takes.

        Raises:
            InputError: labels that do not fit.
        """

    @abstractmethod
    def for_art(self, labels: Labels) -> Array:
        """Return the inverse of `labels`, as the estimator's own losses take them."""

    @abstractmethod
    def undisturbed(self) -> AbstractContextManager[None]:
        """Within, the estimator may be asked for losses and gradients without leaving a trace."""


class SegmenterView(EstimatorView):
    """A segmenter: logits and label maps of the size of the images."""

    def __init__(self, estimator: Any) -> None:
        super().__init__(estimator, estimator.model, estimator.ignore_index)

    def logits(self, images: Images, training_mode: bool = False) -> Logits:
        """Return the estimator's `logits` (n, c, h, w)."""
        logits: Logits = self.estimator.logits(images, training_mode)
        return logits

    def labels(self, y: Data, images: Images) -> Labels:
        """Return label maps (n, h, w), see `label_map`."""
        nb_classes = self.estimator.nb_classes
        return label_map(y, images, nb_classes=nb_classes, ignore_index=self.ignore_index)

    def for_art(self, labels: Labels) -> Array:
        """Return label maps (n, h, w)."""
        return to_array(labels)

    def undisturbed(self) -> AbstractContextManager[None]:
        """Our segmenters leave no trace anyway."""
        return nullcontext()


class ClassifierView(EstimatorView):
    """One of ART's PyTorch classifiers as a segmenter with a 1x1 output: logits (n, c, 1, 1).

    Args:
        estimator: `PyTorchClassifier` or a subclass, such as ART's for Hugging Face. Of one that
            predicts by voting over changed images (randomised smoothing) it is the model inside, as
            for ART's own gradient attacks.
    """

    def __init__(self, estimator: PyTorchClassifier) -> None:
        # ART's wrapper of the model returns the outputs of its layers, and applies the processor of
        # Hugging Face models.
        super().__init__(estimator, estimator._model, NO_VOID)

    def logits(self, images: Images, training_mode: bool = False) -> Logits:
        """Return logits (n, c, 1, 1).

        Raises:
            InputError: the model returns something else.
        """
        estimator, model = self.estimator, self.network
        raw = images if estimator.channels_first else images.permute(0, 2, 3, 1)
        prepared = preprocessed(estimator.preprocessing_operations, raw)
        # Some of ART's defences return another float type than the model takes.
        prepared = prepared.to(float_type(model) or torch.float32)
        # Always a tensor of its own: a model may start with an in-place operation.
        prepared = prepared.clone(memory_format=torch.contiguous_format)
        with in_mode(model, training=training_mode):
            logits = class_logits(model(prepared)[-1], len(images))
        if logits.shape[1] != estimator.nb_classes:
            raise InputError(
                f"the model gives {logits.shape[1]} logits per image and nb_classes is "
                f"{estimator.nb_classes}; give the estimator a model with one logit per class."
            )
        return logits[..., None, None]

    def labels(self, y: Data, images: Images) -> Labels:
        """Return class indices (n, 1, 1), see `image_labels`."""
        return image_labels(y, images, nb_classes=self.estimator.nb_classes)

    def for_art(self, labels: Labels) -> Array:
        """Return one-hot labels (n, c), float32, which all of ART's code for classifiers takes."""
        return to_array(F.one_hot(labels.flatten(), self.estimator.nb_classes).float())

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Give modes and gradients of the weights back, which ART's own queries change."""
        weights = list(self.estimator.model.parameters())
        gradients = [weight.grad for weight in weights]
        try:
            with evaluation_mode(self.network):
                yield
        finally:
            for weight, gradient in zip(weights, gradients, strict=True):
                weight.grad = gradient


def view_of(estimator: Any) -> EstimatorView:
    """The view of a segmenter, or of one of ART's PyTorch classifiers."""
    return (SegmenterView if isinstance(estimator, SegmenterMixin) else ClassifierView)(estimator)
