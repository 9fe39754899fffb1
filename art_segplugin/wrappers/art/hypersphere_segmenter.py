"""A segmentation model with hypersphere embedding as an ART estimator."""

from typing import Any, ClassVar

import torch
from art.defences.postprocessor import Postprocessor
from art.defences.preprocessor import Preprocessor
from torch import Tensor, nn

from art_segplugin.core.types import Labels, Logits
from art_segplugin.heads.hypersphere import with_margin
from art_segplugin.heads.last_layer import check_is_last
from art_segplugin.wrappers.art.hypersphere import (
    DEFAULT_MARGIN,
    HypersphereMixin,
    check_head_is_trained,
    check_loss,
    refuse_another_scale,
)
from art_segplugin.wrappers.art.losses import Loss
from art_segplugin.wrappers.art.preprocessing import float_type
from art_segplugin.wrappers.art.pytorch_segmenter import PyTorchSegmenter


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
        check_is_last(self._segmenter, image.to(float_type(self._model)))

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
