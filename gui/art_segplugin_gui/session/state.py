"""Everything that the user chose, as one immutable value."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Self

from art_segplugin_gui.session.painted import Mask, Painted

LAYERS = (
    "image",
    "prediction",
    "error",
    "newly wrong",
    "healed",
    "confidence",
    "perturbation",
    "weights",
)
"""What a pane can show over, or in place of, its image; in the order of the keys 1 to 8."""

GOALS = ("any", "class")
REGIONS = ("everywhere", "class", "painted")
FADE_LIMIT = 1.5


@dataclass(frozen=True)
class Source:
    """What is looked at.

    Attributes:
        spec: `scenes:SPLIT`, `drive:SEED`, `camera:NUMBER`, or the path of an image, folder or video.
        index: which of its pictures.
        first: first frame of the range that is played and attacked.
        last: last frame of it; None for the end.
        loop: begin again at `first` after `last`.
        longest_side: larger pictures are scaled down to this many pixels; None for never.
    """

    spec: str = "scenes:test"
    index: int = 0
    first: int = 0
    last: int | None = None
    loop: bool = True
    longest_side: int | None = 640


@dataclass(frozen=True)
class Models:
    """What is attacked.

    Attributes:
        a: the first model, as `art_segplugin.models.load_model` takes it.
        b: the model beside it; None for none.
        transfer: B is shown the images that were made against A, instead of its own attack's.
    """

    a: str = "small-scenes"
    b: str | None = None
    transfer: bool = True


@dataclass(frozen=True)
class Attack:
    """How it is attacked.

    Attributes:
        recipe: a name in `art_segplugin.attacks.RECIPES`.
        options: values of the recipe's parameters; those left out are the recipe's own.
        goal: "any" wrong class will do, or pixels of one class shall be taken for another ("class").
        from_class: pixels of which true class shall be taken for another; None for all pixels.
        to_class: what they shall be taken for.
        region: where the image may be changed: "everywhere", at the pixels of a class, or "painted".
        region_class: that class.
        painted: the region that is painted, for pictures of its size; None for none.
        seed: seed of the random start.
        auto: attack again whenever something changes.
        keep: where one class shall be taken for another, the prediction shall stay as it is elsewhere.
    """

    recipe: str = "segpgd"
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    goal: str = "any"
    from_class: int | None = None
    to_class: int = 0
    region: str = "everywhere"
    region_class: int = 0
    painted: Painted | None = None
    seed: int = 0
    auto: bool = True
    keep: bool = False

    def with_options(self, **options: Any) -> Self:
        """The same attack with some values changed; None takes a value back to the recipe's own."""
        merged = {k: v for k, v in {**self.options, **options}.items() if v is not None}
        return replace(self, options=MappingProxyType(merged))

    @property
    def mask(self) -> Mask | None:
        """Pixels that alone may change, bool (h, w), where the region is painted; else None."""
        return self.painted.mask if self.painted and self.region == "painted" else None

    @property
    def decisive(self) -> Self:
        """Without what changes no run: what is painted elsewhere, and whether runs start by themselves."""
        painted = self.painted if self.region == "painted" else None
        return replace(self, painted=painted, auto=True)


@dataclass(frozen=True)
class View:
    """How it is shown; no model is asked for any of it, but for `fade`.

    Attributes:
        layer: one of LAYERS.
        opacity: of the layer over the image, 0..1.
        fade: strength of the perturbation, 0..FADE_LIMIT; 1 is the attack as it is.
        hidden: classes that are not painted.
        isolated: the only class that is painted; None for all.
        pair: (true, predicted) classes whose pixels alone are painted; None for all.
        linked: panes zoom and move together.
        safe_colours: class colours and hatching that colour-blind people can tell apart.
    """

    layer: str = "prediction"
    opacity: float = 0.55
    fade: float = 1.0
    hidden: frozenset[int] = frozenset()
    isolated: int | None = None
    pair: tuple[int, int] | None = None
    linked: bool = True
    safe_colours: bool = False


@dataclass(frozen=True)
class State:
    """All of it; a change makes a new one (`dataclasses.replace`)."""

    source: Source = Source()
    models: Models = Models()
    attack: Attack = Attack()
    view: View = View()


def step_index(source: Source, by: int, count: int | None) -> int:
    """The picture so many further on: within the range of the source, and round it if it loops.

    Args:
        source: what is looked at.
        by: pictures to go on; below 0 to go back.
        count: how many pictures there are; None where nobody knows, as with a camera.
    """
    first, last = _ends(source, count)
    if last is None:
        return max(source.index + by, first)
    if not first <= source.index <= last:  # it was typed: the range begins at its near end
        beyond = source.index > last
        return last if beyond and (by < 0 or not source.loop) else first
    if source.loop:
        return first + (source.index - first + by) % (last - first + 1)
    return min(max(source.index + by, first), last)


def _ends(source: Source, count: int | None) -> tuple[int, int | None]:
    """First and last picture of its range; None for no end."""
    top = None if count is None else max(count - 1, 0)
    last = top if source.last is None else source.last
    if top is not None and last is not None:
        last = min(last, top)
    first = source.first if last is None else min(source.first, last)
    return first, last
