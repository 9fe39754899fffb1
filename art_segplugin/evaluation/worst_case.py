"""The worst case over the answers of an evaluation: those of attacks, of their members, and none."""

import json
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from art_segplugin.attacks.registry import NORM_NAMES
from art_segplugin.core.threat_model import NORMS
from art_segplugin.evaluation.result import (
    CLEAN,
    BatchResult,
    ImageScore,
    WorstCaseResult,
    grouped,
)
from art_segplugin.metrics.worst_case import chosen, lowest_accuracy, lowest_mean_iou


def worst_cases(results: Iterable[BatchResult]) -> list[WorstCaseResult]:
    """The worst case over each ensemble, and over all attacks of the same radius, norm and seed.

    An adversary may leave an image alone, so the clean image is always one of the answers; the
    answer of each member of an ensemble is another. Attacks without a radius are left out, for their
    answers may be anywhere, and so are targeted ones.

    Args:
        results: of all batches, of one process or of several that shared the images; the clean ones
            among them.

    Returns:
        For each seed and threat model, in the order of the results: a worst case over each attack
        that has members, then one over all, where there are several attacks. None where images were
        not counted one by one.
    """
    groups = grouped(results)
    clean = [group for group in groups if group[0].attack == CLEAN]
    attacked: dict[str, list[list[BatchResult]]] = {}
    for group in groups:
        options = group[0].options
        if group[0].attack != CLEAN and "eps" in options and not options.get("targeted"):
            norm = NORM_NAMES[NORMS[options.get("norm", "inf")]]
            key = json.dumps([group[0].seed, options["eps"], norm])
            attacked.setdefault(key, []).append(group)
    found = []
    for key, same in attacked.items():
        _, eps, norm = json.loads(key)
        ensembles = [[group] for group in same if any(one.members is not None for one in group)]
        for groups in [*ensembles, *([same] if len(same) > 1 else [])]:
            worst = _worst(clean, groups, {"eps": eps, "norm": norm})
            if worst is not None:
                found.append(worst)
    return found


def _worst(
    clean: Sequence[Sequence[BatchResult]],
    groups: Sequence[Sequence[BatchResult]],
    options: dict[str, object],
) -> WorstCaseResult | None:
    """Of the answers of these attacks; None where one of them has not all images."""
    answers = [answer for group in [*clean, *groups] for answer in _answers(group)]
    if not clean or not answers[0] or any(one.keys() != answers[0].keys() for one in answers):
        return None
    places = sorted(answers[0])
    totals = torch.stack([torch.stack([answer[place] for place in places]) for answer in answers])
    names = {
        place: image
        for result in clean[0]
        for place, image in zip(result.positions, result.images, strict=True)
    }
    hits = chosen(totals, lowest_accuracy(totals))[:, 0].sum(1).tolist()
    return WorstCaseResult(
        attacks=[group[0].attack for group in groups],
        options=options,
        seed=groups[0][0].seed,
        answers=len(answers),
        images=[
            ImageScore(names[place].name, right, names[place].valid, names[place].void)
            for place, right in zip(places, hits, strict=True)
        ],
        totals=chosen(totals, lowest_mean_iou(totals)).sum(0).tolist(),
    )


def _answers(group: Sequence[BatchResult]) -> list[dict[int, Tensor]]:
    """Totals (3, c) of each image by its position, for each answer of an attack."""
    if any(result.totals is None for result in group):
        return [{}]
    most = max((0 if one.members is None else one.members.shape[1] for one in group), default=0)
    found: list[dict[int, Tensor]] = [{} for _ in range(1 + most)]
    for result in group:
        assert result.totals is not None
        for number, place in enumerate(result.positions):
            own = result.totals[number]
            members = () if result.members is None else result.members[number].unbind(0)
            for answer in found:
                answer[place] = own
            for answer, totals in zip(found[1:], members, strict=False):
                answer[place] = totals
    return found
