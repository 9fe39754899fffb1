"""The attacks of `art_segplugin.attacks` in torchattacks' manner.

There is one class for each `AttackSpec` with a `class_name`, with the parameters of torchattacks' PGD
and the attack's own; the last lines make them. What type checkers read is `attacks.pyi`.
"""

import inspect
import math
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from art_segplugin.attacks import ATTACKS, AttackSpec
from art_segplugin.core.checks import check_unit
from art_segplugin.core.iterate import Attack, FittedAttack, fitted
from art_segplugin.core.threat_model import NORMS
from art_segplugin.core.types import NO_VOID, Images, Labels, PixelMask
from art_segplugin.docstrings import arguments, described
from art_segplugin.errors import renamed
from art_segplugin.wrappers.torchattacks.mixin import SegAttackMixin

RENAMED = {"step_size": "alpha"}
"""Parameters that torchattacks calls otherwise."""

_POSITIONAL = ("eps", "step_size", "steps", "random_start")
"""What torchattacks' PGD takes by position, in this order; without steps eps alone."""
_FROM_ELSEWHERE = ("targeted", "bounds")


class FactoryAttack(SegAttackMixin):
    """Runs an attack of `art_segplugin.attacks` and computes nothing itself.

    Equal to the attack's factory bit for bit. An attack that has to be fitted is fitted to the batch.

    Args:
        model: images -> logits: (n, c) of a classifier, or of a segmentation model in any form that
            `art_segplugin.models.Segmenter` understands.
        eps: radius in units of [0, 1]; a tensor or array (n,) for one per image.
        alpha: length of the first step, and of all where the schedule is "constant"; likewise. None
            for twice eps where it falls, in Linf at most 1, else for a quarter of eps, in Linf at most
            2/255.
        norm: 1, 2 or inf (also "L1", "L2", "Linf").
        ignore_index: label of void pixels in label maps.
    """

    takes_image_labels = True
    spec: ClassVar[AttackSpec]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        given = inspect.signature(type(self)).bind(*args, **kwargs)
        given.apply_defaults()
        values = dict(given.arguments)
        name, void = type(self).__name__, values.pop("ignore_index", 255)
        super().__init__(name, values.pop("model"), ignore_index=void)
        self.supported_mode = ["default", "targeted"]
        for name, value in values.items():
            setattr(self, name, value)
        self.build()  # a bad value is said here rather than at the first batch
        self._check_units()

    def build(self) -> Attack | FittedAttack:
        """The attack that the present attributes describe."""
        known = self.spec.class_parameters
        options = {
            name: _size(getattr(self, RENAMED.get(name, name)))
            for name in known
            if name not in (*_FROM_ELSEWHERE, "ignore_index")
        }
        if "ignore_index" in known:
            options["ignore_index"] = NO_VOID if self._image_labels else self.ignore_index
        if "targeted" in known:
            options["targeted"] = self.targeted
        assert self.spec.wrapped is not None
        with renamed(RENAMED):
            made: Attack | FittedAttack = self.spec.wrapped(**options)
        return made

    def _check_units(self) -> None:
        norm = NORMS.get(getattr(self, "norm", None))
        for name in ("eps", "alpha") if norm == math.inf else ():
            check_unit(name, _size(getattr(self, name, None)), (0.0, 1.0), norm, setting=None)

    def forward(self, images: Images, labels: Labels, *, mask: PixelMask | None = None) -> Images:
        """Adversarial images for images in [0, 1].

        Args:
            images: (n, ch, h, w).
            labels: (n, h, w), or (n,) for a classifier.
            mask: (n, h, w) True where pixels may be changed; None for everywhere.

        Raises:
            InputError: a value outside its range, or a mask of another shape.
        """
        if self.targeted:
            labels = self.get_target_label(images, labels)
        mask = None if mask is None else mask.to(images.device)
        if labels.ndim == 1:
            labels = labels[:, None, None]
        self._check_units()
        model = _Logits(self)
        attack = fitted(self.build(), model, [(images, labels)])
        with renamed(RENAMED):
            for iterate in attack.iterates(
                model, images, labels, mask=mask, final_forward=False, keep_logits=False
            ):
                last = iterate
        if last.without_gradient is not None:
            self._say_zero(last.without_gradient)
        return last.best


class _Logits:
    """The attack's `get_logits` as the core calls it; of a classifier, a label map of one pixel."""

    def __init__(self, attack: FactoryAttack) -> None:
        self._attack = attack

    @property
    def module(self) -> nn.Module:
        """The model, whose layers a loss may read. Its mode is chosen by the attack's user."""
        module: nn.Module = self._attack.model
        return module

    def __call__(self, images: Images) -> Tensor:
        """Logits (n, c, h, w), or (n, c, 1, 1)."""
        logits = self._attack.get_logits(images)
        return logits[..., None, None] if logits.ndim == 2 else logits


def _size(value: Any) -> Any:
    """Several numbers as a tensor; one of NumPy or torch as Python's; everything else as it is."""
    if isinstance(value, list | tuple) or getattr(value, "ndim", 0):
        return torch.as_tensor(value)
    return value.item() if hasattr(value, "item") else value


def signature_of(spec: AttackSpec) -> inspect.Signature:
    """The parameters of an attack's class: those of torchattacks' PGD that it has, then the others."""
    known = spec.class_parameters
    positional = _POSITIONAL if "steps" in known else _POSITIONAL[:1]
    first = [name for name in positional if name in known]
    others = [name for name in known if name not in (*first, *_FROM_ELSEWHERE)]

    def parameter(name: str, kind: Any) -> inspect.Parameter:
        found = known[name]
        default = "Linf" if name == "norm" else found.default
        return found.replace(name=RENAMED.get(name, name), kind=kind, default=default)

    return inspect.Signature(
        [
            inspect.Parameter("model", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Any),
            *(parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in first),
            *(parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in others),
        ]
    )


_SHAPES = """    Shape:
        - images: (n, ch, h, w), in [0, 1] unless `set_normalization_used` was called.
        - labels: (n, h, w) class indices; or (n,) if the model is a classifier.
        - output: as images.

    Raises:
        InputError: a value outside its range.
"""


def class_of(spec: AttackSpec, module: str) -> type[FactoryAttack]:
    """The class of an attack.

    Args:
        spec: of the attack.
        module: where the class is to be found by its name, for pickle.
    """
    assert spec.wrapped is not None
    assert spec.class_name is not None
    signature = signature_of(spec)
    renamed = {RENAMED.get(k, k): v for k, v in arguments(spec.wrapped.__doc__).items()}
    explained = renamed | arguments(FactoryAttack.__doc__)
    documented = described({name: explained[name] for name in signature.parameters})
    example = f"    Examples::\n        >>> adv_images = {spec.class_name}(model)(images, labels)"
    parts = (spec.summary, f"    {spec.paper}", documented, _SHAPES.rstrip(), example)
    attributes = {
        "__module__": module,
        "__doc__": "\n\n".join(parts) + "\n    ",
        "__signature__": signature,
        "spec": spec,
    }
    return type(spec.class_name, (FactoryAttack,), attributes)


CLASSES = {
    spec.class_name: class_of(spec, __name__) for spec in ATTACKS.values() if spec.class_name
}
"""The attacks' classes by name, which are in this module by these names too."""
globals().update(CLASSES)

__all__ = [*CLASSES]
