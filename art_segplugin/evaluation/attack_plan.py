"""An attack on a picture as plain values: what a file can hold and a window can show."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from art_segplugin.attacks import NamedAttack
from art_segplugin.attacks.registry import PARTS, named, parameters
from art_segplugin.core.iterate import Attack, Iterate
from art_segplugin.core.types import ImageMask, Images, Labels, Logits
from art_segplugin.errors import InputError
from art_segplugin.evaluation.goal import ANY_WRONG, Goal
from art_segplugin.evaluation.picture import CleanPicture, finite_logits
from art_segplugin.evaluation.runner import random_start

REGIONS = ("everywhere", "class", "painted")
FROM_ELSEWHERE = ("targeted", "ignore_index", "bounds")
"""Options that follow from the goal, the model and the images."""

MOST = 2**31 - 1
"""Of a seed and of a position: together they still fit into torch's generators."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class AttackPlan:
    """How a picture is attacked.

    Attributes:
        recipe: a name in `art_segplugin.attacks.RECIPES`.
        options: values of its parameters, as JSON can hold them.
        goal: which pixels count, and what they shall be taken for.
        region: where the picture may be changed: "everywhere", at the pixels of a "class" or where it
            is "painted".
        region_class: that class.
        seed: seed of the random start, 0 to MOST.

    Raises:
        InputError: the region is no such word, the seed is out of range, or an option follows from
            something else.
    """

    recipe: str
    options: dict[str, Any]
    goal: Goal = ANY_WRONG
    region: str = "everywhere"
    region_class: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.region not in REGIONS:
            raise InputError(f"region {self.region!r} is unknown; give {', '.join(REGIONS)}.")
        if not 0 <= self.seed <= MOST:
            raise InputError(f"seed is {self.seed}; give a whole number from 0 to {MOST}.")
        for name in FROM_ELSEWHERE:
            if name in self.options:
                raise InputError(
                    f"option {name!r} follows from the goal, the model and the pictures; leave it "
                    "out."
                )

    @classmethod
    def of(
        cls,
        attack: NamedAttack,
        goal: Goal = ANY_WRONG,
        region: str = "everywhere",
        region_class: int = 0,
        seed: int = 0,
    ) -> Self:
        """The plan of a named attack, with all its values: another version may have other defaults."""
        options = {k: v for k, v in attack.described().items() if k not in FROM_ELSEWHERE}
        plan = cls(attack.recipe, options, goal, region, region_class, seed)
        if attack.options.get("targeted", False) == goal.targeted:
            vars(plan)["attack"] = attack  # which is made and checked already
        return plan

    @cached_property
    def attack(self) -> NamedAttack:
        """The attack by its name.

        Raises:
            InputError: an unknown recipe, or a value outside its range or of another kind.
        """
        return attack_of(self.recipe, {**self.options, "targeted": self.goal.targeted})

    def build(self, clean: CleanPicture) -> Attack:
        """The attack for a model."""
        return self.attack.build(ignore_index=clean.model.ignore_index)

    def check(self, classes: int, reference: Labels | None = None) -> None:
        """Refuse classes that do not exist, or that are nowhere in the reference; see `Goal.check`.

        Raises:
            InputError: a class of the goal or of the region is none, or is nowhere.
        """
        self.goal.check(classes, reference)
        if self.region != "class":
            return
        if not 0 <= self.region_class < classes:
            raise InputError(f"region {self.region_class} is no class; give 0 to {classes - 1}.")
        if reference is not None and not bool((reference == self.region_class).any()):
            raise InputError(
                f"no pixel of the picture is of class {self.region_class}, so none may be changed; "
                "choose another region."
            )

    def applies(self, reference: Labels) -> bool:
        """Whether the classes that the goal and the region name are in a picture."""
        named_classes = [self.goal.from_class]
        if self.region == "class":
            named_classes.append(self.region_class)
        return all(one is None or bool((reference == one).any()) for one in named_classes)

    def mask(self, clean: CleanPicture, painted: Mask | None) -> ImageMask | None:
        """Where the picture may be changed (1, h, w); None for everywhere.

        Raises:
            InputError: nothing of the picture's size is painted.
        """
        if self.region == "class":
            return clean.reference == self.region_class
        if self.region == "everywhere":
            return None
        size = tuple(clean.x.shape[-2:])
        if painted is None or painted.shape != size:
            found = "there is none" if painted is None else f"the mask has {painted.shape}"
            raise InputError(f"a painted region of {size} pixels is asked for and {found}.")
        if not painted.any():
            raise InputError("nothing is painted yet; paint a region, or choose everywhere.")
        return torch.tensor(painted, device=clean.x.device).unsqueeze(0)

    def iterates(
        self,
        clean: CleanPicture,
        painted: Mask | None = None,
        first: int = 0,
        start: Images | None = None,
    ) -> Iterator[Iterate]:
        """Every visited point, through all restarts, each with the model's logits.

        Args:
            clean: what to attack.
            painted: pixels that may change, bool (h, w), where the region is "painted".
            first: position of the picture in its data set, which the random start depends on.
            start: where to begin instead, (1, 3, h, w).

        Raises:
            InputError: the attack, its goal or its region do not fit the picture.
        """
        given = self._given(clean, painted, first, start)
        return self.build(clean).iterates(clean.model, clean.x, **given)

    def answer(
        self,
        clean: CleanPicture,
        painted: Mask | None = None,
        first: int = 0,
        start: Images | None = None,
    ) -> Images:
        """The adversarial image (1, 3, h, w) that `iterates` ends with, without its last forward.

        Raises:
            InputError: as `iterates`, or the image is not finite.
        """
        given = self._given(clean, painted, first, start)
        x_adv: Images = self.build(clean)(clean.model, clean.x, **given)
        return _finite(x_adv)

    def _given(
        self, clean: CleanPicture, painted: Mask | None, first: int, start: Images | None
    ) -> dict[str, Any]:
        self.check(clean.model.classes or 0, clean.reference)
        if not 0 <= first <= MOST:
            raise InputError(f"picture {first} is no position; give 0 to {MOST}.")
        return {
            "labels": self.goal.labels(clean.reference, clean.model.ignore_index),
            "mask": self.mask(clean, painted),
            "start": start,
            "generator": random_start(self.seed, first, clean.x.device),
        }


def attack_of(recipe: str, options: Mapping[str, Any]) -> NamedAttack:
    """The attack by its name, with options that may come from a file.

    Raises:
        InputError: an unknown recipe, or a value outside its range or of another kind.
    """
    try:
        attack = named(recipe, **options)
    except InputError:
        raise
    except (TypeError, ValueError, OverflowError) as error:
        why = " ".join(str(error).split())[:200]
        raise InputError(
            f"options {dict(options)!r:.200} do not fit attack {recipe!r:.40} ({why}); correct them."
        ) from error
    for name, value in attack.options.items():
        usual = parameters(attack.recipe)[name].default
        if name in PARTS and not isinstance(usual, str):
            raise InputError(f"{name!r} is part of attack {attack.recipe!r}; leave it out.")
        whole = isinstance(value, int) and abs(value) > MOST
        if whole or isinstance(value, bool) != isinstance(usual, bool):
            raise InputError(f"option {name!r} is {value!r:.40}; give a value such as {usual!r}.")
    return attack


def shown(clean: CleanPicture, iterate: Iterate, *, answer: bool) -> tuple[Images, Logits]:
    """A visited point and the model's logits for it.

    Args:
        clean: what is attacked.
        iterate: where the attack is, before it goes on.
        answer: give the answer if the attack ended here, instead of the point itself.

    Raises:
        InputError: the images or the logits are not finite.
    """
    x_adv, best = iterate.x_adv, iterate.best
    _finite(best if answer else x_adv)
    if answer and best is not x_adv and not torch.equal(best, x_adv):
        return best, finite_logits(clean.model, best)
    logits: Logits | None = getattr(iterate.forward, "logits", None)
    return x_adv, finite_logits(clean.model, x_adv) if logits is None else logits


def faded(x: Images, x_adv: Images, share: float) -> Images:
    """The perturbation at another strength: 0 is the picture itself, 1 the adversarial one."""
    return x_adv if share == 1 else (x + share * (x_adv - x)).clamp_(0, 1)


def _finite(x_adv: Images) -> Images:
    if not bool(x_adv.isfinite().all()):
        raise InputError("the attack gave values that are not finite; check the model.")
    return x_adv
