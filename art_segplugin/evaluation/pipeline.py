"""The one way from an image to its scores: perturbations, the clean prediction, an attack, 8 bits, scores.

Files, data sets, clips, replay and the desktop app all go through here, a batch at a time:

- `clean_images` runs a chain of perturbations over images and labels and gives a `Clean`, which knows
  what the model says of them and what counts as right;
- `attack_arguments` says what any attack is given for it; `AttackPlan.iterates` gives each iterate of
  the attack and `AttackPlan.answer` its last one alone;
- `to_8_bit` rounds an answer to what a file can hold;
- `Attacked` is an image that a model was shown, with what it said; `evaluation.scores` counts it.
"""

import math
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from art_segplugin.attacks import NamedAttack
from art_segplugin.attacks.registry import PARTS, named, parameters
from art_segplugin.core.iterate import Attack, Iterate, warn_without_gradient
from art_segplugin.core.modes import evaluation_mode
from art_segplugin.core.threat_model import ThreatModel, per_image
from art_segplugin.core.types import ImageMask, Images, Labels, Logits, PixelMask
from art_segplugin.errors import InputError
from art_segplugin.evaluation.scores import scores_of, target_scores
from art_segplugin.models.outputs import check_outputs
from art_segplugin.models.segmenter import Segmenter
from art_segplugin.scores import Scores, TargetScores

VOID = 255
"""Void in label maps of 8 bits, whatever the model calls it."""

BISECTIONS = 20

REGIONS = ("everywhere", "class", "painted")
FROM_ELSEWHERE = ("targeted", "ignore_index", "bounds")
"""Options that follow from the goal, the model and the images."""

MOST = 2**31 - 1
"""Of a seed and of a position: together they still fit into torch's generators."""

Mask = NDArray[np.bool_]


class Chain(Protocol):
    """Perturbations of images together with their labels, applied before anything else."""

    def __call__(self, images: Images, labels: Labels | None) -> tuple[Images, Labels | None]:
        """Perturbed images (n, 3, h, w) in [0, 1] and labels (n, h, w)."""


def unperturbed(images: Images, labels: Labels | None) -> tuple[Images, Labels | None]:
    """The chain without a perturbation: the same tensors."""
    return images, labels


@dataclass(frozen=True, eq=False)
class Clean:
    """Images before an attack, and what a model says of them.

    Attributes:
        model: the model, whose number of classes is known.
        x: float32 (n, 3, h, w) in [0, 1].
        labels: true classes, int64 (n, h, w), the model's `ignore_index` for void; None where the
            model's own prediction counts as right.
        warning: one sentence on why labels were not used; empty where they were, or there are none.
    """

    model: Segmenter
    x: Images
    labels: Labels | None
    warning: str = ""

    @cached_property
    def logits(self) -> Logits:
        """The model's for the images, (n, c, h, w), computed when first asked for.

        Raises:
            InputError: they are not finite.
        """
        return finite_logits(self.model, self.x)

    @cached_property
    def reference(self) -> Labels:
        """What counts as right, int64 (n, h, w), the model's `ignore_index` for void."""
        return self.logits.argmax(1) if self.labels is None else self.labels

    @cached_property
    def prediction(self) -> Labels:
        """The classes that the model predicts for the images, int64 (n, h, w)."""
        return self.reference if self.labels is None else self.logits.argmax(1)

    @property
    def labelled(self) -> bool:
        """Whether the reference is the labels."""
        return self.labels is not None

    @property
    def valid(self) -> PixelMask:
        """Pixels that count (n, h, w): all that are not void."""
        return self.reference != self.model.ignore_index

    def released(self) -> "Clean":
        """The same without the logits, which would take memory during the attacks."""
        fresh = replace(self)
        for name in ("reference", "prediction"):
            if name == "reference" or name in self.__dict__:
                fresh.__dict__[name] = getattr(self, name)  # as `cached_property` keeps it
        return fresh

    @property
    def shown(self) -> "Attacked":
        """The images as they are, as something the model was shown."""
        return Attacked(self, self.x, self.logits)


def clean_images(
    model: Segmenter, images: Images, labels: Labels | None, chain: Chain = unperturbed
) -> Clean:
    """Images as they go into an attack.

    Args:
        model: on the device of the images, validated.
        images: float32 (n, 3, h, w) in [0, 1].
        labels: int64 (n, h, w), the model's `ignore_index` for void; None where there are none.
        chain: perturbations of both.
    """
    return Clean(model, *chain(images, labels))


def clean_picture(
    model: Segmenter,
    image: NDArray[np.uint8],
    labels: NDArray[np.uint8] | None,
    name: str = "the picture",
    warning: str = "",
    chain: Chain = unperturbed,
) -> Clean:
    """One 8-bit image as it goes into an attack; the prediction for it is made.

    Args:
        model: in evaluation mode, on the device to use, validated.
        image: RGB, uint8 (h, w, 3).
        labels: true classes, uint8 (h, w), 255 for void; None where there are none. Labels that are
            no classes of the model are not used, and the result says so.
        name: of the image, for that sentence.
        warning: why there are no labels.
        chain: perturbations of both.

    Raises:
        InputError: the model does not take the image, or gives NaN.
    """
    device = device_of(model)
    truth = label_batch(labels, model.ignore_index, device)
    if truth is not None:
        try:
            model.check_labels(truth)
        except InputError as error:
            truth, warning = None, f"The labels of {name} are not used: {error}"
    x, truth = chain(image_batch(image, device), truth)
    clean = Clean(model, x, truth, warning)
    clean.logits  # noqa: B018  # what is wrong with the image is said now
    return clean


def device_of(model: Segmenter) -> torch.device:
    """Where a model runs."""
    return model.device


def image_batch(image: NDArray[np.uint8], device: torch.device | str) -> Images:
    """An image, uint8 (h, w, 3), as a batch, float32 (1, 3, h, w) in [0, 1]."""
    pixels = torch.tensor(image, device=device)  # a copy: NumPy's may be read-only
    return pixels.movedim(-1, 0).unsqueeze(0).float().div_(255).contiguous()


def to_uint8(image: torch.Tensor) -> NDArray[np.uint8]:
    """An image (channels, h, w) in [0, 1] as uint8 (h, w, channels), rounded to the nearest."""
    pixels: NDArray[np.uint8] = (image.detach() * 255).round().byte().movedim(0, -1).cpu().numpy()
    return pixels


def label_batch(
    labels: NDArray[np.uint8] | None, ignore_index: int, device: torch.device
) -> Labels | None:
    """Labels, uint8 (h, w) with 255 for void, as int64 (1, h, w) with `ignore_index` for void."""
    if labels is None:
        return None
    wide = torch.tensor(labels, device=device).long().unsqueeze(0)
    return wide.masked_fill(wide == VOID, ignore_index)


def finite_logits(model: Segmenter, images: Images) -> Logits:
    """Logits (n, c, h, w) in evaluation mode, without a graph.

    Raises:
        InputError: they are not finite.
    """
    with torch.no_grad(), evaluation_mode(model):
        logits: Tensor = model(images)
    if not bool(logits.sum().isfinite()):  # a tenth of the time that looking at each value takes
        check_outputs(logits)  # says it, where it is not the sum alone
    return logits


@dataclass(frozen=True)
class Goal:
    """Which pixels count, and what they shall be taken for.

    Attributes:
        from_class: only pixels of this true class count; None for all. With `keep` they are those
            that the model predicts as this class for the image as it is, whatever labels say.
        to_class: the class that they shall be taken for (a targeted attack); None for any wrong one.
        keep: the prediction for all other valid pixels shall stay as it is.

    Raises:
        InputError: `keep` without both classes.
    """

    from_class: int | None = None
    to_class: int | None = None
    keep: bool = False

    def __post_init__(self) -> None:
        if self.keep and (self.from_class is None or self.to_class is None):
            raise InputError(
                "the rest is to be kept, but there is none without the class that is to be mistaken "
                "and its target; give both, such as --from car --target vegetation."
            )

    @property
    def targeted(self) -> bool:
        """Whether one class is wanted."""
        return self.to_class is not None

    def source(self, prediction: Labels) -> PixelMask:
        """Pixels that are to become the target, whose share `reached` is (n, h, w).

        Those predicted as `from_class`; without one, all that are not predicted as the target yet.

        Args:
            prediction: the model's for the images as they are, (n, h, w).
        """
        if self.from_class is not None:
            return prediction == self.from_class
        if self.to_class is not None:
            return prediction != self.to_class
        return torch.ones_like(prediction, dtype=torch.bool)

    def labels(
        self, reference: Labels, ignore_index: int, prediction: Labels | None = None
    ) -> Labels:
        """What to attack with: the reference or the wanted class, void where pixels do not count.

        With `keep` it is the map that the attack wants to see predicted: the target on the source,
        and the prediction itself on all other valid pixels.

        Args:
            reference: true classes (n, h, w), `ignore_index` on void pixels.
            ignore_index: label of void pixels.
            prediction: the model's for the images as they are (n, h, w); needed with `keep` alone.

        Raises:
            InputError: `keep` without a prediction.
        """
        if self == ANY_WRONG:
            return reference
        left_out = reference == ignore_index
        if self.keep:
            if prediction is None:
                raise InputError("the rest is to be kept; give the clean prediction, which it is.")
            assert self.to_class is not None
            wanted = prediction.masked_fill(self.source(prediction), self.to_class)
            return wanted.masked_fill(left_out, ignore_index)
        if self.from_class is not None:
            left_out = reference != self.from_class
        wanted = reference if self.to_class is None else reference.new_full((), self.to_class)
        return wanted.expand_as(reference).masked_fill(left_out, ignore_index)

    def seen(self, clean: Clean) -> Labels:
        """Where `from_class` is looked for: in the reference, with `keep` in the clean prediction.

        Void pixels are the model's `ignore_index`.
        """
        if not self.keep:
            return clean.reference
        return clean.prediction.masked_fill(~clean.valid, clean.model.ignore_index)

    def check(self, classes: int, reference: Labels | None = None) -> None:
        """Refuse classes that do not exist, or that are nowhere in the reference.

        Args:
            classes: of the model.
            reference: what `seen` gives; None for not to look for them.

        Raises:
            InputError: `from_class` or `to_class` is no class, both are the same, or no pixel is of
                `from_class`.
        """
        for name, value in (("from", self.from_class), ("target", self.to_class)):
            if value is not None and not 0 <= value < classes:
                raise InputError(f"{name} {value} is no class; give 0 to {classes - 1}.")
        if self.from_class is None:
            return
        if self.from_class == self.to_class:
            raise InputError(
                f"pixels of class {self.from_class} are to be taken for that class; choose another."
            )
        if reference is not None and not bool((reference == self.from_class).any()):
            raise InputError(
                f"no pixel of the picture is of class {self.from_class}; choose another class."
            )


ANY_WRONG = Goal()


def attack_arguments(
    clean: Clean,
    seed: int,
    indices: Sequence[int],
    goal: Goal = ANY_WRONG,
    mask: ImageMask | None = None,
    start: Images | None = None,
) -> dict[str, Any]:
    """What an attack is given for images, beside the model and the images themselves.

    Args:
        clean: what to attack.
        seed: of the random starts.
        indices: position of each image in its data set, which its random start depends on.
        goal: which pixels count, and what they shall be taken for.
        mask: pixels that may change (n, h, w); None for all.
        start: where to begin instead of at random, (n, 3, h, w).
    """
    return {
        "labels": goal.labels(
            clean.reference, clean.model.ignore_index, clean.prediction if goal.keep else None
        ),
        "mask": mask,
        "start": start,
        "seeds": [start_seed(seed, index) for index in indices],
    }


def start_seed(seed: int, index: int) -> int:
    """Seed of the random starts of image `index`, whatever batch it is in."""
    return seed * 1_000_003 + index


@dataclass(frozen=True, eq=False)
class Attacked:
    """Images that a model was shown, and what it said.

    Attributes:
        clean: the images that they were made from.
        x_adv: what was shown, (n, 3, h, w).
        logits: the model's, (n, c, h, w).
        threat_model: gives the size of the perturbation; None for the clean images themselves.
        goal: what the attack was after.
    """

    clean: Clean
    x_adv: Images
    logits: Logits
    threat_model: ThreatModel | None = None
    goal: Goal = ANY_WRONG

    @classmethod
    def of(
        cls,
        clean: Clean,
        x_adv: Images,
        threat_model: ThreatModel | None,
        logits: Logits | None = None,
        goal: Goal = ANY_WRONG,
    ) -> Self:
        """Adversarial images with what the model says of them, unless that is known.

        Raises:
            InputError: the images or the logits are not finite.
        """
        _finite(x_adv)
        logits = finite_logits(clean.model, x_adv) if logits is None else logits
        return cls(clean, x_adv, logits, threat_model, goal)

    @property
    def distances(self) -> Tensor:
        """Size of the perturbation of each image, (n,)."""
        if self.threat_model is None:
            return self.x_adv.new_zeros(len(self.x_adv))
        return self.threat_model.distance(self.x_adv, self.clean.x)

    @property
    def scores(self) -> Scores:
        """Scores over all of them; the distance is the largest."""
        if self.threat_model is None:
            return scores_of(self.clean, self.logits)
        return scores_of(self.clean, self.logits, self.x_adv, self.threat_model.p, self.goal)

    @property
    def targets(self) -> list[TargetScores | None]:
        """What of the goal was reached in each image, and what else changed; None without a target."""
        if not self.goal.targeted:
            return [None] * len(self.x_adv)
        maps = (self.clean.prediction, self.logits.argmax(1), self.clean.valid)
        return [target_scores(self.goal, *one) for one in zip(*maps, strict=True)]

    def rounded(self) -> "Attacked":
        """The same images as 8-bit files can hold them, shown to the model once more."""
        assert self.threat_model is not None, "clean images are multiples of 1/255 already"
        x_8_bit = to_8_bit(self.x_adv, self.clean.x, self.threat_model)
        return Attacked.of(self.clean, x_8_bit, self.threat_model, goal=self.goal)


@dataclass(frozen=True)
class AttackPlan:
    """How an image is attacked, as plain values: what a file can hold and a window can show.

    Attributes:
        recipe: a name in `art_segplugin.attacks.RECIPES`.
        options: values of its parameters, as JSON can hold them.
        goal: which pixels count, and what they shall be taken for.
        region: where the image may be changed: "everywhere", at the pixels of a "class" or where it
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
        return cls(attack.recipe, _plain_options(attack), goal, region, region_class, seed)

    def complete(self) -> Self:
        """The same with all values of the attack: another version may have other defaults.

        Raises:
            InputError: as `attack`.
        """
        whole = replace(self, options=_plain_options(self.attack))
        whole.__dict__["attack"] = self.attack  # of the same values: it need not be made again
        return whole

    @cached_property
    def attack(self) -> NamedAttack:
        """The attack by its name.

        Raises:
            InputError: an unknown recipe, or a value outside its range or of another kind.
        """
        return attack_of(self.recipe, {**self.options, "targeted": self.goal.targeted})

    def build(self, clean: Clean) -> Attack:
        """The attack for a model."""
        return self.attack.build(ignore_index=clean.model.ignore_index)

    def check(
        self, classes: int, reference: Labels | None = None, seen: Labels | None = None
    ) -> None:
        """Refuse classes that do not exist, or that are nowhere in the reference; see `Goal.check`.

        Args:
            classes: of the model.
            reference: where the class of the region is looked for; None for not to look.
            seen: where that of the goal is looked for, see `Goal.seen`; the reference if None.

        Raises:
            InputError: a class of the goal or of the region is none, or is nowhere.
        """
        self.goal.check(classes, reference if seen is None else seen)
        if self.region != "class":
            return
        if not 0 <= self.region_class < classes:
            raise InputError(f"region {self.region_class} is no class; give 0 to {classes - 1}.")
        if reference is not None and not bool((reference == self.region_class).any()):
            raise InputError(
                f"no pixel of the picture is of class {self.region_class}, so none may be changed; "
                "choose another region."
            )

    def applies(self, clean: Clean) -> bool:
        """Whether the classes that the goal and the region name are in an image."""
        wanted = [(self.goal.from_class, self.goal.seen(clean))]
        if self.region == "class":
            wanted.append((self.region_class, clean.reference))
        return all(one is None or bool((there == one).any()) for one, there in wanted)

    def mask(self, clean: Clean, painted: Mask | None) -> ImageMask | None:
        """Where the image may be changed (1, h, w); None for everywhere.

        Raises:
            InputError: nothing of the image's size is painted.
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
        clean: Clean,
        painted: Mask | None = None,
        first: int = 0,
        start: Images | None = None,
    ) -> Generator[Iterate, None, None]:
        """Every iterate, through all restarts, each with the model's logits.

        Args:
            clean: what to attack.
            painted: pixels that may change, bool (h, w), where the region is "painted".
            first: position of the image in its data set, which the random start depends on.
            start: where to begin instead, (1, 3, h, w).

        Raises:
            InputError: the attack, its goal or its region do not fit the image.
        """
        given = self._given(clean, painted, first, start)
        return _closable(self.build(clean).iterates(clean.model, clean.x, **given))

    def answer(
        self,
        clean: Clean,
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
        self, clean: Clean, painted: Mask | None, first: int, start: Images | None
    ) -> dict[str, Any]:
        self.check(clean.model.classes or 0, clean.reference, self.goal.seen(clean))
        if not 0 <= first <= MOST:
            raise InputError(f"picture {first} is no position; give 0 to {MOST}.")
        mask = self.mask(clean, painted)
        return attack_arguments(clean, self.seed, [first], self.goal, mask, start)


def _plain_options(attack: NamedAttack) -> dict[str, Any]:
    return {k: v for k, v in attack.described().items() if k not in FROM_ELSEWHERE}


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
        default = parameters(attack.recipe)[name].default
        if name in PARTS and not isinstance(default, str):
            raise InputError(f"{name!r} is part of attack {attack.recipe!r}; leave it out.")
        whole = isinstance(value, int) and abs(value) > MOST
        if whole or isinstance(value, bool) != isinstance(default, bool):
            raise InputError(f"option {name!r} is {value!r:.40}; give a value such as {default!r}.")
    return attack


def shown(clean: Clean, iterate: Iterate, *, answer: bool) -> tuple[Images, Logits]:
    """An iterate and the model's logits for it.

    Args:
        clean: what is attacked.
        iterate: where the attack is, before it goes on.
        answer: give the answer if the attack ended here, instead of the iterate itself.

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
    """The perturbation at another strength: 0 is the image itself, 1 the adversarial one."""
    return x_adv if share == 1 else (x + share * (x_adv - x)).clamp_(0, 1)


def _finite(x_adv: Images) -> Images:
    if not bool(x_adv.isfinite().all()):
        raise InputError("the attack gave values that are not finite; check the model.")
    return x_adv


def _closable(iterates: Iterator[Iterate]) -> Generator[Iterate, None, None]:
    """The same iterates; who leaves early can free the attack's graph at once."""
    for iterate in iterates:
        yield iterate
    warn_without_gradient(iterate)


def to_8_bit(x_adv: Images, x: Images, threat_model: ThreatModel) -> Images:
    """Multiples of 1/255 near `x_adv`, inside the threat model around `x`.

    Values go to the nearest multiple; where an image would leave the threat model by that, those
    closest to the middle between two multiples go to the one nearer `x` instead, as many as needed.
    Exact for images `x` that are 8-bit themselves.

    Args:
        x_adv: adversarial images in [0, 1].
        x: unperturbed images, multiples of 1/255.
        threat_model: what `x_adv` obeys.

    Returns:
        Multiples of 1/255 in [0, 1].
    """
    origin = (x * 255).round()
    change = x_adv * 255 - origin
    size, rest = change.abs().floor(), change.abs().frac()

    def rounded(threshold: Tensor) -> Images:
        """Away from `x` where the fraction is at least the threshold (n,), else towards it."""
        away = (rest >= per_image(threshold, rest)).to(x)
        return (origin + change.sign() * (size + away)).clamp(0, 255) / 255

    radius = math.inf if threat_model.eps is None else threat_model.eps
    eps = torch.as_tensor(radius).to(x) * (1 + 1e-5)
    low, high = x.new_full((len(x),), 0.5), x.new_full((len(x),), 1.0)  # at 1 none goes away from x
    inside = threat_model.distance(rounded(low), x) <= eps
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        fits = threat_model.distance(rounded(middle), x) <= eps
        low, high = torch.where(fits, low, middle), torch.where(fits, middle, high)
    return rounded(torch.where(inside, x.new_full((), 0.5), high))


# Names until 0.1.
CleanPicture = Clean
