"""The scores of predictions: one type for an image, a batch and a data set.

Knows neither torch nor pydantic, so that a window can hold them: `evaluation.scores` makes them from
tensors, and they say themselves how they are written as JSON.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray

REFERENCES = {True: "labels", False: "clean prediction"}
"""What scores are against, by `Scores.labelled`."""


class NanAsNull:
    """Has pydantic write a float that is not finite as null, and read null as NaN: JSON has no NaN."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """A float, or null."""
        from pydantic_core import core_schema

        return core_schema.no_info_before_validator_function(
            lambda value: math.nan if value is None else value, handler(source)
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> Any:
        """A number, or null."""
        return {"anyOf": [handler(schema), {"type": "null"}]}


class AsLists:
    """Has pydantic write an array as nested lists, and read these.

    Args:
        kind: type of the lists.
    """

    def __init__(self, kind: Any) -> None:
        self.kind = kind

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Nested lists; whoever is built from them makes the array."""
        from pydantic_core import core_schema

        return handler.generate_schema(self.kind) | {
            "serialization": core_schema.plain_serializer_function_ser_schema(
                lambda array: np.asarray(array).tolist()
            )
        }


Number = Annotated[float, NanAsNull()]


@dataclass(frozen=True, eq=False)
class TargetScores:
    """What a targeted attack reached, and what else it changed: of one image or of many.

    Both are about the model's prediction for the image as it was, not about labels. The source is
    what is to become the target: valid pixels that were predicted as the class to be mistaken, or as
    any class but the target where all pixels are to become it. The rest are the other valid pixels.

    Attributes:
        reached: share of the source that is predicted as the target, 0..1; NaN without a source.
        collateral: share of the rest that is predicted as another class than before, 0..1; NaN
            without a rest.
        source: pixels of the source.
        rest: pixels of the rest.
    """

    reached: Number
    collateral: Number
    source: int
    rest: int

    @classmethod
    def of(cls, reached: int, source: int, changed: int, rest: int) -> Self:
        """From the pixels that reached the target, and those of the rest that changed."""
        return cls(_ratio(reached, source), _ratio(changed, rest), source, rest)

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """What `of` takes."""
        reached, changed = (
            round(share * pixels) if pixels else 0
            for share, pixels in ((self.reached, self.source), (self.collateral, self.rest))
        )
        return reached, self.source, changed, self.rest

    def __eq__(self, other: object) -> bool:
        """Whether both are the same to the last bit; what is NaN in both is the same."""
        if not isinstance(other, TargetScores):
            return NotImplemented
        shares = same(self.reached, other.reached, 0) and same(self.collateral, other.collateral, 0)
        return shares and (self.source, self.rest) == (other.source, other.rest)

    __hash__ = None  # type: ignore[assignment]  # NaN equals NaN here


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def pooled_targets(scores: Iterable[TargetScores | None]) -> TargetScores | None:
    """Those of many images together; None where none has any."""
    known = [one.counts for one in scores if one is not None]
    return TargetScores.of(*map(sum, zip(*known, strict=True))) if known else None


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of predictions against their reference, of one image or of many.

    Attributes:
        miou: mean intersection over union of the classes that occur, 0..1; NaN without any.
        mis_ratio: share of the valid pixels that are wrong, 0..1.
        class_iou: intersection over union of each class, float64 (c,), NaN for an absent class;
            (0,) where only the totals were kept.
        confusion: pixels of each (true, predicted) pair of classes, int64 (c, c); likewise.
        distance: size of the perturbation in the attack's norm, images in [0, 1]; of many images the
            largest.
        labelled: against labels, else "vs clean prediction".
        target: what a targeted attack reached and what else it changed; None where there is no
            target, and in files of version 0.1.
    """

    miou: Number
    mis_ratio: Number
    class_iou: Annotated[NDArray[np.float64], AsLists(list[Number])] = field(
        default_factory=lambda: np.zeros(0)
    )
    confusion: Annotated[NDArray[np.int64], AsLists(list[list[int]])] = field(
        default_factory=lambda: np.zeros((0, 0), dtype=np.int64)
    )
    distance: Number = 0.0
    labelled: bool = True
    target: TargetScores | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "class_iou", np.asarray(self.class_iou, dtype=np.float64))
        object.__setattr__(self, "confusion", np.asarray(self.confusion, dtype=np.int64))

    def __eq__(self, other: object) -> bool:
        """Whether all scores are the same to the last bit; what is NaN in both is the same."""
        if not isinstance(other, Scores):
            return NotImplemented
        names = ("miou", "mis_ratio", "class_iou", "confusion", "distance", "labelled")
        return self.target == other.target and all(
            np.array_equal(getattr(self, name), getattr(other, name), equal_nan=True)
            for name in names
        )

    __hash__ = None  # type: ignore[assignment]  # it holds arrays

    @property
    def reached(self) -> float:
        """Share of the source that is predicted as the target, 0..1; NaN where there is none."""
        return math.nan if self.target is None else self.target.reached

    @property
    def collateral(self) -> float:
        """Share of the rest whose prediction changed, 0..1; NaN where there is no target."""
        return math.nan if self.target is None else self.target.collateral

    @property
    def totals(self) -> "Scores":
        """The same without what is known of each class, of which a clip would keep too much."""
        return replace(self, class_iou=np.zeros(0), confusion=np.zeros((0, 0), dtype=np.int64))


def share(value: float) -> str:
    """A share as ".717", or "1.00"; "-" where there is none."""
    if math.isnan(value):
        return "-"
    return f"{value:.3f}".removeprefix("0") if value < 0.9995 else "1.00"


def percent(value: float) -> str:
    """A share as "3.6 %"; "-" where there is none."""
    return "-" if math.isnan(value) else f"{100 * value:.1f} %"


def target_text(scores: Scores) -> str:
    """What a targeted attack came to, as "reached 96.0 %  collateral 3.7 %"; empty for others."""
    if scores.target is None:
        return ""
    return f"reached {percent(scores.reached)}  collateral {percent(scores.collateral)}"


def differences(
    recorded: Mapping[str, Scores], found: Mapping[str, Scores], tolerance: float = 0.0
) -> list[str]:
    """One line for each score that is another one; none where all are the same.

    Counts of pixels are compared through the scores where a tolerance is given.

    Args:
        recorded: scores by the name of what they are of.
        found: likewise.
        tolerance: by how much shares and distances may differ.
    """
    lines = [f"{side}: recorded, but not there now" for side in recorded if side not in found]
    lines += [f"{side}: there now, but not recorded" for side in found if side not in recorded]
    for side, scores in recorded.items():
        if side in found:
            lines += [f"{side}: {line}" for line in _lines(scores, found[side], tolerance)]
    return lines


def same(recorded: float, found: float, tolerance: float) -> bool:
    """Whether two scores agree; two that are not there do."""
    if math.isnan(recorded) or math.isnan(found):
        return math.isnan(recorded) and math.isnan(found)
    return abs(recorded - found) <= tolerance


def _lines(recorded: Scores, found: Scores, tolerance: float) -> Iterator[str]:
    if recorded.labelled != found.labelled:
        yield "other labels"
    if len(recorded.class_iou) != len(found.class_iou):
        yield f"{len(recorded.class_iou)} classes, now {len(found.class_iou)}"
        return
    pairs = [
        ("mIoU", recorded.miou, found.miou),
        ("error", recorded.mis_ratio, found.mis_ratio),
        ("distance", recorded.distance, found.distance),
    ]
    if recorded.target is not None:  # version 0.1 recorded none, whatever the goal was
        pairs += [
            ("reached", recorded.reached, found.reached),
            ("collateral", recorded.collateral, found.collateral),
        ]
    both = zip(recorded.class_iou.tolist(), found.class_iou.tolist(), strict=True)
    pairs += [(f"IoU of class {index}", a, b) for index, (a, b) in enumerate(both)]
    differing = [pair for pair in pairs if not same(pair[1], pair[2], tolerance)]
    for name, a, b in differing:
        yield f"{name} {a!r}, now {b!r}"
    if not differing and tolerance == 0 and not np.array_equal(recorded.confusion, found.confusion):
        yield "other confusion counts"
