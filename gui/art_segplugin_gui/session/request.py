"""What the window asks of the engine: plain values and arrays, and a number that rises."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from art_segplugin_gui.session.frames import SourceFrame
from art_segplugin_gui.session.state import Attack, Models


@dataclass(frozen=True, eq=False)
class Run:
    """Predict, then attack.

    Attributes:
        rev: revision; what comes back carries it, and the window drops what is older.
        frame: the picture.
        models: which models.
        attack: how to attack; None for the clean prediction only.
        quick: one step of the length of the radius, for while a slider is dragged.
        pause_at: stop after the point of this number and wait; None to run to the end.
        resume: go on with the run that waits, if it is the same but for `pause_at`.
    """

    rev: int
    frame: SourceFrame
    models: Models
    attack: Attack | None
    quick: bool = False
    pause_at: int | None = None
    resume: bool = False

    def same_run(self, other: "Run") -> bool:
        """Whether `other` asks for the same points, of which it may want more."""
        return self.frame is other.frame and (self.models, self.attack, self.quick) == (
            other.models,
            other.attack,
            other.quick,
        )


@dataclass(frozen=True, eq=False)
class Fade:
    """Predict for the adversarial image at another strength.

    Attributes:
        rev: revision.
        frame: the picture.
        models: which models.
        share: strength, 0..1.5; 1 is the attack as it is.
        exact_a: adversarial image that A is shown, float32 (3, h, w) in [0, 1].
        exact_b: the one that B is shown; None where there is no B.
        norm: in which the size of the perturbation is given.
    """

    rev: int
    frame: SourceFrame
    models: Models
    share: float
    exact_a: NDArray[np.float32]
    exact_b: NDArray[np.float32] | None = None
    norm: float = float("inf")


Request = Run | Fade
