"""What a training run can be told, and what follows for each step."""

import math
from dataclasses import dataclass

from art_segplugin.errors import InputError

CLASS_WEIGHTINGS = ("none", "sqrt", "median")
PRECISIONS = ("float32", "bfloat16", "float16")
SCHEDULES = ("cosine", "steps")
_HIGHEST_LR = 1e36  # the first step of AdamW divides by 1 - 0.9, in float32


@dataclass(frozen=True)
class TrainingOptions:
    """Options of one run; equal options, data and seed give the same weights.

    Attributes:
        steps: Optimiser steps.
        batch_size: Images per step, on each process.
        accumulate: Parts in which a step's images go through the network, to save memory; batch norm
            sees each part alone.
        lr: Highest learning rate of AdamW, reached after the warm-up.
        weight_decay: Decoupled weight decay of the convolution weights.
        warmup: Share of the steps over which the rate rises, in [0, 1).
        schedule: What the rate does then: ``cosine`` falls to 0, ``steps`` to a tenth at each milestone.
        milestones: Where ``steps`` falls, in shares of the steps.
        eps_warmup: Share of the steps over which the radius of attacks rises, in [0, 1).
        ema: Decay of an exponential moving average of the weights, in [0, 1), such as 0.999, which is
            then validated and saved as the best checkpoint; 0 for none.
        patience: Stop after so many validations without a better score (robust overfitting, Rice et
            al., ICML 2020, arXiv:2002.11569); 0 never stops.
        crop: Height and width of the training crops in pixels; None: the size of the first sample.
        scale: Range of the random enlargement before cropping.
        flip: Mirror half of the training images; not for digits, signs and letters.
        jitter: Largest relative change of brightness, contrast and saturation, in [0, 1).
        class_weighting: ``none``, ``sqrt`` (inverse square root of the class frequency) or ``median``
            (median frequency over class frequency).
        precision: ``float32``, or ``bfloat16`` or ``float16`` for the arithmetic of the network
            (weights, losses and validation stay float32); faster on processors that have it.
        seed: Seed of data order and augmentation.
        validate_every: Steps between validations; the last step is always validated.
        save_every: Steps between saved states; every validated step is saved too.
        keep_every: Steps between checkpoints that are kept to see how the weights changed; 0 for none.
        workers: Batches prepared ahead by a background thread; 0 prepares them in line.
        cache_bytes: Memory for samples kept as 8-bit values, so that they are made only once.
    """

    steps: int = 2000
    batch_size: int = 8
    accumulate: int = 1
    lr: float = 3e-3
    weight_decay: float = 1e-2
    warmup: float = 0.1
    schedule: str = "cosine"
    milestones: tuple[float, ...] = (0.5, 0.75)
    eps_warmup: float = 0.0
    ema: float = 0.0
    patience: int = 0
    crop: tuple[int, int] | None = None
    scale: tuple[float, float] = (0.75, 1.75)
    flip: bool = True
    jitter: float = 0.3
    class_weighting: str = "sqrt"
    precision: str = "float32"
    seed: int = 0
    validate_every: int = 200
    save_every: int = 100
    keep_every: int = 0
    workers: int = 2
    cache_bytes: int = 2**31

    def __post_init__(self) -> None:
        """Refuse values that no run can use."""
        for name in ("steps", "batch_size", "accumulate", "validate_every", "save_every"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}; expected at least 1.")
        if self.accumulate > self.batch_size:
            raise InputError(
                f"accumulate is {self.accumulate}; expected at most batch_size, {self.batch_size}."
            )
        if not 0 < self.lr <= _HIGHEST_LR:
            raise InputError(f"lr is {self.lr}; expected a positive learning rate such as 0.003.")
        if not 0 <= self.weight_decay < float("inf"):
            raise InputError(
                f"weight_decay is {self.weight_decay}; expected a finite number >= 0, such as 0.01."
            )
        for name in ("warmup", "jitter", "eps_warmup", "ema"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}; expected a share in [0, 1).")
        if self.crop is not None and min(self.crop) < 1:
            raise InputError(f"crop is {self.crop}; expected height and width in pixels.")
        if not 0 < self.scale[0] <= self.scale[1] < float("inf"):
            raise InputError(f"scale is {self.scale}; expected a range such as (0.75, 1.75).")
        if not all(0 < share < 1 for share in self.milestones):
            raise InputError(
                f"milestones is {self.milestones}; expected shares of the steps, such as (0.5, 0.75)."
            )
        for name, known in (
            ("class_weighting", CLASS_WEIGHTINGS),
            ("precision", PRECISIONS),
            ("schedule", SCHEDULES),
        ):
            if getattr(self, name) not in known:
                raise InputError(
                    f"{name} is {getattr(self, name)!r}; expected one of {', '.join(known)}."
                )
        for name in ("workers", "cache_bytes", "patience", "keep_every"):
            if getattr(self, name) < 0:
                raise InputError(f"{name} is {getattr(self, name)}; it cannot be negative.")


def learning_rate(step: int, options: TrainingOptions) -> float:
    """Return the learning rate of one step: a linear rise, then what ``options.schedule`` says.

    Args:
        step: Number of the step, from 0 to ``steps - 1``.
        options: Options of the run.
    """
    rising = math.ceil(options.steps * options.warmup)
    if step < rising:
        return options.lr * (step + 1) / rising
    if options.schedule == "cosine":
        progress = (step - rising) / max(1, options.steps - rising)
        return options.lr * 0.5 * (1 + math.cos(math.pi * progress))
    passed = sum(step >= share * options.steps for share in options.milestones)
    return options.lr * 0.1**passed


def attack_strength(step: int, options: TrainingOptions) -> float:
    """Return the share of the full radius that attacks have at one step, in (0, 1]."""
    rising = math.ceil(options.steps * options.eps_warmup)
    return min(1.0, (step + 1) / rising) if rising else 1.0
