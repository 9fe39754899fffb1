"""A PyTorch segmentation model as an ART estimator."""

from typing import Any, ClassVar

import numpy as np
import torch
from art.defences.postprocessor import Postprocessor
from art.defences.preprocessor import Preprocessor
from art.estimators.pytorch import PyTorchEstimator
from art.preprocessing.standardisation_mean_std.pytorch import StandardisationMeanStdPyTorch
from torch import nn

from art_segplugin.core.modes import in_mode
from art_segplugin.core.types import Images, Logits
from art_segplugin.errors import InputError
from art_segplugin.models import Segmenter
from art_segplugin.wrappers.art.losses import Loss
from art_segplugin.wrappers.art.preprocessing import float_type, preprocessed, refuse_unsuitable
from art_segplugin.wrappers.art.segmenter_mixin import SegmenterMixin
from art_segplugin.wrappers.art.sizes import whole_number
from art_segplugin.wrappers.art.training import SegmenterTraining

__all__ = ["PyTorchSegmenter", "SegmenterMixin"]


class PyTorchSegmenter(SegmenterTraining):
    """A segmentation model for ART's attacks, defences and trainers.

    Images `x` are (n, ch, h, w), or (n, h, w, ch) without `channels_first`, in the range of
    `clip_values`; logits are always (n, nb_classes, h, w). Labels `y` are class indices (n, h, w) or
    (n, 1, h, w) with `ignore_index` on void pixels, or one-hot labels or logits
    (n, nb_classes, h, w). Arrays give float32 arrays, tensors give tensors on their own device.

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
        self._ignore_index = ignore_index
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
        self._nb_classes = whole_number("nb_classes", self._nb_classes, least=2)
        if self._input_shape is None or len(self._input_shape) != 3:
            raise InputError(
                f"input_shape is {self._input_shape!r}; give the shape of one image, "
                "such as (3, 360, 480)."
            )
        channels = self._input_shape[0 if self.channels_first else 2]
        self._segmenter = Segmenter(
            self._model, classes=self._nb_classes, mean=[0.0] * channels, std=[1.0] * channels
        ).to(self._device)
        if self._loss is None:
            self._loss = nn.CrossEntropyLoss(ignore_index=self._ignore_index, reduction="none")
        if isinstance(self._loss, nn.Module):
            self._loss.to(self._device)

    def set_params(self, **kwargs: Any) -> None:
        """Set parameters of the constructor; a mean per channel follows `channels_first`.

        Args:
            **kwargs: their new values.

        Raises:
            TypeError, InputError: as in the constructor.
        """
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

    def logits(self, images: Images, training_mode: bool = False) -> Logits:
        """Differentiable logits (n, nb_classes, h, w) of raw images (n, ch, h, w) on `device`.

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
        with in_mode(self._model, training=training_mode):
            return self._segmenter(images.to(float_type(self._model)))
