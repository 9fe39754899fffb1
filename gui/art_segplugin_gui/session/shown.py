"""What is on screen: one picture, the predictions for it, and the point of the attack looked at."""

from dataclasses import dataclass

from art_segplugin_gui.session.frames import Clean, Faded, Side, SourceFrame, Step
from art_segplugin_gui.session.painted import Mask, Painted
from art_segplugin_gui.session.request import Run
from art_segplugin_gui.session.state import Models


@dataclass(frozen=True, eq=False)
class Shown:
    """All that panes, charts and exports draw from.

    Attributes:
        frame: the picture; None before the first one came.
        clean: predictions for it; None until they are there.
        step: the point of the attack; None until there is one.
        faded: the same perturbation at another strength; None where that is 1 or not computed yet.
        share: the strength that is wanted.
        outdated: the attack was changed since, and has not run again.
        models: whose predictions they are; None until they are there.
        request: what the predictions were asked for with; None until they are there.
        note: what it is where it is no point of an attack on this picture alone.
    """

    frame: SourceFrame | None = None
    clean: Clean | None = None
    step: Step | None = None
    faded: Faded | None = None
    share: float = 1.0
    outdated: bool = False
    models: Models | None = None
    request: Run | None = None
    note: str = ""

    def outlives(self, request: Run) -> bool:
        """Whether the point on screen stays until the first of a new run: the predictions are the same."""
        before = self.request
        return (
            self.step is not None
            and before is not None
            and request.attack is not None
            and (before.frame, before.models) == (request.frame, request.models)
        )

    def fitting(self, painted: Painted | None) -> Mask | None:
        """A painted region, bool (h, w), if it is of the size of the picture."""
        if painted is None or self.frame is None or self.frame.image.shape[:2] != painted.size:
            return None
        return painted.mask

    @property
    def clean_a(self) -> Side | None:
        """A on the picture itself."""
        return None if self.clean is None else self.clean.a

    @property
    def clean_b(self) -> Side | None:
        """B on the picture itself."""
        return None if self.clean is None else self.clean.b

    @property
    def attacked_a(self) -> Side | None:
        """A under attack, at the strength that is wanted as far as it is known."""
        if self.faded is not None:
            return self.faded.a
        return None if self.step is None else self.step.a

    @property
    def attacked_b(self) -> Side | None:
        """B under attack, likewise."""
        if self.faded is not None:
            return self.faded.b
        return None if self.step is None else self.step.b

    @property
    def title(self) -> str:
        """Which point of the attack it is, such as "step 7/20"."""
        if self.note or self.step is None:
            return self.note
        words = f"step {self.step.number}/{self.step.total}"
        if self.share != 1:
            words += f" at {100 * self.share:.0f} %"
        return words + (" (before the change)" if self.outdated else "")
