"""What can be asked of a segmentation estimator, and leaves its model as it was."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from art.estimators.pytorch import PyTorchEstimator
from torch import Tensor

from art_segplugin.core.types import Images, Labels, Logits, PerImage
from art_segplugin.errors import InputError
from art_segplugin.interpret.hooks import activation, layer_name, leaf_layers
from art_segplugin.wrappers.art.arrays import (
    Data,
    Same,
    as_like,
    check_images,
    from_images,
    to_array,
    to_images,
    to_tensor,
)
from art_segplugin.wrappers.art.labels import label_map
from art_segplugin.wrappers.art.losses import image_losses, zero_one_losses
from art_segplugin.wrappers.art.segmenter_mixin import SegmenterMixin

OUTPUTS = ("logits", "probabilities", "labels")
REDUCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "none": lambda losses: losses,
    "mean": torch.mean,
    "sum": torch.sum,
}


class SegmenterQueries(SegmenterMixin, PyTorchEstimator):
    """Predictions, losses, their gradients and activations, all from `logits`.

    Every method leaves the modes of the model's modules, its hooks and the gradients of its weights
    as it found them. Threads can share an estimator, whatever mode its modules are in, as long as none
    trains it or asks for `training_mode`.
    """

    @property
    def layer_names(self) -> list[str]:
        """Names of the layers that `get_activations` counts: modules without children."""
        return leaf_layers(self._model)

    @torch.no_grad()
    def predict(
        self,
        x: Same,
        batch_size: int = 128,
        training_mode: bool = False,
        output: str = "logits",
        **kwargs: Any,
    ) -> Same:
        """What the model says about each pixel.

        Args:
            x: images.
            batch_size: images per forward pass.
            training_mode: run in training mode.
            output: "logits" or "probabilities", (n, nb_classes, h, w) float; or "labels", (n, h, w)
                int64. Postprocessing defences work on the logits, or on the probabilities if those
                are asked for; the labels are those of the model, because a defence that hides scores
                (HighConfidence, Rounded) says nothing about the class of a pixel.
            **kwargs: taken for ART's sake, without effect.

        Raises:
            InputError: another output, or images of a wrong shape.
        """
        if output not in OUTPUTS:
            raise InputError(f"output is {output!r}; choose from {', '.join(OUTPUTS)}.")
        check_images(x, channels_first=self.channels_first)
        size: Any = x.shape[2:4] if self.channels_first else x.shape[1:3]
        result = (
            torch.empty((len(x), *size), dtype=torch.int64)
            if output == "labels"
            else torch.empty((len(x), self.nb_classes, *size))
        )
        for start in range(0, len(x), batch_size):
            scores = self.logits(self._images(x[start : start + batch_size]), training_mode)
            if output == "labels":
                scores = scores.argmax(1)
            elif output == "probabilities":
                scores = scores.softmax(1)
            if self.postprocessing_defences and output != "labels":
                defended = self._apply_postprocessing(to_array(scores), fit=False)
                scores = to_tensor(defended, self._device)
            result[start : start + batch_size] = scores  # one copy, to the CPU
        return as_like(result, x)

    def loss_gradient(self, x: Same, y: Data, training_mode: bool = False, **kwargs: Any) -> Same:
        """Gradient of `compute_loss(x, y)` with respect to the raw `x`; shape and type of `x`.

        It does not depend on which images are in a batch together.

        Args:
            x: images.
            y: labels.
            training_mode: run in training mode.
            **kwargs: taken for ART's sake, without effect.

        Raises:
            InputError: images or labels that cannot be used.
        """
        images = self._images(x).detach()
        labels = self._labels(y, images)
        with torch.enable_grad():
            leaf = images.requires_grad_()
            logits = self.logits(leaf, training_mode)
            total = self._losses(logits, labels).sum()
            (gradient,) = torch.autograd.grad(total, leaf)
        return from_images(gradient, x, channels_first=self.channels_first)

    @torch.no_grad()
    def compute_loss(self, x: Same, y: Data, reduction: str = "none", **kwargs: Any) -> Same:
        """Loss of each image, the mean over its valid pixels: (n,), or a scalar if reduced.

        Args:
            x: images.
            y: labels.
            reduction: "none", "mean" or "sum" over the images.
            **kwargs: taken for ART's sake, without effect.

        Raises:
            InputError: another reduction, or images or labels that cannot be used.
        """
        images = self._images(x)
        return as_like(self._reduced_loss(self.logits(images), y, reduction), x)

    @torch.no_grad()
    def compute_loss_from_predictions(
        self, pred: Same, y: Data, reduction: str = "none", **kwargs: Any
    ) -> Same:
        """As `compute_loss`, from the logits that `predict` returned."""
        logits = to_tensor(pred, self._device)
        return as_like(self._reduced_loss(logits, y, reduction), pred)

    @torch.no_grad()
    def compute_losses(self, x: Same, y: Data) -> dict[str, Same]:
        """Losses of each image by name, (n,) each; ART's summary writer draws them as curves.

        Returns:
            "loss", as `compute_loss`, and "zero_one", the share of wrong pixels among valid ones.
        """
        images = self._images(x)
        logits, labels = self.logits(images), self._labels(y, images)
        return {
            "loss": as_like(self._losses(logits, labels), x),
            "zero_one": as_like(zero_one_losses(logits, labels, self.ignore_index), x),
        }

    def get_activations(
        self, x: Same, layer: int | str, batch_size: int = 128, framework: bool = False
    ) -> Same | Tensor:
        """What a layer returns for `x`.

        Args:
            x: images.
            layer: place in `layer_names`, from the end if negative, or the name of any module.
            batch_size: images per forward pass.
            framework: return a tensor that keeps its graph, down to `x` if that is a tensor.

        Raises:
            InputError: no such layer, or one that does not return a tensor.
        """
        name = layer_name(self._model, layer)
        with torch.set_grad_enabled(framework and torch.is_grad_enabled()):
            outputs = [
                activation(
                    self._model,
                    name,
                    partial(self.logits, self._images(x[start : start + batch_size])),
                )
                for start in range(0, len(x), batch_size)
            ]
            result = torch.cat(outputs)
        return result if framework else as_like(result, x)

    def _images(self, x: Data) -> Images:
        return to_images(x, self.device, channels_first=self.channels_first)

    def _labels(self, y: Data, like: Tensor) -> Labels:
        return label_map(y, like, nb_classes=self.nb_classes, ignore_index=self.ignore_index)

    def _losses(self, logits: Logits, labels: Labels) -> PerImage:
        return image_losses(self.loss, logits, labels, self.ignore_index)

    def _reduced_loss(self, logits: Logits, y: Data, reduction: str) -> Tensor:
        if reduction not in REDUCTIONS:
            raise InputError(f"reduction is {reduction!r}; choose from {', '.join(REDUCTIONS)}.")
        return REDUCTIONS[reduction](self._losses(logits, self._labels(y, logits)))
