"""A classifier with hypersphere embedding as an ART estimator."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import torch
from art.data_generators import DataGenerator
from art.defences.postprocessor import Postprocessor
from art.defences.preprocessor import Preprocessor
from art.estimators.classification import PyTorchClassifier
from torch import Tensor, nn

from art_segplugin.errors import InputError
from art_segplugin.heads.margins import with_margin
from art_segplugin.wrappers.art.arrays import Data
from art_segplugin.wrappers.art.hypersphere import (
    DEFAULT_MARGIN,
    HypersphereMixin,
    check_head_is_trained,
    refuse_another_scale,
)
from art_segplugin.wrappers.art.sizes import whole_number


class PyTorchHypersphereClassifier(HypersphereMixin, PyTorchClassifier):
    """ART's classifier, with logits s * cos(theta) and a margin in training (arXiv:2002.08619).

    The last layer of the model is replaced in place and keeps its weight, the very parameter, so that
    an optimizer made before still holds it; what the bias did is gone. `fit` and the trainers of this
    package lower the label's logit by s * m first; `predict`, `loss_gradient`, `compute_loss` and
    attacks do not, and never see cosines without the scale. ART's own trainers that ask for the loss
    themselves (TRADES, AWP, OAAT, FBF) train without the margin.

    Args:
        model: As all parameters that are not listed here, see ART's `PyTorchClassifier`. Its
            predictions change unless it has a hypersphere head already: it is to be trained further.
        loss: A `torch.nn.CrossEntropyLoss`; None for one without options.
        scale: s; None for that of the model's head, or 15 for a model without one.
        margin: m, in units of the cosine; 0 for none.
        layer: Dotted name of the last layer, where it cannot be found.

    Raises:
        TypeError: nb_classes is no whole number.
        InputError: The loss is another one, the last layer cannot be found or replaced, the model has
            a head of another scale, or the optimizer does not hold its weight.
    """

    estimator_params: ClassVar[list[str]] = [
        *PyTorchClassifier.estimator_params,
        *HypersphereMixin.hypersphere_params,
    ]
    _loss: Any

    def __init__(
        self,
        model: nn.Module,
        loss: nn.CrossEntropyLoss | None = None,
        input_shape: tuple[int, ...] = (),
        nb_classes: int = 0,
        optimizer: torch.optim.Optimizer | None = None,
        use_amp: bool = False,
        opt_level: str = "O1",
        loss_scale: float | str | None = "dynamic",
        channels_first: bool = True,
        clip_values: tuple[Any, Any] | None = None,
        preprocessing_defences: Preprocessor | list[Preprocessor] | None = None,
        postprocessing_defences: Postprocessor | list[Postprocessor] | None = None,
        preprocessing: tuple[Any, Any] | Preprocessor | None = (0.0, 1.0),
        device_type: str = "gpu",
        scale: float | None = None,
        margin: float = DEFAULT_MARGIN,
        layer: str | None = None,
    ) -> None:
        refuse_another_scale(model, scale)
        self._scale, self._margin, self._layer = scale, margin, layer
        super().__init__(
            model,
            nn.CrossEntropyLoss() if loss is None else loss,
            input_shape,
            whole_number("nb_classes", nb_classes, least=2),
            optimizer,
            use_amp,
            opt_level,
            loss_scale,
            channels_first,
            clip_values,
            preprocessing_defences,
            postprocessing_defences,
            preprocessing,
            device_type,
        )
        self._check_params()
        check_head_is_trained(self.head, optimizer)

    def _check_params(self) -> None:
        """Check everything, after construction and after `set_params`."""
        super()._check_params()
        if not isinstance(self._loss, nn.CrossEntropyLoss):
            raise InputError(
                f"loss is a {type(self._loss).__name__}; hypersphere embedding is trained with "
                "torch.nn.CrossEntropyLoss."
            )
        converted = self._converted(self.model)
        if converted is not self.model:  # it was nothing but a layer
            self._model = self._wrapped(converted)

    def set_params(self, **kwargs: Any) -> None:
        """Set parameters of the constructor; a model gets its hypersphere head, too.

        Args:
            **kwargs: Their new values.

        Raises:
            TypeError, InputError: As in the constructor.
        """
        if "model" in kwargs:  # ART would not wrap it
            kwargs["model"] = self._wrapped(kwargs["model"])
        super().set_params(**kwargs)

    def _wrapped(self, model: nn.Module) -> nn.Module:
        return self._make_model_wrapper(model).to(self._device)

    def fit(self, x: Data, y: Data, *args: Any, **kwargs: Any) -> None:
        """Train with the margin; arguments and errors are those of ART's `PyTorchClassifier.fit`."""
        with self._margin_in_loss():
            super().fit(x, y, *args, **kwargs)

    def fit_generator(self, generator: DataGenerator, *args: Any, **kwargs: Any) -> None:
        """Train with the margin; as ART's `PyTorchClassifier.fit_generator`."""
        with self._margin_in_loss():
            super().fit_generator(generator, *args, **kwargs)

    @contextmanager
    def _margin_in_loss(self) -> Iterator[None]:
        before = self._loss
        if not isinstance(before, _MarginLoss):  # fit_generator may call fit
            self._loss = _MarginLoss(before, self.scale, self.margin)
        try:
            yield
        finally:
            self._loss = before


class _MarginLoss(nn.Module):
    """A cross-entropy of lowered logits (n, c), for classes (n,) or probabilities (n, c)."""

    def __init__(self, loss: nn.CrossEntropyLoss, scale: float, margin: float) -> None:
        super().__init__()
        self._loss, self._scale, self._margin = loss, scale, margin

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        if labels.is_floating_point():
            return self._loss(logits - self._scale * self._margin * labels, labels)
        maps = logits[..., None, None], labels[:, None, None]
        lowered = with_margin(*maps, self._scale, self._margin, self._loss.ignore_index)
        return self._loss(lowered.flatten(1), labels)
