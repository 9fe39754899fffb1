"""What `train` minimises and what it judges by, from the words of the command line."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from art_segplugin.attacks import NamedAttack, named
from art_segplugin.cli.class_robustness import measured_weights
from art_segplugin.cli.options import number, threat_model
from art_segplugin.errors import InputError
from art_segplugin.training import (
    OBJECTIVES,
    Objective,
    WeightedCrossEntropy,
    inner_attack,
    make_objective,
)
from art_segplugin.training.objectives import usual_of
from art_segplugin.training.trainer import ObjectiveMaker

ONE_STEP = ("free-at", "fast-at")
"""A model can learn to withstand their one step and nothing else; only more steps show it."""
JUDGE = "pgd-7"
EPS = "8/255"


@dataclass(frozen=True)
class ObjectiveWords:
    """The options about the objective as they were typed; None and False where they were not.

    Attributes:
        name: One of `art_segplugin.training.OBJECTIVES`.
        attack: What to learn from, "recipe-steps".
        eps: Radius of all attacks, a number or a fraction.
        step_size: Length of the steps of `attack`.
        half: Attack every other image only.
        weight: Factor of the second term.
        replays: Steps for which a batch is kept.
        val_attack: What the best checkpoint is chosen under.
        class_robustness: A diagnosis.json whose weak classes shall weigh more.
        strength: How much more.
    """

    name: str = "cross-entropy"
    attack: str | None = None
    eps: str | None = None
    step_size: str | None = None
    half: bool = False
    weight: float | None = None
    replays: int | None = None
    val_attack: str | None = None
    class_robustness: Path | None = None
    strength: float | None = None

    @property
    def adversarial(self) -> bool:
        """Whether it learns from attacked images.

        Raises:
            InputError: There is no such objective.
        """
        return bool(usual_of(self.name).attack)

    def inner(self) -> NamedAttack | None:
        """What to learn from.

        Raises:
            InputError: No such objective or attack, one that the objective does not have, or a bad
                size.
        """
        if self.adversarial:
            radius = threat_model("inf", self.eps or EPS, None)["eps"]
            if not radius > 0:
                raise InputError(f"eps is {self.eps}; expected a radius > 0, such as {EPS}.")
            step = None if self.step_size is None else number(self.step_size)
            attack = inner_attack(self.name, self.attack, radius, step)
            if step is not None and not 0 < step <= 2 * radius:
                raise InputError(
                    f"the step size is {self.step_size}; expected one > 0, and at most twice the "
                    f"radius {self.eps or EPS}, which crosses the whole ball."
                )
            return attack
        of_attacks = (self.attack, self.step_size, self.class_robustness)
        if any(one is not None for one in of_attacks) or (self.eps and not self.val_attack):
            raise InputError(
                f"{self.name} has no attack: its name, its sizes and class robustness are for "
                f"adversarial training; give --objective {', '.join(_adversarial())}."
            )
        return None

    def check_warmup(self, share: float) -> None:
        """Refuse a radius that rises where there is none.

        Raises:
            InputError: The share of the steps is not 0, and the objective has no attack.
        """
        if share and not self.adversarial:
            raise InputError(
                f"{self.name} has no attack whose radius could rise; leave --eps-warmup out, or give "
                f"--objective {', '.join(_adversarial())}."
            )

    def judge(self) -> NamedAttack | None:
        """What the best checkpoint is chosen under; None chooses by the clean score.

        Raises:
            InputError: No such attack, or a bad size.
        """
        if self.val_attack is None and self.name not in ONE_STEP:
            return self.inner()
        return named(self.val_attack or JUDGE, **threat_model("inf", self.eps or EPS, None))

    def maker(
        self, classes: Sequence[str], ignore_index: int, scale: float = 1.0, margin: float = 0.0
    ) -> ObjectiveMaker:
        """The objective, to be made from the weights of classes by their frequency.

        Args:
            classes: Names of the classes.
            ignore_index: Label of void pixels.
            scale: Scale of a hypersphere head; 1 for another head.
            margin: Its margin.

        Raises:
            InputError: Something that this objective does not have, or a bad value.
        """
        inner, measured = self.inner(), self._measured(classes)

        def make(weights: Tensor | None) -> Objective:
            if measured is not None:
                weights = measured if weights is None else weights * measured
            return make_objective(
                self.name,
                WeightedCrossEntropy(ignore_index, weights, scale, margin),
                inner,
                half=self.half,
                weight=self.weight,
                replays=self.replays,
            )

        make(None)  # what is wrong is said before the data are read
        return make

    def _measured(self, classes: Sequence[str]) -> Tensor | None:
        if self.class_robustness is None:
            if self.strength is not None:
                raise InputError(
                    "strength is that of --class-robustness; give a diagnosis.json too."
                )
            return None
        strength = 1.0 if self.strength is None else self.strength
        return measured_weights(self.class_robustness, classes, strength)


def _adversarial() -> list[str]:
    return [name for name, usual in OBJECTIVES.items() if usual.attack]
