"""ART estimators with hypersphere embedding: logits s * cos(theta), a margin in training."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from art import config
from art.data_generators import DataGenerator, PyTorchDataGenerator
from art.defences.postprocessor import Postprocessor
from art.defences.preprocessor import Preprocessor
from art.estimators.classification import PyTorchClassifier
from torch import Tensor, nn

from art_segplugin.core.types import Labels, Logits
from art_segplugin.errors import InputError
from art_segplugin.heads.convert import to_hypersphere
from art_segplugin.heads.hypersphere import (
    DEFAULT_SCALE,
    HypersphereHead,
    checked_scale,
    hypersphere_head,
    with_margin,
)
from art_segplugin.heads.last_layer import check_is_last
from art_segplugin.wrappers.art.arrays import Data, to_tensor
from art_segplugin.wrappers.art.estimator import PyTorchSegmenter
from art_segplugin.wrappers.art.labels import image_labels
from art_segplugin.wrappers.art.losses import Loss
from art_segplugin.wrappers.art.parameters import restored_on_error
from art_segplugin.wrappers.art.sizes import whole_number
from art_segplugin.wrappers.art.training_loop import holds, optimizer_of
from art_segplugin.wrappers.art.weights import load_art_files

DEFAULT_MARGIN = 0.2
"""Margin m of PGD and TRADES in the official code of arXiv:2002.08619."""


class HypersphereMixin:
    """The head of an estimator (arXiv:2002.08619); mix it in before the estimator.

    The model's outputs are s * cos(theta) for everybody who asks, attacks included. The margin m is
    in the loss of training only.
    """

    hypersphere_params: Sequence[str] = ("scale", "margin", "layer")
    model: nn.Module
    nb_classes: int
    _scale: float | None = None
    _margin: float = DEFAULT_MARGIN
    _layer: str | None = None

    @property
    def head(self) -> HypersphereHead:
        """The last layer."""
        head = hypersphere_head(self.model)
        assert head is not None, "the constructor sees to it"
        return head

    @property
    def scale(self) -> float:
        """s; the logits are between -s and s. Setting it changes the model's head."""
        return self.head.scale

    @scale.setter
    def scale(self, scale: float) -> None:
        self._scale = checked_scale(scale)
        head = hypersphere_head(self.model)
        if head is not None:
            head.scale = self._scale

    @property
    def margin(self) -> float:
        """m, in units of the cosine."""
        return self._margin

    @property
    def layer(self) -> str | None:
        """Name of the last layer that was given."""
        return self._layer

    def set_params(self, **kwargs: Any) -> None:
        """Set parameters of the constructor, all of them or none.

        Args:
            **kwargs: Their new values.

        Raises:
            ValueError: There is no such parameter.
            TypeError, InputError: As in the constructor.
        """
        head, scale = self.head, self.scale
        try:
            with restored_on_error(self):
                super().set_params(**kwargs)  # type: ignore[misc]
        except BaseException:
            head.scale = scale
            raise

    def _check_optimizer(self) -> None:
        """Refuse an optimizer that is still that of another model, or leaves the head out."""
        check_head_is_trained(self.head, optimizer_of(self, self.model))

    def _converted(self, model: nn.Module) -> nn.Module:
        """Return a model with a hypersphere head; its last layer is replaced in place.

        Raises:
            InputError: The layer cannot be found or replaced, or the margin is no number >= 0.
        """
        nowhere = torch.zeros(0, 1, 1, 1)
        with_margin(nowhere, nowhere[:, 0].long(), 1.0, self._margin)  # refuses other margins
        head = hypersphere_head(model)
        if head is not None:
            self._scale = head.scale
            return model
        if self._scale is None:
            self._scale = DEFAULT_SCALE
        return to_hypersphere(model, self.nb_classes, self._scale, self._layer)


class PyTorchHypersphereSegmenter(HypersphereMixin, PyTorchSegmenter):
    """A segmenter whose logits are s * cos(theta), trained with a margin (arXiv:2002.08619).

    The last layer of the model is replaced in place and keeps its weight, the very parameter, so that
    an optimizer made before still holds it; what the bias did is gone. `fit` and the trainers lower the
    label's logit by s * m first; `predict`, `loss_gradient`, `compute_loss` and attacks do not, and
    never see cosines without the scale.

    Args:
        model: As all parameters that are not listed here, see `PyTorchSegmenter`. Its predictions
            change unless it has a hypersphere head already: it is to be trained further.
        loss: A `torch.nn.CrossEntropyLoss`; None for that of each pixel.
        scale: s; None for that of the model's head, or 15 for a model without one.
        margin: m, in units of the cosine; 0 for none.
        layer: Dotted name of the last layer, where it cannot be found.

    Raises:
        TypeError, InputError: As `PyTorchSegmenter`; or the loss is another one, the last layer cannot
            be found or replaced, the model has a head of another scale, or the optimizer does not hold its weight.
    """

    estimator_params: ClassVar[list[str]] = [
        *PyTorchSegmenter.estimator_params,
        *HypersphereMixin.hypersphere_params,
    ]
    _model: nn.Module

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
        scale: float | None = None,
        margin: float = DEFAULT_MARGIN,
        layer: str | None = None,
    ) -> None:
        refuse_another_scale(model, scale)
        self._scale, self._margin, self._layer = scale, margin, layer
        super().__init__(
            model,
            loss,
            input_shape,
            nb_classes,
            optimizer,
            ignore_index,
            channels_first,
            clip_values,
            preprocessing_defences,
            postprocessing_defences,
            preprocessing,
            device_type,
        )
        check_head_is_trained(self.head, optimizer)
        image = torch.zeros(1, *self.input_shape, device=self.device)
        image = image if self.channels_first else image.permute(0, 3, 1, 2)
        check_is_last(self._segmenter, image)

    def _check_params(self) -> None:
        super()._check_params()
        check_loss(self._loss)
        model = self._converted(self._model)
        if model is not self._model:  # it was nothing but a layer
            self._model = model
            super()._check_params()

    def _train(self, *args: Any, **kwargs: Any) -> None:
        self._check_optimizer()
        super()._train(*args, **kwargs)

    def _training_loss(self, logits: Logits, labels: Labels) -> Tensor:
        lowered = with_margin(logits, labels, self.scale, self.margin, self.ignore_index)
        return super()._training_loss(lowered, labels)


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
        check_is_last(self.model, torch.zeros(1, *self.input_shape, device=self.device))

    def _check_params(self) -> None:
        """Check everything, after construction and after `set_params`."""
        super()._check_params()
        check_loss(self._loss)
        converted = self._converted(self.model)
        if converted is not self.model:  # it was nothing but a layer
            self._model = self._wrapped(converted)

    def set_params(self, **kwargs: Any) -> None:
        """Set parameters of the constructor, all or none; a model gets its hypersphere head, too.

        Args:
            **kwargs: Their new values.

        Raises:
            ValueError: There is no such parameter.
            TypeError, InputError: As in the constructor.
        """
        if "model" in kwargs:  # ART would not wrap it
            kwargs["model"] = self._wrapped(kwargs["model"])
        super().set_params(**kwargs)

    def _wrapped(self, model: nn.Module) -> nn.Module:
        return self._make_model_wrapper(model).to(self._device)

    def fit(self, x: Data, y: Data, *args: Any, **kwargs: Any) -> None:
        """Train with the margin; arguments and errors are those of ART's `PyTorchClassifier.fit`.

        Raises:
            InputError: The optimizer does not hold the model's weights, that of its last layer above
                all.
        """
        with self._margin_in_loss():
            super().fit(x, y, *args, **kwargs)

    def fit_generator(self, generator: DataGenerator, *args: Any, **kwargs: Any) -> None:
        """Train with the margin; as ART's `PyTorchClassifier.fit_generator`, but labels as for `fit`.

        Raises:
            InputError: As `fit`; or labels that do not fit.
        """
        if isinstance(generator, PyTorchDataGenerator):
            generator = copy(generator)
            generator._iterator = _OneHotLabels(generator._iterator, self.nb_classes)
        with self._margin_in_loss():
            super().fit_generator(generator, *args, **kwargs)

    def load(self, filename: str, path: str | None = None) -> None:
        """Read the weights that `save` wrote, and the optimizer's state where both have one.

        The scale is not among them: give it to the constructor. The optimizer's state, in which the
        learning rate is, is left out with a warning where it does not fit. No code of a pickle is ever
        run.

        Args:
            filename: Name of the file, as given to `save`.
            path: Folder; None for ART's data folder.

        Raises:
            InputError: A file is missing, unreadable, or of another architecture; nothing has been changed
                then.
        """
        load_art_files(self.model, self._optimizer, Path(path or config.ART_DATA_PATH, filename))

    @contextmanager
    def _margin_in_loss(self) -> Iterator[None]:
        self._check_optimizer()
        before = self._loss
        if not isinstance(before, _MarginLoss):  # fit_generator may call fit
            self._loss = _MarginLoss(before, self.scale, self.margin)
        try:
            yield
        finally:
            self._loss = before


class _OneHotLabels:
    """A loader whose labels ART can take the largest of, as it always does."""

    def __init__(self, loader: Iterable[tuple[Data, Data]], nb_classes: int) -> None:
        self._loader, self._nb_classes = loader, nb_classes

    def __iter__(self) -> Iterator[tuple[Data, Tensor]]:
        for x, y in self._loader:
            images = to_tensor(x, torch.device("cpu"))
            labels = image_labels(y, images, nb_classes=self._nb_classes)
            yield x, F.one_hot(labels.flatten(), self._nb_classes)


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


def refuse_another_scale(model: Any, scale: float | None) -> None:
    """Refuse a scale that is not that of the model's head.

    Raises:
        InputError: It differs, or is not a finite number > 0.
    """
    head = hypersphere_head(model) if isinstance(model, nn.Module) else None
    if scale is not None and checked_scale(scale) != (head.scale if head else scale):
        raise InputError(
            f"scale is {scale} and the model has a hypersphere head of scale {head and head.scale}; "
            "leave scale out, or change it afterwards by set_params(scale=...)."
        )


def check_loss(loss: Any) -> None:
    """Refuse what is not the cross-entropy of logits, from which the margin is taken.

    Raises:
        InputError: It is another loss.
    """
    if not isinstance(loss, nn.CrossEntropyLoss):
        raise InputError(
            f"loss is a {type(loss).__name__}; hypersphere embedding is trained with "
            "torch.nn.CrossEntropyLoss."
        )


def check_head_is_trained(head: nn.Module, optimizer: torch.optim.Optimizer | None) -> None:
    """Refuse an optimizer that would leave the head as it is.

    Raises:
        InputError: The head's weight is to be trained and the optimizer does not hold it.
    """
    weight: Any = head.weight
    if optimizer is not None and weight.requires_grad and not holds(optimizer, weight):
        raise InputError(
            "the optimizer does not hold the weight of the model's last layer; make it of "
            "model.parameters(), or freeze that weight by requires_grad_(False)."
        )
