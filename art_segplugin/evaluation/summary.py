"""From scored batches to the report."""

import json
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from art_segplugin.data.palettes import Palette
from art_segplugin.evaluation.batch_result import BatchResult
from art_segplugin.evaluation.result import CLEAN, AttackResult, Example, ImageScore


def summarise(results: Iterable[BatchResult]) -> list[AttackResult]:
    """Add up the batches of each attack and seed, in order of first appearance."""
    return [_total(group) for group in grouped(results)]


def grouped(results: Iterable[BatchResult]) -> list[list[BatchResult]]:
    """The batches of each attack and seed, in the order of the data, by first appearance."""
    groups: dict[str, list[BatchResult]] = {}
    for result in results:
        # As JSON, because options that come from a store hold lists where others hold tuples.
        key = json.dumps([result.attack, result.options, result.seed], sort_keys=True)
        groups.setdefault(key, []).append(result)
    return [sorted(group, key=lambda r: r.first) for group in groups.values()]


def _total(group: list[BatchResult]) -> AttackResult:
    images: list[ImageScore] = [image for result in group for image in result.images]
    valid = max(sum(image.valid for image in images), 1)
    wrong, on_fooled, loss = (
        np.sum([getattr(result, name) for result in group], axis=0)
        for name in ("wrong", "loss_on_fooled", "loss")
    )
    return AttackResult(
        attack=group[0].attack,
        options=group[0].options,
        seed=group[0].seed,
        counts=np.sum([result.counts for result in group], axis=0).tolist(),
        images=images,
        mis_ratio_curve=(np.asarray(wrong) / valid).tolist(),
        loss_share_curve=(np.asarray(on_fooled) / np.maximum(loss, 1e-12)).tolist(),
        largest_distance=max(result.largest_distance for result in group),
        seconds=sum(result.seconds for result in group),
    )


def examples(results: Sequence[BatchResult]) -> list[Example]:
    """Pictures of the images that were kept, with the first seed of each attack."""
    values: dict[tuple[str, str], set[Any]] = {}
    for result in results:
        for option in ("eps", "temperature"):
            values.setdefault((result.attack, option), set()).add(result.options.get(option))
    found: dict[str, Example] = {}
    for result in results:
        maps = (result.adversarial, result.prediction, result.reference)
        if any(tensor is None for tensor in maps):
            continue
        for score, image, prediction, reference in zip(result.images, *maps, strict=False):  # type: ignore[arg-type]
            picture = to_uint8(image)
            classes = _class_map(prediction, picture)
            if result.attack == CLEAN:
                truth = _class_map(reference, picture)
                found[score.name] = Example(score.name, picture, truth, classes, {})
            elif score.name in found:
                name = result.attack
                if len(values[result.attack, "eps"]) > 1:
                    name += f" eps {255 * result.options['eps']:g} of 255"
                if len(values[result.attack, "temperature"]) > 1:
                    name += f" temperature {result.options['temperature']:g}"
                found[score.name].attacked.setdefault(name, (picture, classes))
    return list(found.values())


def _class_map(labels: torch.Tensor, picture: NDArray[np.uint8]) -> NDArray[np.int64]:
    """A class map of the picture's size; a whole image's class (1, 1) is that of all its pixels."""
    return np.broadcast_to(labels.cpu().numpy(), picture.shape[:2]).copy()


def reference_of(results: Iterable[BatchResult]) -> str:
    """What scores are against, for RobustnessReport.reference."""
    labelled = {result.labelled for result in results}
    names = {True: "labels", False: "clean prediction"}
    return " or ".join(names[one] for one in sorted(labelled, reverse=True))


def to_uint8(image: torch.Tensor) -> NDArray[np.uint8]:
    """An image (3, h, w) in [0, 1] as uint8 (h, w, 3), rounded to the nearest."""
    pixels: NDArray[np.uint8] = (image.detach() * 255).round().byte().movedim(0, -1).cpu().numpy()
    return pixels


def versions() -> dict[str, str]:
    """What was installed when a report was made."""
    packages = ("art-segplugin", "torch", "numpy")
    return {"python": platform.python_version()} | {name: version(name) for name in packages}


def class_lists(palette: Palette) -> dict[str, Any]:
    """The palette as a report holds it."""
    return {"classes": list(palette.classes), "colours": [tuple(c) for c in palette.colours]}
