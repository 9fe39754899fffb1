"""Attack a whole data set: a generator of scored batches that can be stopped and resumed."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from art_segplugin.attacks import NamedAttack
from art_segplugin.core.modes import evaluation_mode
from art_segplugin.core.threat_model import ThreatModel
from art_segplugin.core.types import Images, Labels, Logits
from art_segplugin.data.sample import Dataset
from art_segplugin.errors import InputError
from art_segplugin.evaluation.batch_result import BatchResult
from art_segplugin.evaluation.batches import Batch, batches
from art_segplugin.evaluation.goal import ANY_WRONG, Goal
from art_segplugin.evaluation.regions import Regions
from art_segplugin.evaluation.result import CLEAN, ImageScore
from art_segplugin.evaluation.store import ResultStore
from art_segplugin.metrics import count
from art_segplugin.metrics.class_counts import ClassCounts
from art_segplugin.models.segmenter import Segmenter


def evaluate(
    model: Segmenter,
    data: Dataset,
    attacks: Sequence[NamedAttack],
    *,
    seeds: Sequence[int] = (0,),
    batch_size: int = 4,
    pictures: int = 0,
    store: ResultStore | None = None,
    regions: Regions | None = None,
) -> Iterator[BatchResult]:
    """Score the clean images, then every attack with every seed, batch by batch.

    Images without labels are attacked against the model's own clean prediction. The random start of
    a batch depends on the seed and the batch only, so attacks with a random start share it.

    Args:
        model: on the device to use.
        data: what to attack.
        attacks: as `art_segplugin.attacks.named` gives them.
        seeds: one run of all attacks each.
        batch_size: images attacked together.
        pictures: number of leading images that are kept to be drawn.
        store: where finished batches are kept; those found in it are not run again, except where
            pictures are asked for.
        regions: count pixels by class too, as a diagnosis needs them, in these regions.

    Yields:
        (1 + attacks x seeds) results a batch.

    Raises:
        InputError: the model does not fit the data, an attack is targeted (what it is to reach is
            not known here), or `regions` are given and an image has no labels.
    """
    if any(attack.options.get("targeted") for attack in attacks):
        raise InputError("an attack is targeted; a data set is evaluated untargeted.")
    device = next(model.parameters()).device
    for batch in batches(data, batch_size, device):
        keep = max(min(pictures - batch.first, len(batch.names)), 0)
        reference, checked = batch.labels, False
        for attack, seed in [(None, 0), *((a, s) for s in seeds for a in attacks)]:
            key = (attack.name, _options(attack, model), seed) if attack else (CLEAN, {}, 0)
            found = None if store is None or keep else store.find(*key, batch.first)
            if found is not None and (regions is None or found.class_counts is not None):
                yield found
                continue
            if not checked:
                model.validate(batch.images, batch.labels)
                batch, checked = _with_regions(batch, regions, model.ignore_index), True
            if attack is None:
                result, reference = clean_result(model, batch, keep)
            else:
                if reference is None:  # no labels, and the clean score comes from the store
                    reference = predict(model, batch.images)
                result = attacked_result(model, batch, reference, attack, seed, keep)
            if store is not None:
                store.add(result)
            yield result


def _with_regions(batch: Batch, regions: Regions | None, ignore_index: int) -> Batch:
    if regions is None:
        return batch
    if batch.labels is None:
        raise InputError(
            f"image {batch.names[0]!r} has no labels; what happens to each class is counted "
            "against labels, so give all images some."
        )
    return replace(batch, regions=regions.masks(batch.labels, ignore_index))


def predict(model: Segmenter, images: Images) -> Labels:
    """Class maps (n, h, w), in evaluation mode."""
    prediction: Labels = _logits(model, images).argmax(1)
    return prediction


def _logits(model: Segmenter, images: Images) -> Logits:
    with torch.no_grad(), evaluation_mode(model):
        logits: Logits = model(images)
    return logits


def clean_result(model: Segmenter, batch: Batch, keep: int = 0) -> tuple[BatchResult, Labels]:
    """Scores without an attack, and the labels to compare with: the truth or the prediction.

    The first `keep` images are kept to be drawn.
    """
    started = time.perf_counter()
    logits = _logits(model, batch.images)
    reference = logits.argmax(1) if batch.labels is None else batch.labels
    exact = BatchResult(CLEAN, {}, 0, batch.first, adversarial=batch.images)
    result = _scored(exact, model, batch, logits, reference)
    return _keeping(replace(result, seconds=time.perf_counter() - started), keep), reference


def attacked_result(
    model: Segmenter,
    batch: Batch,
    reference: Labels,
    named: NamedAttack,
    seed: int,
    keep: int = 0,
    goal: Goal = ANY_WRONG,
    mask: Tensor | None = None,
) -> BatchResult:
    """Attack one batch and score it against `reference`.

    Only pixels where `mask` (n, h, w) is True are changed; None for all.

    The curves are those of the first restart. A targeted attack has none: its fooled pixels are
    those on target, not the wrong ones.

    Raises:
        InputError: the adversarial images are not finite, because the model's gradients are not.
    """
    started = time.perf_counter()
    attack = named.build(ignore_index=model.ignore_index, targeted=goal.targeted)
    labels = goal.labels(reference, model.ignore_index)
    generator = random_start(seed, batch.first, batch.images.device)
    wrong, on_fooled, loss = [], [], []
    for iterate in attack.iterates(model, batch.images, labels, mask=mask, generator=generator):
        if iterate.restart == 0 and goal == ANY_WRONG and iterate.forward is not None:
            forward = iterate.forward
            wrong.append(forward.fooled.sum())
            on_fooled.append(torch.where(forward.fooled, forward.pixel_loss, 0.0).sum())
            loss.append(forward.pixel_loss.sum())
    exact = BatchResult(
        named.name,
        _options(named, model) | _wanted(goal),
        seed,
        batch.first,
        wrong=_numbers(wrong),
        loss_on_fooled=_numbers(on_fooled),
        loss=_numbers(loss),
    )
    scored = score(model, batch, reference, iterate.best, exact, attack.threat_model)
    return _keeping(replace(scored, seconds=time.perf_counter() - started), keep)


def random_start(seed: int, first: int, device: torch.device) -> torch.Generator:
    """Source of the random starts of the batch that begins with image `first`."""
    return torch.Generator(device).manual_seed(seed * 1_000_003 + first)


def score(
    model: Segmenter,
    batch: Batch,
    reference: Labels,
    x_adv: Images,
    result: BatchResult,
    threat_model: ThreatModel,
) -> BatchResult:
    """`result` with the counts, distance and pictures of the adversarial images `x_adv`."""
    if not bool(x_adv.isfinite().all()):
        raise InputError(f"{result.attack} gave values that are not finite; check the model.")
    distance = float(threat_model.distance(x_adv, batch.images).max())
    exact = replace(result, largest_distance=distance, adversarial=x_adv)
    return _scored(exact, model, batch, _logits(model, x_adv), reference)


def _keeping(result: BatchResult, count: int) -> BatchResult:
    """`result` with the pictures of its first `count` images only."""
    if count == 0:
        return result.without_pictures()
    kept = {
        name: tensor[:count]
        for name in ("adversarial", "prediction", "reference")
        if (tensor := getattr(result, name)) is not None
    }
    return replace(result, **kept)


def _options(named: NamedAttack, model: Segmenter) -> dict[str, Any]:
    """The attack's values as they are used: void is what the model calls so."""
    return named.described() | {"ignore_index": model.ignore_index}


def _wanted(goal: Goal) -> dict[str, Any]:
    """The goal as tables show it, nothing where any wrong class will do."""
    wanted = {"target": goal.to_class, "from": goal.from_class}
    return {name: value for name, value in wanted.items() if value is not None}


def _numbers(values: list[Tensor]) -> list[Any]:
    return torch.stack(values).tolist() if values else []


def _scored(
    result: BatchResult, model: Segmenter, batch: Batch, logits: Logits, reference: Labels
) -> BatchResult:
    """`result` with the counts and maps that the logits of its images give."""
    classes, void = model.classes, model.ignore_index
    assert classes is not None, "validate() has counted the classes"
    prediction = logits.argmax(1)
    valid = reference != void
    right = ((prediction == reference) & valid).flatten(1).sum(1).tolist()
    by_class = None
    if batch.regions is not None:
        by_class = _on_cpu(ClassCounts.of(logits, reference, void, batch.regions))
    return replace(
        result,
        counts=count(prediction, reference, classes, void).tolist(),
        images=[
            ImageScore(name, r, v)
            for name, r, v in zip(batch.names, right, valid.flatten(1).sum(1).tolist(), strict=True)
        ],
        labelled=batch.labels is not None,
        class_counts=by_class,
        prediction=prediction,
        reference=reference,
    )


def _on_cpu(counts: ClassCounts) -> ClassCounts:
    """As counts that come back from a store are."""
    return replace(
        counts,
        confusion=counts.confusion.cpu(),
        returned=counts.returned.cpu(),
        images=counts.images.cpu(),
        regions={name: table.cpu() for name, table in counts.regions.items()},
    )
