"""One of ART's PyTorch classifiers as the core sees models: a segmenter of one pixel."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from art.estimators.classification import PyTorchClassifier
from torch import nn

from art_segplugin.core.modes import evaluation_mode, in_mode
from art_segplugin.core.types import NO_VOID, Images, Labels, Logits
from art_segplugin.errors import InputError
from art_segplugin.models.outputs import class_logits
from art_segplugin.wrappers.art.arrays import Array, Data, to_array
from art_segplugin.wrappers.art.labels import image_labels
from art_segplugin.wrappers.art.preprocessing import float_type, preprocessed


@dataclass(frozen=True)
class ClassifierView:
    """Logits (n, c, 1, 1) and labels (n, 1, 1) of a classifier.

    Args:
        estimator: `PyTorchClassifier` or a subclass, such as ART's for Hugging Face. Of one that
            predicts by voting over changed images (randomised smoothing) it is the model inside, as
            for ART's own gradient attacks.
    """

    estimator: PyTorchClassifier
    ignore_index: ClassVar[int] = NO_VOID

    @property
    def module(self) -> nn.Module:
        """What holds the weights: ART's wrapper of the model."""
        return self.estimator._model

    def logits(self, images: Images, training_mode: bool = False) -> Logits:
        """Differentiable logits (n, c, 1, 1) of raw images (n, ch, h, w).

        Args:
            images: Channels first, whatever the layout of the estimator.
            training_mode: Run in training mode, in which batch norm updates its statistics.

        Raises:
            InputError: the model returns something else.
        """
        estimator = self.estimator
        raw = images if estimator.channels_first else images.permute(0, 2, 3, 1)
        prepared = preprocessed(estimator.preprocessing_operations, raw)
        # ART's wrapper of the model returns its layers' outputs, and applies the processor of
        # Hugging Face models.
        model = estimator._model
        # Always a tensor of its own: a model may start with an in-place operation.
        prepared = prepared.to(float_type(model)).clone(memory_format=torch.contiguous_format)
        with in_mode(model, training=training_mode):
            logits = class_logits(model(prepared)[-1], len(images))
        if logits.shape[1] != estimator.nb_classes:
            raise InputError(
                f"the model gives {logits.shape[1]} logits per image and nb_classes is "
                f"{estimator.nb_classes}; give the estimator a model with one logit per class."
            )
        return logits[..., None, None]

    def labels(self, y: Data, images: Images) -> Labels:
        """Class indices (n, 1, 1), see `image_labels`."""
        return image_labels(y, images, nb_classes=self.estimator.nb_classes)

    def for_art(self, labels: Labels) -> Array:
        """One-hot labels (n, c), float32, which all of ART's code for classifiers understands."""
        return to_array(F.one_hot(labels.flatten(), self.estimator.nb_classes).float())

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Give modes and gradients of the weights back, which ART's own queries change."""
        weights = list(self.estimator.model.parameters())
        gradients = [weight.grad for weight in weights]
        try:
            with evaluation_mode(self.estimator._model):
                yield
        finally:
            for weight, gradient in zip(weights, gradients, strict=True):
                weight.grad = gradient
