"""The worst case over several attacks: which answer of each image leaves the lowest score.

Segmentation ensemble attack, SEA (Croce et al., ECCV 2024, arXiv:2306.12941, section 3.3): pixel
accuracy is lowest where each image has its own lowest; mIoU pools the counts of all images, so the
answers have to be chosen together. SEA goes through the images and changes an answer where that
lowers the mIoU. Its public code compares every answer of an image with a value that is renewed only
after all of them, so that a worse answer can replace a better one; here an image gets the best of
all its answers, given those of the others, until no image changes.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from art_segplugin.errors import InputError
from art_segplugin.metrics.class_scores import accuracy, mean_iou_of

MOST_COMBINATIONS = 4096
"""Choices up to which `lowest_mean_iou` tries all of them."""


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
    counts = totals.cpu().long()
    different = [_different(answers) for answers in counts.unbind(1)]
    combinations = 1
    for answers in different:
        combinations = min(combinations * len(answers), most_combinations + 1)
    if combinations <= most_combinations:
        choice = _lowest_of_all(counts, different)
    else:
        generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(different), generator=generator).tolist()
        ends = [_settled(counts, different, start, order) for start in _starts(counts)]
        choice = min(ends, key=lambda end: float(_mean_iou(chosen(counts, end).sum(0))))
    return choice.to(totals.device)


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


def _different(answers: Tensor) -> list[int]:
    """Numbers of the answers (k, 3, c) of one image that differ, each the first of its like."""
    same = (answers.unsqueeze(0) == answers.unsqueeze(1)).flatten(2).all(2)
    first = same.int().argmax(1)  # of each answer's like
    return sorted(set(first.tolist()))


def _mean_iou(pooled: Tensor) -> Tensor:
    """Mean IoU of totals (..., 3, c); 0 without pixels, where it is 0 for every choice."""
    return mean_iou_of(pooled).nan_to_num(0.0)


def _lowest_of_all(counts: Tensor, different: list[list[int]]) -> Tensor:
    choice = [answers[0] for answers in different]
    free = [image for image, answers in enumerate(different) if len(answers) > 1]
    fixed = [image for image, answers in enumerate(different) if len(answers) == 1]
    pools = counts[0, fixed].sum(0, keepdim=True)
    for image in free:
        pools = (pools.unsqueeze(1) + counts[different[image], image]).flatten(0, 1)
    number = int(_mean_iou(pools).argmin())
    for image in reversed(free):
        number, place = divmod(number, len(different[image]))
        choice[image] = different[image][place]
    return torch.tensor(choice, dtype=torch.int64)


def _starts(counts: Tensor) -> Iterator[Tensor]:
    single = int(_mean_iou(counts.sum(1)).argmin())
    yield torch.full((counts.shape[1],), single)
    yield lowest_accuracy(counts)
    yield _mean_iou(counts).argmin(0)


def _settled(counts: Tensor, different: list[list[int]], start: Tensor, order: list[int]) -> Tensor:
    """A choice that no change of one image makes lower."""
    choice = start.clone()
    pooled = chosen(counts, choice).sum(0)
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
            if float(values[place]) < lowest:
                choice[image], pooled, lowest = answers[place], pools[place], float(values[place])
                changed = True
    return choice
