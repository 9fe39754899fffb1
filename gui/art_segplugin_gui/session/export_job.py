"""All that an export is made from: what is on screen, and what it was asked for with."""

from collections.abc import Iterable
from dataclasses import dataclass

from art_segplugin.errors import InputError
from art_segplugin_gui.session.display import DisplayState
from art_segplugin_gui.session.frames import Clean, Prediction, SourceFrame, Step
from art_segplugin_gui.session.identity import Identity
from art_segplugin_gui.session.state import State


@dataclass(frozen=True)
class Curve:
    """How a model fell.

    Attributes:
        name: "A" or "B".
        numbers: points of the attack, ascending.
        miou: mean IoU at each.
        mis_ratio: share of wrong pixels at each.
    """

    name: str
    numbers: tuple[int, ...]
    miou: tuple[float, ...]
    mis_ratio: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Exported:
    """What is on screen.

    Attributes:
        shown: picture, predictions and the point of the attack.
        request: what the worker was asked for when it made them, also where the state was changed
            since.
        state: layer and opacity are drawn as it says.
        curves: of the run, one a model.
        threads: threads that torch computes with in the worker.
        device: where the models run.
    """

    shown: DisplayState
    request: Identity
    state: State
    curves: tuple[Curve, ...] = ()
    threads: int = 1
    device: str = "cpu"

    @property
    def frame(self) -> SourceFrame:
        """The picture.

        Raises:
            InputError: there is none yet.
        """
        if self.shown.frame is None:
            raise _nothing()
        return self.shown.frame

    @property
    def clean(self) -> Clean:
        """Predictions for it.

        Raises:
            InputError: there are none yet.
        """
        if self.shown.clean is None:
            raise _nothing()
        return self.shown.clean

    @property
    def rows(self) -> list[tuple[str, Prediction, Prediction | None]]:
        """The models: name, clean, and under attack where there was one."""
        rows = [("A", self.clean.a, self.shown.attacked_a)]
        if self.clean.b is not None:
            rows.append(("B", self.clean.b, self.shown.attacked_b))
        return rows


def curves_of(steps: Iterable[Step]) -> tuple[Curve, ...]:
    """Curves through the points of a run, in the order of their numbers."""
    ordered = sorted(steps, key=lambda step: step.number)
    curves = []
    for name in ("a", "b"):
        sides = [(step.number, side) for step in ordered if (side := getattr(step, name))]
        if sides:
            numbers = tuple(number for number, _ in sides)
            miou = tuple(side.scores.miou for _, side in sides)
            wrong = tuple(side.scores.mis_ratio for _, side in sides)
            curves.append(Curve(name.upper(), numbers, miou, wrong))
    return tuple(curves)


def _nothing() -> InputError:
    return InputError("there is nothing to export yet; wait for the first prediction.")
