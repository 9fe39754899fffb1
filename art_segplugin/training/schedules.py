"""Learning rates and radii as functions of the step, so that there is no scheduler state to save."""

import math

from art_segplugin.training.options import TrainingOptions


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
