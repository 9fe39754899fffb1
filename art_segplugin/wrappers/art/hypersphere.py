"""What ART estimators with hypersphere embedding share: a head, its scale and the training's margin."""

from collections.abc import Sequence
from copy import copy
from typing import Any

import torch
from torch import nn

from art_segplugin.errors import InputError
from art_segplugin.heads.convert import to_hypersphere
from art_segplugin.heads.hypersphere import (
    DEFAULT_SCALE,
    HypersphereHead,
    checked_scale,
    hypersphere_head,
    with_margin,
)
from art_segplugin.wrappers.art.training_loop import holds, optimizer_of

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
        # ART sets them one by one, checks them last, and changes its lists in place.
        before = {
            name: copy(value) if isinstance(value, list) else value
            for name, value in vars(self).items()
        }
        head, scale = self.head, self.scale
        try:
            super().set_params(**kwargs)  # type: ignore[misc]
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
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
        _check_margin(self._margin)
        head = hypersphere_head(model)
        if head is not None:
            self._scale = head.scale
            return model
        if self._scale is None:
            self._scale = DEFAULT_SCALE
        return to_hypersphere(model, self.nb_classes, self._scale, self._layer)


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


def _check_margin(margin: float) -> None:
    nowhere = torch.zeros(0, 1, 1, 1)
    with_margin(nowhere, nowhere[:, 0].long(), 1.0, margin)
