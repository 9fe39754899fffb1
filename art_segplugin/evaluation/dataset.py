"""Attacks x seeds over a data set: attacked in batches, scored and stored image by image."""

import hashlib
import json
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from art_segplugin.attacks import NamedAttack
from art_segplugin.core.ensemble import points_of
from art_segplugin.core.iterate import warn_without_gradient
from art_segplugin.core.types import Images, Labels
from art_segplugin.data.datasets import label_rule
from art_segplugin.data.images import RGB, ImageRule, as_channels, scaled_image
from art_segplugin.data.labels import void_value
from art_segplugin.data.sample import Dataset, Sample
from art_segplugin.data.video import Video
from art_segplugin.errors import InputError, InputWarning, UnreadableError
from art_segplugin.evaluation.documents import from_plain
from art_segplugin.evaluation.pipeline import (
    ANY_WRONG,
    Attacked,
    Chain,
    Clean,
    Goal,
    attack_arguments,
    clean_images,
    device_of,
    finite_logits,
    unperturbed,
)
from art_segplugin.evaluation.prefetch import one_ahead
from art_segplugin.evaluation.regions import Regions
from art_segplugin.evaluation.result import CLEAN, BatchResult, Example, ImageScore, examples
from art_segplugin.files import printable, write_text
from art_segplugin.metrics import count, totals_of
from art_segplugin.metrics.class_counts import ClassCounts, plain_table, table_from
from art_segplugin.models.fast import Accelerated
from art_segplugin.models.segmenter import Segmenter

ROUNDED = " 8-bit"
"""What is added to an attack's name where its images were rounded to 8 bits."""

Progress = Callable[[str, float], None]
"""Is told the name of an attack and how much of the batch it is through, as a number of images."""

SAMPLES_HASHED = 16
RULE = "label rule"

ODD = "the last row or column is cut off, for video codecs need even sides"


@dataclass(frozen=True, eq=False)
class Batch:
    """Samples of equal size on one device.

    Attributes:
        first: index of the first sample in the data set.
        names: one an image.
        images: float32 (n, 3, h, w) in [0, 1].
        labels: int64 (n, h, w), or (n, 1, 1) for whole images; None where any of the samples has
            none.
        regions: boolean maps of the shape of the labels, by name, whose pixels are also counted by
            themselves; None where pixels are not counted by class at all.
        share: index of each sample in the data set; None where they follow one another.
    """

    first: int
    names: list[str]
    images: Tensor
    labels: Tensor | None
    regions: dict[str, Tensor] | None = None
    share: Sequence[int] | None = None

    @property
    def indices(self) -> Sequence[int]:
        """Index of each sample in the data set."""
        return range(self.first, self.first + len(self.names)) if self.share is None else self.share


def batches(
    data: Dataset,
    batch_size: int,
    device: torch.device | str,
    share: Iterable[int] | None = None,
    left_out: dict[int, str] | None = None,
) -> Iterator[Batch]:
    """Samples in order; a batch ends early where the size of the images changes.

    Args:
        data: what to take them from.
        batch_size: most images of a batch.
        device: where to put them.
        share: indices of those to take; None for all.
        left_out: where samples are noted whose files cannot be read (`UnreadableError`), with a
            sentence by index; those noted in it are not tried again. None raises the errors.
    """
    waiting: list[tuple[int, Sample]] = []
    for index in range(len(data)) if share is None else share:
        if left_out is not None and index in left_out:
            continue
        try:
            sample = data[index]
        except UnreadableError as error:
            if left_out is None:
                raise
            left_out[index] = str(error)
            continue
        if waiting and (len(waiting) == batch_size or not _alike(waiting[0][1], sample)):
            yield _stack(waiting, device)
            waiting = []
        waiting.append((index, sample))
    if waiting:
        yield _stack(waiting, device)


def _alike(one: Sample, other: Sample) -> bool:
    return one.image.shape == other.image.shape and (one.labels is None) == (other.labels is None)


def _stack(indexed: list[tuple[int, Sample]], device: torch.device | str) -> Batch:
    samples = [sample for _, sample in indexed]
    maps = [sample.labels for sample in samples if sample.labels is not None]
    return Batch(
        indexed[0][0],
        [sample.name for sample in samples],
        torch.stack([sample.image for sample in samples]).to(device),
        torch.stack(maps).to(device) if maps else None,
        share=[index for index, _ in indexed],
    )


def evaluate(
    model: Segmenter,
    data: Dataset,
    attacks: Sequence[NamedAttack],
    *,
    seeds: Sequence[int] = (0,),
    batch_size: int = 4,
    pictures: int = 0,
    store: "ResultStore | None" = None,
    regions: Regions | None = None,
    share: Iterable[int] | None = None,
    chain: Chain = unperturbed,
    left_out: dict[int, str] | None = None,
    progress: Progress | None = None,
    fast: Accelerated | None = None,
) -> Iterator[BatchResult]:
    """Score the clean images, then every attack with every seed, batch by batch.

    Images without labels are attacked against the model's own clean prediction. The random start of
    an image depends on the seed and on its index in the data only: results are the same for every
    batch size and order, and attacks with a random start share it.

    Args:
        model: on the device to use.
        data: what to attack.
        attacks: as `art_segplugin.attacks.named` gives them.
        seeds: one run of all attacks each.
        batch_size: images attacked together.
        pictures: number of leading images that are kept to be drawn.
        store: where finished images are kept; those found in it are not run again, except where
            pictures are asked for, or where others of their batch are missing.
        regions: count pixels by class too, as a diagnosis needs them, in these regions.
        share: indices of the images to attack, such as those of one of several processes, whose
            results add up to those of all; None for all.
        chain: perturbations of images and labels, before anything else.
        left_out: where images that cannot be read are noted, see `batches`; None raises.
        progress: is told after every point of an attack, see `Progress`.
        fast: a copy of the model that is attacked in its place; all scores are the model's own, the
            curves of an attack are what the copy said on the way.

    Yields:
        (1 + attacks x seeds) results a batch.

    Raises:
        InputError: the model does not fit the data, an attack is targeted (what it is to reach is
            not known here), all labels are void, or `regions` are given and an image has no labels.
    """
    if any(attack.options.get("targeted") for attack in attacks):
        raise InputError("an attack is targeted; a data set is evaluated untargeted.")
    read = batches(data, batch_size, device_of(model), share, left_out)
    first = next(read, None)
    if first is None:
        return
    labels = _with_void_of(model, first, data.palette.ignore_index).labels
    if labels is not None and (labels == model.ignore_index).all():
        refuse_void_alone(data, model.ignore_index)
    for batch in one_ahead(first, read):
        batch = _with_void_of(model, batch, data.palette.ignore_index)
        keep = sum(index < pictures for index in batch.indices)
        clean = clean_images(model, batch.images, batch.labels, chain)
        batch, checked = replace(batch, images=clean.x, labels=clean.labels), False
        for attack, seed in [(None, 0), *((a, s) for s in seeds for a in attacks)]:
            if store is not None and not keep:
                found = store.find_all(_blank(model, batch, attack, seed), batch.indices, regions)
                if found is not None:
                    yield joined(found)
                    continue
            if not checked:
                with warnings.catch_warnings():
                    if label_rule(data) is not None:  # it asked, and reports say what is doubtful
                        warnings.filterwarnings("ignore", "Labels contain")
                    model.validate(batch.images, batch.labels, gradient=bool(attacks))
                batch, checked = _with_regions(batch, regions, model.ignore_index), True
            if attack is None:
                parts, shown = _clean_parts(clean, batch)
            else:
                clean = clean.released()
                parts, shown = _attack_parts(
                    clean, batch, attack, seed, progress=progress, fast=fast
                )
            if store is not None:
                for part in parts:
                    store.add(part)
            result = _keeping(joined(parts), shown, keep)
            del shown  # its logits would take memory during the next attack
            yield result


def _with_void_of(model: Segmenter, batch: Batch, void: int) -> Batch:
    """The batch with the model's label for void pixels, where that of the data is no class."""
    if batch.labels is None or void == model.ignore_index or 0 <= void < (model.classes or 0):
        return batch
    return replace(batch, labels=batch.labels.masked_fill(batch.labels == void, model.ignore_index))


def refuse_void_alone(data: Dataset, ignore_index: int) -> None:
    """Refuse data whose labels are void everywhere; looks no further than needed.

    Args:
        data: what is to be scored.
        ignore_index: label that the model calls void; that of the data is void too.

    Raises:
        InputError: there is no image without labels, and none with a pixel that counts.
    """
    read = 0
    for index in range(len(data)):
        with suppress(InputError):  # said where the image is used
            labels, read = data[index].labels, read + 1
            void = (ignore_index, data.palette.ignore_index)
            if labels is None or not torch.isin(labels, torch.tensor(void)).all():
                return
    if read == 0:
        return
    value = void_value(data.palette)
    raise InputError(
        "the labels are void everywhere; an evaluation or a diagnosis needs labelled pixels. If a void "
        f"value is a class, say which with --label-map, such as --label-map {value}=1 (in Python, "
        f"rule=LabelRule(mapping=(({value}, 1),)))."
    )


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
    prediction: Labels = finite_logits(model, images).argmax(1)
    return prediction


def clean_result(model: Segmenter, batch: Batch, keep: int = 0) -> tuple[BatchResult, Labels]:
    """Scores without an attack, and the labels to compare with: the truth or the prediction.

    The first `keep` images are kept to be drawn.
    """
    clean = clean_images(model, batch.images, batch.labels)
    parts, shown = _clean_parts(clean, batch)
    return _keeping(joined(parts), shown, keep), clean.reference


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
    clean = clean_images(model, batch.images, reference)
    parts, shown = _attack_parts(clean, batch, named, seed, goal, mask)
    return _keeping(joined(parts), shown, keep)


def _clean_parts(clean: Clean, batch: Batch) -> tuple[list[BatchResult], Attacked]:
    """One result an image, and what the model was shown."""
    started = time.perf_counter()
    shown = clean.shown
    parts = list(_scored([_blank(clean.model, batch)] * len(batch.names), batch, shown))
    return _timed(parts, started), shown


def _attack_parts(
    clean: Clean,
    batch: Batch,
    named: NamedAttack,
    seed: int,
    goal: Goal = ANY_WRONG,
    mask: Tensor | None = None,
    progress: Progress | None = None,
    fast: Accelerated | None = None,
) -> tuple[list[BatchResult], Attacked]:
    """Likewise after an attack."""
    fast = fast or Accelerated(clean.model)
    started = time.perf_counter()
    attack = named.build(ignore_index=clean.model.ignore_index, targeted=goal.targeted)
    given = attack_arguments(clean, seed, batch.indices, goal, mask)
    wrong, on_fooled, loss = [], [], []
    members, answer, member = list[Tensor](), clean.x, 0
    each = len(batch.names) / points_of(attack)
    with fast.at_work():
        for number, iterate in enumerate(
            attack.iterates(fast.model, clean.x, keep_logits=False, **given), 1
        ):
            if progress is not None:
                progress(named.name, min(number * each, len(batch.names)))
            if iterate.member != member:
                members.append(_totals(clean, answer))
            answer, member = iterate.answer_of_member, iterate.member
            if iterate.restart == 0 and goal == ANY_WRONG and iterate.forward is not None:
                forward = iterate.forward
                wrong.append(forward.fooled.flatten(1).sum(1))
                on_fooled.append(
                    torch.where(forward.fooled, forward.pixel_loss, 0.0).flatten(1).sum(1)
                )
                loss.append(forward.pixel_loss.flatten(1).sum(1))
    warn_without_gradient(iterate)
    blank = _blank(clean.model, batch, named, seed, goal)
    curves = [_per_image(values, len(batch.names)) for values in (wrong, on_fooled, loss)]
    parts = [
        replace(blank, wrong=w, loss_on_fooled=f, loss=t) for w, f, t in zip(*curves, strict=True)
    ]
    if members:
        by_image = torch.stack([*members, _totals(clean, answer)], 1).unsqueeze(1)
        parts = [replace(part, members=one) for part, one in zip(parts, by_image, strict=True)]
    shown = Attacked.of(clean, iterate.best, attack.threat_model, goal=goal)
    return _timed(list(_scored(parts, batch, shown)), started), shown


def _totals(clean: Clean, x_adv: Images) -> Tensor:
    """Hits, true and predicted pixels of each class in each image, int64 (n, 3, c), on the CPU."""
    classes, void = clean.model.classes, clean.model.ignore_index
    assert classes is not None, "validate() has counted the classes"
    pairs = zip(predict(clean.model, x_adv), clean.reference, strict=True)
    return totals_of(torch.stack([count(seen, true, classes, void) for seen, true in pairs])).cpu()


def _per_image(values: list[Tensor], images: int) -> list[list[Any]]:
    """From one tensor (n,) a step to one list an image."""
    return torch.stack(values, 1).tolist() if values else [[] for _ in range(images)]


def _timed(parts: list[BatchResult], started: float) -> list[BatchResult]:
    each = (time.perf_counter() - started) / len(parts)
    return [replace(part, seconds=each) for part in parts]


def _blank(
    model: Segmenter,
    batch: Batch,
    named: NamedAttack | None = None,
    seed: int = 0,
    goal: Goal = ANY_WRONG,
) -> BatchResult:
    """A result without scores: what it is of."""
    if named is None:
        return BatchResult(CLEAN, {}, 0, batch.first)
    # The attack's values as they are used: void is what the model calls so.
    options = named.described() | {"ignore_index": model.ignore_index}
    if goal.to_class is not None:
        options["target"] = goal.to_class
    if goal.from_class is not None:
        options["from"] = goal.from_class
    if goal.keep:
        options["keep"] = True
    return BatchResult(named.name, options, seed, batch.first)


def _scored(parts: Sequence[BatchResult], batch: Batch, shown: Attacked) -> Iterator[BatchResult]:
    """The parts, one an image, with the counts that what the model was shown gives."""
    model, reference = shown.clean.model, shown.clean.reference
    classes, void = model.classes, model.ignore_index
    assert classes is not None, "validate() has counted the classes"
    prediction, distances = shown.logits.argmax(1), shown.distances.tolist()
    nearest = shown.threat_model is not None and shown.threat_model.eps is None
    targets = shown.targets
    for place, (part, index) in enumerate(zip(parts, batch.indices, strict=True)):
        one = slice(place, place + 1)
        counts = count(prediction[one], reference[one], classes, void).cpu()
        by_class = None
        if batch.regions is not None:
            regions = {name: mask[one] for name, mask in batch.regions.items()}
            by_class = _on_cpu(ClassCounts.of(shown.logits[one], reference[one], void, regions))
        yield replace(
            part,
            first=index,
            counts=counts.tolist(),
            images=[
                ImageScore(
                    batch.names[place],
                    int(counts.trace()),
                    int(counts.sum()),
                    reference[one].numel() - int(counts.sum()),
                    targets[place],
                    distances[place] if nearest else None,
                )
            ],
            largest_distance=distances[place],
            labelled=batch.labels is not None,
            class_counts=by_class,
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


def joined(parts: Sequence[BatchResult]) -> BatchResult:
    """One result of the parts of a batch."""
    counted = [part.class_counts for part in parts if part.class_counts is not None]
    totals = totals_of(torch.tensor([part.counts for part in parts]))
    return replace(
        parts[0],
        wrong=_sum(part.wrong for part in parts),
        loss_on_fooled=_sum(part.loss_on_fooled for part in parts),
        loss=_sum(part.loss for part in parts),
        counts=torch.tensor([part.counts for part in parts]).sum(0).tolist(),
        images=[image for part in parts for image in part.images],
        largest_distance=max(part.largest_distance for part in parts),
        seconds=sum(part.seconds for part in parts),
        class_counts=ClassCounts.joined(counted) if counted else None,
        indices=[part.first for part in parts],
        totals=totals,
        members=_members(parts, totals),
    )


def _members(parts: Sequence[BatchResult], totals: Tensor) -> Tensor | None:
    """Of all images; where one has fewer answers, because it needed no more, its own is repeated."""
    most = max((0 if part.members is None else part.members.shape[1] for part in parts), default=0)
    if most == 0:
        return None
    found = []
    for part, own in zip(parts, totals.unsqueeze(1), strict=True):
        told = own.unsqueeze(1) if part.members is None else part.members
        missing = own.unsqueeze(1).expand(-1, most - told.shape[1], -1, -1)
        found.append(torch.cat([told, missing], 1))
    return torch.cat(found)


def _sum(curves: Iterable[list[Any]]) -> list[Any]:
    return [sum(values) for values in zip(*curves, strict=True)]


def _keeping(result: BatchResult, shown: Attacked, keep: int) -> BatchResult:
    """`result` with the pictures of its first `keep` images."""
    if keep == 0:
        return result
    return replace(
        result,
        adversarial=shown.x_adv[:keep],
        prediction=shown.logits[:keep].argmax(1),
        reference=shown.clean.reference[:keep],
    )


@dataclass(frozen=True, eq=False)
class AttackedSample:
    """One image after the attack.

    Attributes:
        sample: the image.
        x_adv: exact adversarial image, float32 (1, 3, h, w).
        x_8_bit: the same as multiples of 1/255, inside the threat model.
        results: scores of the clean image, the exact one and the rounded one, with pictures.
    """

    sample: Sample
    x_adv: Images
    x_8_bit: Images
    results: tuple[BatchResult, BatchResult, BatchResult]

    @cached_property
    def example(self) -> Example:
        """The clean image and the rounded one, to be drawn."""
        clean, _, rounded = self.results
        (example,) = examples([clean, rounded])
        return example


def attack_samples(
    model: Segmenter,
    samples: Iterable[Sample],
    named: NamedAttack,
    seed: int = 0,
    target: int | None = None,
    chain: Chain = unperturbed,
    first: int = 0,
    goal: Goal | None = None,
    fast: Accelerated | None = None,
) -> Iterator[AttackedSample]:
    """Attack each sample by itself, exactly and as the 8-bit file that is written.

    Args:
        model: on the device to use.
        samples: images of any sizes; those without labels are attacked against the model's own
            clean prediction.
        named: the attack; `targeted` if `target`, or a goal with one, is given.
        seed: seed of the random starts.
        target: class that every pixel shall be taken for.
        chain: perturbations of image and labels, before anything else.
        first: number of the first sample, by which its random start is chosen.
        goal: which pixels count and what they shall be taken for, in place of `target`.
        fast: a copy of the model that is attacked in its place, see `evaluate`.

    Raises:
        InputError: the model does not fit an image, `target` is no class of the model, or nothing in
            an image is of the class that is to be mistaken.
    """
    device, seen = device_of(model), set()
    goal = Goal(to_class=target) if goal is None else goal
    for index, sample in enumerate(samples, first):
        labels = None if sample.labels is None else sample.labels.unsqueeze(0).to(device)
        clean = clean_images(model, sample.image.unsqueeze(0).to(device), labels, chain)
        batch = Batch(index, [sample.name], clean.x, clean.labels)
        if batch.images.shape not in seen:  # costs a forward, so not for every frame
            model.validate(batch.images)
            seen.add(batch.images.shape)
        if clean.labels is not None:
            model.check_labels(clean.labels)
        goal.check(model.classes or 0)
        if goal.from_class is not None:
            goal.check(model.classes or 0, goal.seen(clean))
        unharmed, original = _clean_parts(clean, batch)
        exact, shown = _attack_parts(clean, batch, named, seed, goal, fast=fast)
        rounded = shown.rounded()
        named_so = [replace(part, attack=part.attack + ROUNDED, members=None) for part in exact]
        as_8_bit = list(_scored(named_so, batch, rounded))
        results = (
            _keeping(joined(unharmed), original, 1),
            _keeping(joined(exact), shown, 1),
            _keeping(joined(as_8_bit), rounded, 1),
        )
        yield AttackedSample(sample, shown.x_adv, rounded.x_adv, results)


def video_samples(
    video: Video, count: int | None = None, scale: float = 1.0, pixels: ImageRule = RGB
) -> Iterator[Sample]:
    """Frames of a video (the first `count`), named STEM-000000, STEM-000001, ...

    An odd last row or column is cut off: video codecs cannot write it, and what is written is to be
    what is attacked.

    Args:
        video: where they come from.
        count: read no more than so many; None for all.
        scale: factor on height and width.
        pixels: which channels the model takes.

    Raises:
        InputError: after the frames before it, a frame that cannot be read or is of another size.

    Warns:
        InputWarning: a row or column is cut off, or colours become grey.
    """
    stem, size = printable(video.path.stem), None
    for index, frame in enumerate(islice(video, count)):
        size = size or frame.shape
        if frame.shape != size:
            raise InputError(
                f"frame {index} of video {video.path} is {frame.shape[1]}x{frame.shape[0]} and the "
                f"first is {size[1]}x{size[0]}; cut the video there."
            )
        image = scaled_image(as_channels(frame, video.path, pixels), scale)
        height, width = image.shape[1] // 2 * 2, image.shape[2] // 2 * 2
        if (height, width) != image.shape[1:]:
            warnings.warn(InputWarning(ODD, video.path), stacklevel=2)
        yield Sample(f"{stem}-{index:06d}", image[:, :height, :width].contiguous(), None)


class ResultStore:
    """Results of one evaluation by attack, seed and image, so that an interrupted one can be resumed.

    A file of JSON lines, one a result; the first holds the setting. What version 0.1 wrote, a line a
    batch, is read where its batches were single images; others began at other random starts.

    Args:
        path: the file, made if missing.
        setting: what must be equal for results to be reusable (model, data).

    Raises:
        InputError: the file holds results of another setting, of larger batches, or is no such file.
    """

    def __init__(self, path: Path, setting: dict[str, Any]) -> None:
        self.path = path
        self._lines: dict[str, dict[str, Any]] = {}
        setting = json.loads(json.dumps(setting))
        if not path.exists():
            write_text(path, json.dumps({"setting": setting}) + "\n")
            return
        try:
            first, *lines = path.read_text(encoding="utf-8").splitlines()
            earlier = json.loads(first)["setting"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path} holds no results that could be gone on with ({error}); delete it."
            ) from error
        if isinstance(earlier, dict) and "batch_size" not in setting:
            earlier.pop("batch_size", None)
        if isinstance(earlier, dict) and RULE not in earlier:
            setting.pop(RULE, None)  # version 0.1, which hashed labels all the same
        if not isinstance(earlier, dict) or earlier != setting:
            known = earlier if isinstance(earlier, dict) else {}
            differing = [k for k in setting if known.get(k) != setting[k]]
            raise InputError(
                f"{path} holds results with another {', '.join(differing) or 'setting'}; "
                "choose another folder, or delete the file to begin anew."
            )
        good = [(line, values) for line in lines if (values := _stored(line)) is not None]
        for _, values in good:
            if len(values["images"]) > 1:
                raise InputError(
                    f"{path} holds results of batches of several images, whose random starts were "
                    "others in version 0.1; choose another folder, or delete the file to begin anew."
                )
            self._lines[_key(values)] = values
        if len(good) < len(lines):  # the run was killed while it wrote a line
            write_text(path, "\n".join([first, *(line for line, _ in good)]) + "\n")

    def find(
        self, attack: str, options: dict[str, Any], seed: int, first: int
    ) -> BatchResult | None:
        """The stored result of image `first`, or None."""
        values = self._lines.get(
            _key({"attack": attack, "options": options, "seed": seed, "first": first})
        )
        return None if values is None else _result(values)

    def find_all(
        self, like: BatchResult, indices: Sequence[int], regions: Regions | None = None
    ) -> list[BatchResult] | None:
        """The stored results of these images, those counted by class where regions are asked for."""
        found = []
        for index in indices:
            part = self.find(like.attack, like.options, like.seed, index)
            if part is None or (regions is not None and part.class_counts is None):
                return None
            found.append(part)
        return found

    def add(self, result: BatchResult) -> None:
        """Append the result of one image, if it is new; a crash can only lose the line being written.

        One with counts by class is new where the earlier one has none.
        """
        key = _key(vars(result))
        earlier = self._lines.get(key)
        if earlier is not None and ("class_counts" in earlier or result.class_counts is None):
            return
        values = {k: v for k, v in vars(result).items() if k not in NOT_STORED}
        values["images"] = [asdict(image) for image in result.images]
        if result.class_counts is not None:
            values["class_counts"] = result.class_counts.to_json()
            del values["counts"]  # the same table again
        if result.members is not None:
            values["members"] = plain_table(result.members)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(values) + "\n")
        self._lines[key] = values


def earlier_setting(path: Path) -> dict[str, Any]:
    """The setting of the results in a store; empty where there is none, or no store."""
    try:
        with path.open(encoding="utf-8") as file:
            found = json.loads(file.readline())["setting"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


NOT_STORED = (
    "adversarial", "prediction", "reference", "class_counts", "indices", "totals", "members",
)  # fmt: skip


def holds_attacks(path: Path) -> bool:
    """Whether a store of that path has results other than those of clean images."""
    with path.open(encoding="utf-8") as file:
        next(file, None)  # the setting
        for line in file:
            with suppress(ValueError, TypeError, KeyError):  # a broken line is none
                if json.loads(line)["attack"] != CLEAN:
                    return True
    return False


@dataclass(frozen=True)
class _Line:
    """Fields of a stored result, for their types."""

    attack: str
    options: dict[str, Any]
    seed: int
    first: int
    wrong: list[float]
    loss_on_fooled: list[float]
    loss: list[float]
    images: list[ImageScore]
    largest_distance: float
    seconds: float
    labelled: bool
    counts: list[list[int]] = field(default_factory=list)
    class_counts: Any = None
    members: Any = None


def _stored(line: str) -> dict[str, Any] | None:
    """The values of a line; None where it is broken, or holds something else than a result."""
    try:
        values = json.loads(line)
        from_plain(_Line, values)
        counts = _result(values).counts
        if not counts or any(len(row) != len(counts) for row in counts) or not values["images"]:
            return None
    except (ValueError, TypeError, KeyError, IndexError, RecursionError):
        return None
    return dict(values)


def _result(values: Mapping[str, Any]) -> BatchResult:
    images = [ImageScore(**image) for image in values["images"]]
    counts = values.get("class_counts")
    by_class = None if counts is None else ClassCounts.from_json(counts)
    members = values.get("members")
    found = BatchResult(**{**values, "images": images, "class_counts": by_class, "members": None})
    if by_class is not None:
        found = replace(found, counts=by_class.confusion.tolist())
    if members is not None:
        answers = members["shape"][1] if isinstance(members, dict) else len(members[0])
        shape = (len(images), answers, 3, len(found.counts))
        found = replace(found, members=table_from(members, shape))
    return found


def _key(result: Mapping[str, Any]) -> str:
    return json.dumps([result[k] for k in ("attack", "options", "seed", "first")], sort_keys=True)


@contextmanager
def refused_runs_removed(paths: Sequence[Path]) -> Iterator[None]:
    """Where an input is refused before any attack, leave no new store that blocks the next try."""
    new = [path for path in paths if not path.exists()]
    try:
        yield
    except InputError:
        for path in new:
            if path.exists() and not holds_attacks(path):
                path.unlink()
        raise


def setting(model: Segmenter, model_name: str, data: Dataset, data_name: str) -> dict[str, Any]:
    """What must be equal for the results of an earlier run to be resumed."""
    rule = label_rule(data)
    return {
        "model": model_name,
        "weights": fingerprint(model),
        "data": data_name,
        "images and labels": data_fingerprint(data),
        RULE: "" if rule is None else rule.described(data.palette),
    }


def fingerprint(model: Segmenter) -> str:
    """A hash of the weights: the same name may hold others tomorrow."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]


def data_fingerprint(data: Dataset) -> str:
    """A hash of the number of samples and of up to 16 of them, spread evenly over the data."""
    digest = hashlib.sha256(str(len(data)).encode())
    for index in _spread(data):
        try:
            sample = data[index]
        except UnreadableError:
            digest.update(b"cannot be read")
            continue
        digest.update(repr(sample.name).encode())
        for tensor in (sample.image, sample.labels):
            if tensor is not None:
                digest.update(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
                digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def usable_sample(data: Dataset) -> Sample:
    """The first of up to 16 samples, spread evenly over the data, that can be read.

    Raises:
        InputError: most of them cannot, or one is wrong in another way than a damaged file is.
    """
    usable: Sample | None = None
    errors, tried = list[UnreadableError](), _spread(data)
    for index in tried:
        try:
            sample = data[index]
            usable = usable or sample
        except UnreadableError as error:
            errors.append(error)
    if usable is not None and len(errors) <= len(tried) / 2:
        return usable
    if len(errors) == 1:
        raise errors[0]
    raise InputError(f"{errors[0]} ({len(errors)} of {len(tried)} images tried cannot be read)")


def _spread(data: Dataset) -> list[int]:
    last = len(data) - 1
    return sorted({round(last * part / (SAMPLES_HASHED - 1)) for part in range(SAMPLES_HASHED)})
