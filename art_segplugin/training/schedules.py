"""Learning rates as functions of the step, so that there is no scheduler state to save."""

import math


def warmup_cosine(step: int, steps: int, peak: float, warmup: float) -> float:
    """Return the learning rate of one step: a linear rise, then half a cosine down to 0.

    Args:
        step: Number of the step, from 0 to ``steps - 1``.
        steps: Number of steps of the run.
        peak: Highest rate.
        warmup: Share of the steps that the rise takes, in [0, 1).
    """
    rising = math.ceil(steps * warmup)
    if step < rising:
        return peak * (step + 1) / rising
    progress = (step - rising) / max(1, steps - rising)
    return peak * 0.5 * (1 + math.cos(math.pi * progress))
