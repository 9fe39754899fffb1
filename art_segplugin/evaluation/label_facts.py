"""What the labels of a run were: the rule that read them, void, the classes seen, and what is doubtful."""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from art_segplugin.data.datasets import label_rule
from art_segplugin.data.labels import LabelRule, void_value
from art_segplugin.data.palettes import Palette
from art_segplugin.data.sample import Dataset
from art_segplugin.evaluation.result import CLEAN, BatchResult, LabelFacts

FAR_BETTER, AT_MOST = 0.3, 0.5
"""Another reading is named where it gains so much accuracy, and clean accuracy is below this share of it."""


def label_facts(
    results: Iterable[BatchResult], palette: Palette, data: Dataset | None
) -> LabelFacts | None:
    """Return the facts about the labels, as the clean results counted them.

    Args:
        results: Of a whole run, or the clean ones alone.
        palette: Names of the classes that scores are of.
        data: What was evaluated, for its label rule; None where there is no such thing.

    Returns:
        The facts; None where no image has labels, or where each has one class as a whole.
    """
    clean = [one for one in results if one.attack == CLEAN and one.labelled]
    images = [image for one in clean for image in one.images]
    if not images or all(image.valid + (image.void or 0) <= 1 for image in images):
        return None
    counts = np.sum([one.counts for one in clean], axis=0)
    valid, void = sum(image.valid for image in images), [image.void for image in images]
    known = [count for count in void if count is not None]
    share = sum(known) / max(valid + sum(known), 1) if len(known) == len(void) else math.nan
    rule = None if data is None else label_rule(data)
    seen = np.flatnonzero(counts.sum(1))
    return LabelFacts(
        rule="" if rule is None or data is None else rule.described(data.palette),
        void=share,
        classes=[palette.classes[index] for index in seen],
        void_images=[image.name for image in images if not image.valid and image.void],
        doubts=[] if rule is None else _doubts(counts, share, rule, palette),
    )


def _doubts(counts: NDArray[np.int64], void: float, rule: LabelRule, palette: Palette) -> list[str]:
    """What the confusion matrix (rows true) says against the way the labels were read."""
    total, right = counts.sum(), np.trace(counts)
    if not total:
        return []
    found = [text for text in (_other_reading(counts, right / total, rule),) if text]
    seen, last = np.flatnonzero(counts.sum(1)), len(counts) - 1
    void_in_files = void_value(palette) if rule.void is None else rule.void
    settled = any(label is None or value == void_in_files for value, label in rule.mapping)
    if len(seen) == 1 and void > 0 and not settled:
        found.append(
            f"The labels hold one class, {palette.classes[seen[0]]!r}, and void in "
            f"{100 * void:.1f} % of the pixels. If a void value marks an object, say which class it "
            f"is, such as --label-map {void_in_files}=1; if it is void, --void {void_in_files}."
        )
    share = counts[last].sum() / total
    value = next((v for v in range(256) if rule.label_of(v, palette) == last), last)
    if last > 1 and share >= 0.001 and not counts[:, last].any():
        found.append(
            f"The model never predicts class {last}, the last one, which {100 * share:.1f} % of the "
            f"labelled pixels have; if {value} is void in these files, pass --void {value}."
        )
    return found


def _other_reading(counts: NDArray[np.int64], accuracy: float, rule: LabelRule) -> str:
    """The way of numbering by which the same predictions would be far better, if there is one."""
    higher = "--no-reduce-zero-label" if rule.reduce_zero else "--label-map 0=1,1=2 and so on"
    readings = [  # right pixels by class, all pixels, what the labels would be, the option
        (np.diag(counts, -1), counts[1:].sum(), "0 as void and class k stored as k + 1",
         "--reduce-zero-label"),
        (np.diag(counts, 1), counts.sum(), "class k stored as k - 1", higher),
    ]  # fmt: skip
    if len(counts) == 2:
        readings.append(
            (np.diag(counts[::-1]), counts.sum(), "the two classes swapped", "--label-map 0=1,1=0")
        )
    best, what, option = max(
        (hits.sum() / max(pixels, 1) if (hits > 0).sum() > 1 else 0.0, what, option)
        for hits, pixels, what, option in readings
    )
    if best < accuracy + FAR_BETTER or accuracy > AT_MOST * best:
        return ""
    return (
        f"Clean accuracy is {100 * accuracy:.1f} %. Reading the labels with {what} would make it "
        f"{100 * best:.1f} %; if they are numbered so, pass {option}."
    )
