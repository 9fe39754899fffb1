"""torchattacks' own attacks, unmodified, on label maps."""

import contextlib
import functools
import inspect
import math
from collections.abc import Iterator
from typing import Any

import torch
import torchattacks
from torch import nn
from torchattacks.attack import Attack

from art_segplugin.core.checks import check_unit
from art_segplugin.core.forward_pass import graph_explained
from art_segplugin.core.threat_model import check_size, per_image
from art_segplugin.core.types import Images, Labels, Logits, PerImageMask
from art_segplugin.errors import InputError
from art_segplugin.wrappers.torchattacks.mixin import SegAttackMixin

CROSS_ENTROPY_VOID = -100
"""The label that torch's cross-entropy, and with it torchattacks, leaves out by default."""

WORKING = (
    "BIM",
    "EOTPGD",
    "FFGSM",
    "FGSM",
    "GN",
    "MIFGSM",
    "NIFGSM",
    "PGD",
    "PGDL2",
    "PIFGSM",
    "PIFGSMPP",
    "RFGSM",
    "SINIFGSM",
    "TPGD",
    "UPGD",
    "VANILA",
    "VMIFGSM",
    "VNIFGSM",
)
"""Names of the attacks that only ask for a loss of the logits."""

_WHOLE_IMAGES = "it keeps or drops whole images by whether their one label is met"
_LAST_AXIS = "it looks for the classes on the last axis of the logits, which is the width"
_MOVES = "it shrinks and shifts the image and not its label map, so that they no longer match"
_ONE_HOT = "it multiplies the logits with one-hot labels whose classes are on the last axis"
_ONE_LABEL = "it searches until the one label of an image changes"

REFUSED = {
    "APGD": _WHOLE_IMAGES,
    "APGDT": _WHOLE_IMAGES,
    "AutoAttack": _WHOLE_IMAGES,
    "CW": _ONE_HOT,
    "DIFGSM": _MOVES,
    "DeepFool": _ONE_LABEL,
    "EADEN": _ONE_HOT,
    "EADL1": _ONE_HOT,
    "FAB": _WHOLE_IMAGES,
    "JSMA": _ONE_LABEL,
    "Jitter": _LAST_AXIS,
    "LGV": "it trains models and attacks them from inside; give it attack_class=for_segmentation("
    "torchattacks.BIM), ignore_index=-100, and labels through to_torchattacks_labels",
    "MultiAttack": "it stops at the first wrong label; use SegMultiAttack",
    "OnePixel": _ONE_LABEL,
    "PGDRS": _LAST_AXIS,
    "PGDRSL2": _LAST_AXIS,
    "Pixle": _ONE_LABEL,
    "SPSA": _LAST_AXIS,
    "SparseFool": _ONE_LABEL,
    "Square": _WHOLE_IMAGES,
    "TIFGSM": _MOVES,
}
"""Why the other attacks cannot be brought to label maps."""


def to_torchattacks_labels(labels: Labels, ignore_index: int = 255) -> Labels:
    """A copy of `labels` with void pixels marked as torchattacks' loss expects it.

    Args:
        labels: integers (n, h, w).
        ignore_index: label of void pixels in `labels`.

    Returns:
        int64 (n, h, w), void pixels -100.
    """
    labels = labels.long()  # 8 bits would wrap a negative ignore_index
    return labels.masked_fill(labels == ignore_index, CROSS_ENTROPY_VOID)


class Unmodified(SegAttackMixin):
    """Before a torchattacks attack in the order of bases: translates void labels for it."""

    _moved: PerImageMask | None = None  # of the call in progress: images with a gradient so far

    def get_logits(self, inputs: Images, *args: Any, **kwargs: Any) -> Logits:
        """As in `SegAttackMixin`; which images have a gradient is seen in the backward pass."""
        if inputs.requires_grad:
            inputs = inputs.clone()
            inputs.register_hook(self._see)  # type: ignore[no-untyped-call]
        return super().get_logits(inputs, *args, **kwargs)

    def _see(self, gradient: Images) -> None:
        moved = gradient.flatten(1).ne(0).any(1)
        self._moved = moved if self._moved is None else self._moved | moved

    def forward(self, images: Images, labels: Labels | None = None) -> Images:
        """The attack's own forward; images without a valid pixel come back as they are.

        Raises:
            InputError: a loss of UPGD that cannot handle label maps, or a radius or step above 1.
        """
        if getattr(self, "loss", "ce") in ("dlr", "margin"):
            raise InputError(
                f"loss is {self.loss!r}, which UPGD computes for one label per image; use 'ce'."
            )
        if not isinstance(self, torchattacks.PGDL2):
            for name in ("eps", "alpha", "max_epsilon"):
                if name in vars(self):
                    check_size(name, vars(self)[name])
                    check_unit(name, vars(self)[name], (0.0, 1.0), math.inf, setting=None)
        self._moved = None
        try:
            return self._attacked(images, labels)
        finally:
            self._moved = None

    def _attacked(self, images: Images, labels: Labels | None) -> Images:
        with _weights_frozen(self.model), graph_explained():
            if labels is None:
                return super().forward(images)
            void = labels == self.ignore_index
            labels = to_torchattacks_labels(labels, self.ignore_index)
            if self.targeted and isinstance(self, torchattacks.PIFGSMPP):
                labels = self.get_target_label(images, labels)  # it takes the labels for targets
            adv_images = super().forward(images, labels)
            nothing_counts = void.flatten(1).all(1)
            if self._moved is not None:
                self._say_zero(~self._moved & ~nothing_counts)
            # Where nothing counts the gradient is 0, and attacks that normalise it return NaN.
            return torch.where(per_image(nothing_counts, images), images, adv_images)

    def get_target_label(self, inputs: Images, labels: Labels | None = None) -> Labels:
        """As in `SegAttackMixin`, for and with void pixels of -100."""
        if labels is not None:
            labels = labels.masked_fill(labels == CROSS_ENTROPY_VOID, self.ignore_index)
        return to_torchattacks_labels(super().get_target_label(inputs, labels), self.ignore_index)


@functools.cache
def for_segmentation(attack: type[Attack]) -> Any:
    """Bring an unmodified torchattacks attack to label maps.

    The class returned has the parameters of `attack` and `ignore_index=255`. It takes labels
    (n, h, w), leaves void pixels out of the loss, understands the outputs of segmentation models and
    leaves the gradients of the weights alone. Attacks that use no labels (GN, TPGD, VANILA) do not
    know of void pixels.

    Args:
        attack: one of BIM, EOTPGD, FFGSM, FGSM, GN, MIFGSM, NIFGSM, PGD, PGDL2, PIFGSM, PIFGSMPP,
            RFGSM, SINIFGSM, TPGD, UPGD, VANILA, VMIFGSM and VNIFGSM of torchattacks.

    Raises:
        InputError: another attack, with the reason why it cannot work.

    Examples::
        >>> attack = for_segmentation(torchattacks.MIFGSM)(model, eps=8 / 255, steps=10)
        >>> adv_images = attack(images, labels)
    """
    name = getattr(attack, "__name__", repr(attack))
    if attack is not getattr(torchattacks, name, None) or name not in (*WORKING, *REFUSED):
        raise InputError(
            f"{name} is no attack class of torchattacks; to bring your own to label maps, write "
            "its forward in a subclass of SegAttackMixin."
        )
    if name in REFUSED:
        raise InputError(f"torchattacks.{name} cannot attack label maps: {REFUSED[name]}.")
    signature = inspect.signature(attack)
    void = inspect.Parameter("ignore_index", inspect.Parameter.KEYWORD_ONLY, default=255)
    labels = inspect.signature(attack.forward).parameters["labels"]
    attributes = {
        "__module__": __name__,  # where pickle finds it again, see __getattr__
        "__doc__": f"torchattacks.{name} on label maps, see `for_segmentation`.",
        "__signature__": signature.replace(parameters=[*signature.parameters.values(), void]),
        "needs_labels": labels.default is labels.empty,
        "asks_model": name not in ("GN", "VANILA"),
    }
    return type(name, (Unmodified, attack), attributes)


def __getattr__(name: str) -> Any:
    """The classes that `for_segmentation` makes, by the name of their attack."""
    if name in WORKING:
        return for_segmentation(getattr(torchattacks, name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@contextlib.contextmanager
def _weights_frozen(model: object) -> Iterator[None]:
    """PIFGSM and PIFGSMPP call backward(), which would add to the gradients of the weights."""
    weights = list(model.parameters()) if isinstance(model, nn.Module) else []
    trained = [weight for weight in weights if weight.requires_grad]
    try:
        for weight in trained:
            weight.requires_grad_(False)
        yield
    finally:
        for weight in trained:
            weight.requires_grad_(True)
