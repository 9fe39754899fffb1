"""The worst case over several attacks: which answer of each image leaves the lowest score.

Segmentation ensemble attack, SEA (Croce et al., ECCV 2024, arXiv:2306.12941, section 3.3): pixel
accuracy is lowest where each image has its own lowest; mIoU pools the counts of all images, so the
answers have to be chosen together. SEA goes through the images and changes an answer where that
lowers the mIoU. Its public code compares every answer of an image with a value that is renewed only
after all of them, so that a worse answer can replace a better one; here an image gets the best of
all its answers, given those of the others, until no image changes.
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from art_segplugin.errors import InputError
from art_segplugin.metrics.class_scores import accuracy, mean_iou_of

MOST_COMBINATIONS = 4096
"""Choices up to which `lowest_mean_iou` tries all of them."""

Counts = NDArray[np.int64]


def lowest_accuracy(totals: Tensor) -> Tensor:
    """For each image the answer of the lowest pixel accuracy, the earliest of equal ones.

    The pixel accuracy of all images together is then the lowest that these answers allow.

    Args:
        totals: whole numbers (k, n, 3, c): hits, true and predicted pixels of each class, of k
            answers for n images.

    Returns:
        Number of the answer of each image, int64 (n,).

    Raises:
        InputError: totals of another shape or dtype, or no answer.
    """
    _check(totals)
    return accuracy(totals).nan_to_num(0.0).argmin(0)  # without pixels all are NaN


def lowest_mean_iou(
    totals: Tensor, *, seed: int = 0, most_combinations: int = MOST_COMBINATIONS
) -> Tensor:
    """The answers that together leave the lowest mIoU, from counts pooled over the images.

    Where there are few combinations all are tried, and the choice is the lowest there is. Else it is
    found greedily: image after image gets the answer that lowers the mIoU most, given those of the
    others, until a pass over all images changes nothing. It begins at the best single attack, at the
    choice of `lowest_accuracy` and at each image's own lowest mIoU, and the lowest end of the three
    is the choice. So it is never above the mIoU of any single attack, and no change of one image
    lowers it; whether a change of several images would is not known, for there are k ** n choices.

    mIoU is that of `mean_iou`: over the classes that are true or predicted somewhere, which a choice
    may change.

    Args:
        totals: as in `lowest_accuracy`.
        seed: of the order in which images are visited.
        most_combinations: how many combinations of different answers are tried one by one; 0 for
            the greedy choice in any case.

    Returns:
        Number of the answer of each image, int64 (n,); the earliest of equal answers.

    Raises:
        InputError: as `lowest_accuracy`.
    """
    _check(totals)
    counts: Counts = totals.cpu().numpy().astype(np.int64)
    different = [_different(counts[:, image]) for image in range(counts.shape[1])]
    combinations = 1
    for answers in different:
        combinations = min(combinations * len(answers), MOST_COMBINATIONS + most_combinations + 1)
    if combinations <= most_combinations:
        choice = _lowest_of_all(counts, different)
    else:
        order = np.random.default_rng(seed).permutation(len(different))
        ends = [_settled(counts, different, start, order) for start in _starts(totals)]
        choice = min(ends, key=lambda end: float(_mean_iou(_pooled(counts, end))))
    return torch.from_numpy(choice).to(totals.device)


def chosen(totals: Tensor, choice: Tensor) -> Tensor:
    """The totals (n, 3, c) of the answers that were chosen.

    Args:
        totals: as in `lowest_accuracy`.
        choice: number of the answer of each image, (n,).
    """
    return totals[choice, torch.arange(totals.shape[1], device=totals.device)]


def _check(totals: Tensor) -> None:
    whole = not (totals.is_floating_point() or totals.is_complex() or totals.dtype == torch.bool)
    if totals.ndim != 4 or totals.shape[2] != 3 or not totals.shape[0] or not totals.shape[3]:
        raise InputError(
            f"totals have shape {tuple(totals.shape)}; give (answers, images, 3, classes): hits, true "
            "and predicted pixels of each class, as totals_of makes them."
        )
    if not whole:
        raise InputError(f"totals are {totals.dtype}; give counts of pixels, whole numbers.")


def _different(answers: Counts) -> list[int]:
    """Numbers of the answers (k, 3, c) of one image that differ, each the first of its like."""
    _, first = np.unique(answers.reshape(len(answers), -1), axis=0, return_index=True)
    return sorted(first.tolist())


def _pooled(counts: Counts, choice: Counts) -> Counts:
    pooled: Counts = counts[choice, np.arange(counts.shape[1])].sum(0)
    return pooled


def _mean_iou(pooled: Counts) -> NDArray[np.float64]:
    """Mean IoU of totals (..., 3, c); 0 without pixels, where it is 0 for every choice."""
    hits, true, predicted = np.moveaxis(pooled, -2, 0)
    union = true + predicted - hits
    iou = hits / np.maximum(union, 1)
    mean: NDArray[np.float64] = iou.sum(-1) / np.maximum((union > 0).sum(-1), 1)
    return mean


def _lowest_of_all(counts: Counts, different: list[list[int]]) -> Counts:
    choice: Counts = np.array([answers[0] for answers in different], dtype=np.int64)
    free = [image for image, answers in enumerate(different) if len(answers) > 1]
    fixed = [image for image, answers in enumerate(different) if len(answers) == 1]
    pools: Counts = counts[0][fixed].sum(0)[None]
    for image in free:
        more = counts[different[image], image]
        pools = (pools[:, None] + more[None]).reshape(-1, *more.shape[1:])
    number = int(_mean_iou(pools).argmin())
    for image in reversed(free):
        number, place = divmod(number, len(different[image]))
        choice[image] = different[image][place]
    return choice


def _starts(totals: Tensor) -> Iterator[Counts]:
    single = int(mean_iou_of(totals.sum(1)).nan_to_num(0.0).argmin())
    yield np.full(totals.shape[1], single, dtype=np.int64)
    yield lowest_accuracy(totals).cpu().numpy()
    yield mean_iou_of(totals).nan_to_num(0.0).argmin(0).cpu().numpy()


def _settled(
    counts: Counts, different: list[list[int]], start: Counts, order: NDArray[np.int64]
) -> Counts:
    """A choice that no change of one image makes lower."""
    choice = start.copy()
    pooled = _pooled(counts, choice)
    lowest = float(_mean_iou(pooled))
    changed = True
    while changed:  # ends: the mIoU falls with every change, and there are so many choices
        changed = False
        for image in order:
            answers = different[image]
            if len(answers) == 1:
                continue
            pools = pooled - counts[choice[image], image] + counts[answers, image]
            values = _mean_iou(pools)
            place = int(values.argmin())
            if values[place] < lowest:
                choice[image], pooled, lowest = answers[place], pools[place], float(values[place])
                changed = True
    return choice
