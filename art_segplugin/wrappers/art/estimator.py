"""A PyTorch segmentation model as an ART estimator."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from numbers import Integral
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from art import config
from art.data_generators import DataGenerator
from art.defences.postprocessor import Postprocessor
from art.defences.preprocessor import Preprocessor
from art.estimators.pytorch import PyTorchEstimator
from art.preprocessing.standardisation_mean_std.pytorch import StandardisationMeanStdPyTorch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from art_segplugin.core.checks import check_gradients
from art_segplugin.core.forward_pass import gradient_in, graph_explained
from art_segplugin.core.modes import in_mode
from art_segplugin.core.types import Images, Labels, Logits, PerImage
from art_segplugin.errors import InputError, renamed, warn
from art_segplugin.interpret.hooks import activation, layer_name, leaf_layers
from art_segplugin.models import Segmenter
from art_segplugin.wrappers.art.arrays import (
    Data,
    Same,
    as_like,
    check_array,
    check_channels,
    check_images,
    from_images,
    to_array,
    to_images,
    to_tensor,
)
from art_segplugin.wrappers.art.labels import all_void, label_map, warn_of_void
from art_segplugin.wrappers.art.losses import Loss, batch_loss, image_losses, zero_one_losses
from art_segplugin.wrappers.art.parameters import restored_on_error
from art_segplugin.wrappers.art.preprocessing import (
    preprocessed,
    preprocessed_for_training,
    refuse_unsuitable,
)
from art_segplugin.wrappers.art.sizes import whole_number
from art_segplugin.wrappers.art.training_loop import (
    Batches,
    epochs,
    generated,
    optimizer_of,
    shuffled,
)
from art_segplugin.wrappers.art.weights import load_weights, reset_weights, save_weights

_IN_SEGMENTER = {
    "give classes": "give nb_classes",
    "pass channels": "give art_segplugin.models.Segmenter(model, ...) with channels",
}
"""What Segmenter says to those who have an estimator."""
OUTPUTS = ("logits", "probabilities", "labels")
REDUCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "none": lambda losses: losses,
    "mean": torch.mean,
    "sum": torch.sum,
}


class SegmenterMixin(ABC):
    """Interface of a segmentation estimator; mix it in before ART's `PyTorchEstimator`.

    It is no `ClassifierMixin` on purpose: ART's code for classifiers turns labels into one vector per
    image, which a label map is not.
    """

    estimator_params: ClassVar[list[str]] = ["nb_classes", "ignore_index"]

    @property
    @abstractmethod
    def nb_classes(self) -> int:
        """Number of classes."""

    @property
    @abstractmethod
    def ignore_index(self) -> int:
        """Label of void pixels, which count nowhere."""

    @property
    @abstractmethod
    def device(self) -> torch.device:
        """Where the model is."""

    @abstractmethod
    def logits(self, images: Images, training_mode: bool = False) -> Logits:
        """Differentiable logits (n, nb_classes, h, w) of raw images (n, ch, h, w) on `device`.

        Preprocessing and defences are part of it; it leaves the mode of the model as it was.

        Args:
            images: channels first, whatever `channels_first` says of the x of other methods.
            training_mode: run in training mode, in which batch norm updates its statistics.
        """


class PyTorchSegmenter(SegmenterMixin, PyTorchEstimator):
    """A segmentation model for ART's attacks, defences and trainers.

    Images `x` are (n, ch, h, w), or (n, h, w, ch) without `channels_first`, in the range of
    `clip_values`; logits are always (n, nb_classes, h, w). Labels `y` are class indices (n, h, w) or
    (n, 1, h, w) with `ignore_index` on void pixels, or one-hot labels or logits
    (n, nb_classes, h, w). Arrays give float32 arrays, tensors give tensors on their own device.

    Predictions, losses, gradients and activations leave the modes of the model's modules, its hooks
    and the gradients of its weights as they were. Threads can share an estimator, whatever mode its
    modules are in, as long as none trains it or asks for `training_mode`.

    Args:
        model: images -> logits as a tensor, a dict with "out" or "logits", an object with `.logits`,
            or a tuple; logits of a lower resolution are enlarged. It is moved to the device.
        loss: (logits, labels) -> a scalar or one value per pixel; None for the cross-entropy of each
            pixel.
        input_shape: shape of one image, such as (3, 360, 480). Our attacks take other sizes too;
            some of ART's, such as SquareAttack, need exactly this one.
        nb_classes: number of classes, at least 2.
        optimizer: of the model's weights, for `fit`.
        ignore_index: label of void pixels.
        channels_first: whether x is (n, ch, h, w).
        clip_values: smallest and largest pixel value; None for no bounds.
        preprocessing_defences: applied to x before `preprocessing`; part of the gradient.
        postprocessing_defences: applied to what `predict` returns, not to gradients.
        preprocessing: (mean, standard deviation), numbers or one per channel, or a `Preprocessor`.
        device_type: "gpu" (the CPU where there is none) or "cpu".

    Raises:
        TypeError: nb_classes is no whole number.
        InputError: an argument that cannot be used, or a defence that is silently wrong on label maps.
    """

    estimator_params: ClassVar[list[str]] = [
        *PyTorchEstimator.estimator_params,
        *SegmenterMixin.estimator_params,
        "loss",
        "input_shape",
        "optimizer",
    ]

    def __init__(
        self,
        model: nn.Module,
        loss: Loss | None = None,
        input_shape: tuple[int, int, int] | None = None,
        nb_classes: int | None = None,
        optimizer: torch.optim.Optimizer | None = None,
        ignore_index: int = 255,
        channels_first: bool = True,
        clip_values: tuple[Any, Any] | None = (0.0, 1.0),
        preprocessing_defences: Preprocessor | list[Preprocessor] | None = None,
        postprocessing_defences: Postprocessor | list[Postprocessor] | None = None,
        preprocessing: tuple[Any, Any] | Preprocessor | None = (0.0, 1.0),
        device_type: str = "gpu",
    ) -> None:
        self._device_type = device_type  # _set_preprocessing needs these two
        self._channels_first = channels_first
        super().__init__(
            model=model,
            channels_first=channels_first,
            clip_values=clip_values,
            preprocessing_defences=preprocessing_defences,
            postprocessing_defences=postprocessing_defences,
            preprocessing=self._set_preprocessing(preprocessing),
            device_type=device_type,
        )
        self._nb_classes: Any = nb_classes
        self._ignore_index: Any = ignore_index
        self._loss: Any = loss
        self._input_shape: Any = input_shape and tuple(input_shape)
        self._optimizer = optimizer
        self._check_params()

    def _check_params(self) -> None:
        """Check everything, after construction and after `set_params`."""
        super()._check_params()
        refuse_unsuitable(self.preprocessing_operations + (self.postprocessing_defences or []))
        if not isinstance(self._model, nn.Module):
            raise InputError(
                f"model is a {type(self._model).__name__}; give a torch.nn.Module, for instance "
                "art_segplugin.models.Segmenter(function)."
            )
        if self._nb_classes == 1:
            raise InputError(
                "nb_classes is 1; give a whole number >= 2: a model with one output channel has "
                "nb_classes=2."
            )
        self._nb_classes = whole_number("nb_classes", self._nb_classes, least=2)
        if not isinstance(self._ignore_index, Integral):
            raise InputError(f"ignore_index is {self._ignore_index!r}; give a whole number.")
        self._ignore_index = int(self._ignore_index)
        if not isinstance(self.channels_first, bool):
            raise InputError(f"channels_first is {self.channels_first!r}; give True or False.")
        if isinstance(self._loss, nn.BCELoss | nn.BCEWithLogitsLoss):
            raise InputError(
                f"loss is a {type(self._loss).__name__}, of one logit per pixel; a model with one "
                "output channel z has the logits [0, z] here, whose cross-entropy is the same: leave "
                "loss out, or give a torch.nn.CrossEntropyLoss."
            )
        if self._input_shape is None or len(self._input_shape) != 3:
            raise InputError(
                f"input_shape is {self._input_shape!r}; give the shape of one image, "
                "such as (3, 360, 480)."
            )
        channels = self._input_shape[0 if self.channels_first else 2]
        self._segmenter = Segmenter(self._model, classes=self._nb_classes, in_channels=channels).to(
            self._device
        )
        if self._loss is None:
            self._loss = nn.CrossEntropyLoss(ignore_index=self._ignore_index, reduction="none")
        if isinstance(self._loss, nn.Module):
            self._loss.to(self._device)

    def set_params(self, **kwargs: Any) -> None:
        """Set parameters of the constructor, all of them or none.

        A mean per channel follows `channels_first`.

        Args:
            **kwargs: their new values.

        Raises:
            ValueError: there is no such parameter.
            TypeError, InputError: as in the constructor.
        """
        with restored_on_error(self):
            if "channels_first" in kwargs:
                self._channels_first = kwargs["channels_first"]  # _set_preprocessing needs it
                before = kwargs.get("preprocessing", self.preprocessing)
                if isinstance(before, StandardisationMeanStdPyTorch):
                    kwargs["preprocessing"] = (before.mean.ravel(), before.std.ravel())
            super().set_params(**kwargs)

    def _set_preprocessing(self, preprocessing: Any) -> Preprocessor | None:
        """Keep (mean, std) in PyTorch, where ART's `set_params` would make it NumPy."""
        if not isinstance(preprocessing, tuple):
            return super()._set_preprocessing(preprocessing)
        values = (np.asarray(value, dtype=np.float32) for value in preprocessing)
        mean, std = np.broadcast_arrays(*values)
        if not (np.isfinite(mean).all() and np.isfinite(std).all() and (std > 0).all()):
            raise InputError(
                f"preprocessing is {preprocessing}; give finite numbers, the standard deviation above 0."
            )
        if (mean == 0).all() and (std == 1).all():
            return None  # costs two copies to the device per forward otherwise
        if mean.ndim == 1:  # ART would take the columns of an image 3 pixels wide for channels
            shape = (1, -1, 1, 1) if self._channels_first else (1, 1, 1, -1)
            mean, std = mean.reshape(shape), std.reshape(shape)
        operation = StandardisationMeanStdPyTorch(mean, std, device_type=self._device_type)
        # It completes itself at the first call, which threads must not be left to do.
        operation.forward(torch.zeros(1, 1, 1, 1, device=operation.device))
        return operation

    @property
    def nb_classes(self) -> int:
        """Number of classes."""
        return self._nb_classes

    @property
    def ignore_index(self) -> int:
        """Label of void pixels."""
        return self._ignore_index

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self._device

    @property
    def loss(self) -> Loss:
        """The loss of `fit`, `loss_gradient` and `compute_loss`."""
        return self._loss

    @property
    def optimizer(self) -> torch.optim.Optimizer | None:
        """The optimizer of `fit`."""
        return self._optimizer

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Shape of one image."""
        return self._input_shape

    @property
    def layer_names(self) -> list[str]:
        """Names of the layers that `get_activations` counts: modules without children."""
        return leaf_layers(self._model)

    def logits(self, images: Images, training_mode: bool = False) -> Logits:
        """Differentiable logits (n, nb_classes, h, w) of raw images (n, ch, h, w) on `device`.

        Its modules have their own modes back afterwards; hold the mode of `model` until after the
        backward pass where the model may checkpoint its activations.

        Args:
            images: channels first, whatever `channels_first` says of `x`.
            training_mode: run in training mode, in which batch norm updates its statistics.

        Raises:
            InputError: the images or the model's output have a wrong shape.
        """
        if self.preprocessing_operations:
            raw = images if self.channels_first else images.permute(0, 2, 3, 1)
            prepared = preprocessed(self.preprocessing_operations, raw)
            images = prepared if self.channels_first else prepared.permute(0, 3, 1, 2).contiguous()
        with in_mode(self._model, training=training_mode), renamed(_IN_SEGMENTER):
            return self._segmenter(images)

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
        self._check_images(x)
        size: Any = x.shape[2:4] if self.channels_first else x.shape[1:3]
        result = (
            torch.empty((len(x), *size), dtype=torch.int64)
            if output == "labels"
            else torch.empty((len(x), self.nb_classes, *size))
        )
        for start in range(0, len(x), batch_size):
            scores = self.logits(self._unchecked(x[start : start + batch_size]), training_mode)
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
            InputError: images or labels that cannot be used, or a model without a gradient.
        """
        check_gradients("asking for gradients")
        images = self._images(x).detach()
        labels = self._labels(y, images)
        with torch.enable_grad():
            leaf = images.requires_grad_()
            # A model that checkpoints its activations runs once more in the backward pass.
            with in_mode(self._model, training=training_mode), graph_explained():
                total = self._losses(self.logits(leaf, training_mode), labels).sum()
                gradient = gradient_in(leaf, total)
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
        return as_like(self._reduced_loss(self.logits(self._images(x)), y, reduction), x)

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
            framework: return a tensor that keeps its graph, down to `x` if that is a tensor. Keep the
                model in evaluation mode until after the backward pass if it checkpoints activations.

        Raises:
            InputError: no such layer, or one that does not return a tensor.
        """
        name = layer_name(self._model, layer)
        self._check_images(x)
        with torch.set_grad_enabled(framework and torch.is_grad_enabled()):
            outputs = []
            for start in range(0, len(x), batch_size):
                images = self._unchecked(x[start : start + batch_size])
                outputs.append(activation(self._model, name, partial(self.logits, images)))
            result = torch.cat(outputs)
        return result if framework else as_like(result, x)

    def fit(
        self,
        x: Data,
        y: Data,
        batch_size: int = 128,
        nb_epochs: int = 10,
        training_mode: bool = True,
        drop_last: bool = False,
        scheduler: LRScheduler | None = None,
        verbose: bool = False,
        **kwargs: Any,
    ) -> None:
        """Train the model; each module has its own mode back afterwards.

        Args:
            x: images; shuffled each epoch by torch's global generator.
            y: labels.
            batch_size: images per step.
            nb_epochs: passes over the images.
            training_mode: train in training mode; False keeps the statistics of batch norm.
            drop_last: leave out a last batch that is not full.
            scheduler: stepped after each epoch.
            verbose: show a progress bar.
            **kwargs: what ART's trainers pass besides, such as validation_data; without effect.

        Raises:
            InputError: there is no optimizer of the model's weights, or images or labels that cannot
                be used; labels that are all void are warned of, as are masks of 0 and 255.
        """
        self._check_images(x)
        check_array("y", y)
        if all_void(y, self._ignore_index):
            warn(
                f"all labels are void ({self._ignore_index}): nothing is learnt; check ignore_index."
            )
        else:
            warn_of_void(y, nb_classes=self.nb_classes, ignore_index=self._ignore_index)
        self._train(
            shuffled(x, y, batch_size, drop_last=drop_last),
            nb_epochs,
            scheduler,
            training_mode=training_mode,
            verbose=verbose,
        )

    def fit_generator(
        self,
        generator: DataGenerator,
        nb_epochs: int = 20,
        training_mode: bool = True,
        scheduler: LRScheduler | None = None,
        verbose: bool = False,
        **kwargs: Any,
    ) -> None:
        """Train on the batches of a generator, size / batch_size of them an epoch, rounded up.

        A generator that leaves out its last batch (`drop_remainder`) has begun its next round then.
        Args and errors are those of `fit`.
        """
        self._train(
            generated(generator), nb_epochs, scheduler, training_mode=training_mode, verbose=verbose
        )

    def _train(
        self,
        batches: Batches,
        nb_epochs: int,
        scheduler: LRScheduler | None,
        *,
        training_mode: bool,
        verbose: bool,
    ) -> None:
        check_gradients("training")
        optimizer = optimizer_of(self, self._model)
        for epoch in epochs(batches, nb_epochs, scheduler, verbose=verbose):
            for x, y in epoch.batches:
                self._train_step(optimizer, x, y, training_mode)

    def _train_step(
        self, optimizer: torch.optim.Optimizer, x: Data, y: Data, training_mode: bool
    ) -> None:
        x, y = preprocessed_for_training(self.preprocessing_operations, x, y, self._device)
        images = self._images(x)
        labels = self._labels(y, images)
        with in_mode(self._model, training=training_mode):
            with renamed(_IN_SEGMENTER):
                logits = self._segmenter(images)
            loss = self._training_loss(logits, labels)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    def _training_loss(self, logits: Logits, labels: Labels) -> Tensor:
        """Loss that `fit` reduces, a scalar."""
        return batch_loss(self._loss, logits, labels, self._ignore_index)

    def clone_for_refitting(self) -> Self:
        """An untrained copy: same architecture, settings and kind of optimizer, weights drawn anew.

        Raises:
            InputError: see `reset`.
        """
        clone = copy.deepcopy(self)
        clone.reset()
        return clone

    def reset(self) -> None:
        """Draw the weights anew and forget what the optimizer remembers.

        Raises:
            InputError: a module has weights of its own and no `reset_parameters`.
        """
        reset_weights(self._model)
        if self._optimizer is not None:
            self._optimizer.state.clear()

    def save(self, filename: str, path: str | None = None) -> Path:
        """Write the weights of the model as safetensors and return the file.

        Args:
            filename: name of the file; ".safetensors" is added if it is missing.
            path: folder; None for ART's data folder.

        Raises:
            InputError: the file cannot be written.
        """
        file = self._file(filename, path)
        save_weights(self._model, file)
        return file

    def load(self, filename: str, path: str | None = None) -> None:
        """Read the weights that `save` wrote; args as there. No pickle is ever opened.

        Raises:
            InputError: the file is missing, unreadable, or of another architecture or scale
                of cosines.
        """
        load_weights(self._model, self._file(filename, path))

    @staticmethod
    def _file(filename: str, path: str | None) -> Path:
        name = filename if filename.endswith(".safetensors") else f"{filename}.safetensors"
        return Path(path or config.ART_DATA_PATH, name)

    def _check_images(self, x: Data) -> None:
        check_images(x, channels_first=self.channels_first)
        check_channels(x, self.input_shape, channels_first=self.channels_first)

    def _images(self, x: Data) -> Images:
        self._check_images(x)
        return self._unchecked(x)

    def _unchecked(self, x: Data) -> Images:
        """Part of an `x` that was checked as a whole."""
        return to_images(x, self.device, channels_first=self.channels_first)

    def _labels(self, y: Data, like: Tensor) -> Labels:
        return label_map(y, like, nb_classes=self.nb_classes, ignore_index=self.ignore_index)

    def _losses(self, logits: Logits, labels: Labels) -> PerImage:
        return image_losses(self.loss, logits, labels, self.ignore_index)

    def _reduced_loss(self, logits: Logits, y: Data, reduction: str) -> Tensor:
        if reduction not in REDUCTIONS:
            raise InputError(f"reduction is {reduction!r}; choose from {', '.join(REDUCTIONS)}.")
        return REDUCTIONS[reduction](self._losses(logits, self._labels(y, logits)))


SegmenterQueries = SegmenterTraining = PyTorchSegmenter
"""Names of two former bases; modules of earlier versions that moved here had them."""
