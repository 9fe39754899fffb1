"""The inner maximisation of adversarial training: an attack on the present model."""

from dataclasses import replace
from typing import Any

from art_segplugin.attacks import NamedAttack
from art_segplugin.attacks.registry import parameters
from art_segplugin.core.iterate import Attack, warn_without_gradient
from art_segplugin.core.losses import PixelLoss
from art_segplugin.core.types import Images
from art_segplugin.errors import InputError
from art_segplugin.models.segmenter import Segmenter
from art_segplugin.training.objective import TrainingBatch

_SIZES = ("eps", "step_size")


class InnerAttack:
    """An attack whose random starts belong to the images and whose radius may grow.

    It sees the model in evaluation mode, as the papers' code does, and leaves it in its own.

    Args:
        attack: The attack at its full radius.
        ignore_index: Label of the pixels that do not count.

    Raises:
        InputError: It has restarts, which would all begin at the one start of their image.
    """

    def __init__(self, attack: NamedAttack, ignore_index: int) -> None:
        restarts = attack.options.get("restarts", 1)
        if restarts != 1:
            raise InputError(
                f"restarts is {restarts} in {attack.name!r}; training starts each attack once: "
                "give 1, and more steps."
            )
        self.named = replace(attack, options=attack.options | {"ignore_index": ignore_index})
        self._values = {
            name: value for name, value in self.named.described().items() if name in _SIZES
        }
        self._looked = False
        self.build()

    @property
    def eps(self) -> float:
        """Full radius, images in [0, 1]."""
        return float(self._values["eps"])

    def described(self) -> dict[str, Any]:
        """Return its name and all of its values, as JSON can hold them."""
        return {"attack": self.named.name, **self.named.described()}

    def build(self, strength: float = 1.0, loss: PixelLoss | None = None) -> Attack:
        """Return the attack, with a share of its radius and step or another loss if wanted.

        Raises:
            InputError: Its recipe has a loss of its own, and another one is wanted.
        """
        changes: dict[str, Any] = {}
        if strength != 1:
            changes = {name: strength * value for name, value in self._values.items()}
        if loss is not None:
            usual = parameters(self.named.recipe).get("loss")
            if usual is None or isinstance(usual.default, str):
                raise InputError(
                    f"the attack is {self.named.name!r}, which has a loss of its own; give pgd-10, "
                    "whose loss can be replaced."
                )
            changes["loss"] = loss
        return self.named.build(**changes)

    def __call__(
        self, model: Segmenter, batch: TrainingBatch, loss: PixelLoss | None = None
    ) -> Images:
        """Return adversarial images of one batch: shape, dtype and device of its images.

        Warns of a gradient that is zero in the first batch; a run has thousands.
        """
        attack = self.build(batch.strength, loss)
        points = attack.iterates(
            model,
            batch.images,
            batch.labels,
            seeds=batch.seeds,
            final_forward=False,
            keep_logits=False,
        )
        for iterate in points:
            last = iterate
        if not self._looked:
            self._looked = True
            warn_without_gradient(last)
        return last.best
