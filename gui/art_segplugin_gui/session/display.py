"""What is on screen, and the points of the run that can be looked at again."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from art_segplugin_gui._cv2 import cv2
from art_segplugin_gui.session.frames import Clean, Faded, Prediction, SourceFrame, Step
from art_segplugin_gui.session.identity import Identity
from art_segplugin_gui.session.painted import Mask, Painted
from art_segplugin_gui.session.state import State

LIMIT_BYTES = 256 * 2**20
Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels, the last two excluded."""
BEFORE = " (before the change)"


@dataclass(frozen=True, eq=False)
class DisplayState:
    """All that panes, charts and exports draw from.

    Attributes:
        frame: the picture; None before the first one came.
        clean: predictions for it; None until they are there.
        step: the point of the attack; None until there is one.
        faded: the same perturbation at another strength; None where that is 1 or not computed yet.
        share: the strength that is wanted.
        outdated: it is of other models, or of another attack, than are chosen now.
        other_models: it is of other models.
        note: what it is where it is no point of an attack on this picture alone.
    """

    frame: SourceFrame | None = None
    clean: Clean | None = None
    step: Step | None = None
    faded: Faded | None = None
    share: float = 1.0
    outdated: bool = False
    other_models: bool = False
    note: str = ""

    def fitted(self, state: State) -> Self:
        """Only what belongs together, marked where it is not what the state asks for.

        The one rule about results of something else. What lies under a result, on screen, decides
        whether it stays: the predictions need the picture that they are of, a point of an attack
        needs the predictions that the attack began from, and a fade needs its point at the strength
        that is wanted. What stays is marked if its models or its attack are not those of the state.
        A picture that is not the one of the state is not marked here: the panes are busy then.

        Returns:
            Itself if nothing changes.
        """
        frame, clean, step, faded = self.frame, self.clean, self.step, self.faded
        if clean is not None and (frame is None or clean.identity.frame != frame.id):
            clean = None
        if step is not None and (clean is None or not _attacked(clean.identity, step.identity)):
            step = None
        share = state.view.fade
        if faded is not None and (
            step is None
            or faded.identity != step.identity
            or (faded.number, faded.share) != (step.number, share)
        ):
            faded = None
        other_models = clean is not None and clean.identity.models != state.models
        other_attack = step is not None and step.identity.attack != state.attack.decisive
        fitted = replace(
            self,
            clean=clean,
            step=step,
            faded=faded,
            share=share,
            outdated=other_models or other_attack,
            other_models=other_models,
        )
        return self if vars(fitted) == vars(self) else fitted

    @property
    def identity(self) -> Identity | None:
        """What is on screen; None for nothing, and for what is no point of an attack on its own."""
        result = self.step or self.clean
        return None if result is None or self.note else result.identity

    def fitting(self, painted: Painted | None) -> Mask | None:
        """A painted region, bool (h, w), if it is of the size of the picture."""
        if painted is None or self.frame is None or self.frame.image.shape[:2] != painted.size:
            return None
        return painted.mask

    @property
    def clean_a(self) -> Prediction | None:
        """A on the picture itself."""
        return None if self.clean is None else self.clean.a

    @property
    def clean_b(self) -> Prediction | None:
        """B on the picture itself."""
        return None if self.clean is None else self.clean.b

    @property
    def attacked_a(self) -> Prediction | None:
        """A under attack, at the strength that is wanted as far as it is known."""
        if self.faded is not None:
            return self.faded.a
        return None if self.step is None else self.step.a

    @property
    def attacked_b(self) -> Prediction | None:
        """B under attack, likewise."""
        if self.faded is not None:
            return self.faded.b
        return None if self.step is None else self.step.b

    def newly_wrong_region(self, index: int) -> Box | None:
        """Around the largest part of a class that A got right without the attack, and no more.

        Where nothing of it is newly wrong, the largest part of the class; None where there is none.
        """
        clean, attacked = self.clean_a, self.attacked_a
        if clean is None or attacked is None:
            return None
        of_class = clean.reference == index
        fell = of_class & (clean.prediction == index) & (attacked.prediction != index)
        pixels = fell if fell.any() else of_class
        count, _, stats, _ = cv2.connectedComponentsWithStats(pixels.astype(np.uint8))
        if count < 2:  # the background alone
            return None
        largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
        left, top, width, height = stats[largest, :4].tolist()
        return left, top, left + width, top + height

    @property
    def mark(self) -> str:
        """What titles of predictions end with where they are of other models."""
        return BEFORE if self.other_models and not self.note else ""

    @property
    def title(self) -> str:
        """Which point of the attack it is, such as "step 7/20"."""
        if self.note or self.step is None:
            return self.note
        words = f"step {self.step.number}/{self.step.total}"
        if self.share != 1:
            words += f" at {100 * self.share:.0f} %"
        return words + (BEFORE if self.outdated else "")


def _attacked(clean: Identity, step: Identity) -> bool:
    """Whether an attack began from these predictions, or from the same ones of an earlier run."""
    return clean.attack is not None and step.predictions == clean.predictions


class Trace:
    """Steps by their number; when they take too much memory, every second one goes.

    Args:
        limit: bytes that the steps may take; the first and the newest are kept in any case.
    """

    def __init__(self, limit: int = LIMIT_BYTES) -> None:
        self._limit = limit
        self._steps: dict[int, Step] = {}
        self._bytes = 0

    def add(self, step: Step) -> None:
        """Keep a step; one of the same number is replaced."""
        self._drop(step.number)
        self._steps[step.number] = step
        self._bytes += _size(step)
        while self._bytes > self._limit and len(self._steps) > 2:
            for number in sorted(self._steps)[1:-1][::2]:
                self._drop(number)

    def nearest(self, number: int) -> Step | None:
        """The kept step closest to a number, the earlier of two; None if there is none."""
        if not self._steps:
            return None
        return self._steps[min(self._steps, key=lambda kept: (abs(kept - number), kept))]

    @property
    def newest(self) -> Step | None:
        """The step of the highest number."""
        return self._steps[max(self._steps)] if self._steps else None

    @property
    def steps(self) -> list[Step]:
        """All kept steps in order."""
        return [self._steps[number] for number in sorted(self._steps)]

    @property
    def numbers(self) -> frozenset[int]:
        """Numbers of the kept steps."""
        return frozenset(self._steps)

    def clear(self) -> None:
        """Forget all of them."""
        self._steps.clear()
        self._bytes = 0

    def _drop(self, number: int) -> None:
        if (step := self._steps.pop(number, None)) is not None:
            self._bytes -= _size(step)


def _size(step: Step) -> int:
    """Bytes of what the step holds; both models may have been shown one image."""
    held = {id(array): array.nbytes for side in (step.a, step.b) if side for array in side.held}
    return sum(held.values())
