"""A classifier with hypersphere embedding as an ART estimator."""

from collections.abc import Iterable, Iterator
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

from art_segplugin.heads.hypersphere import with_margin
from art_segplugin.heads.last_layer import check_is_last
from art_segplugin.wrappers.art.arrays import Data, to_tensor
from art_segplugin.wrappers.art.hypersphere import (
    DEFAULT_MARGIN,
    HypersphereMixin,
    check_head_is_trained,
    check_loss,
    refuse_another_scale,
)
from art_segplugin.wrappers.art.labels import image_labels
from art_segplugin.wrappers.art.sizes import whole_number
from art_segplugin.wrappers.art.weights import load_art_files


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
