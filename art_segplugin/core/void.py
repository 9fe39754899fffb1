"""Whether labels that are ignored may have been meant to count."""

import torch
from torch import Tensor


def void_doubt(labels: Tensor, ignore_index: int, remedy: str | None = None) -> str:
    """Say what is doubtful about the void pixels of labels; "" where nothing is.

    Masks are often stored as 0 and 255, where 255 is the object; read as void, all that is left to
    attack, to train on or to score is the background.

    Args:
        labels: class indices of any shape, integers.
        ignore_index: label of void pixels.
        remedy: what to do if they are the object; None for that of Python.
    """
    void = labels == ignore_index
    classes = torch.unique(labels[~void])
    share = void.double().mean().item() if labels.numel() else 0.0
    if not share or len(classes) > 1:
        return ""
    if remedy is None:
        remedy = f"pass labels.masked_fill(labels == {ignore_index}, 1)"
    if not len(classes):
        return (
            f"Labels contain {ignore_index} in every pixel; {ignore_index} is ignored, and nothing is "
            f"left to count. If {ignore_index} marks the object, {remedy}."
        )
    shown = f"{100 * share:.0f}" if 0.005 <= share < 0.995 else f"{100 * share:.2g}"
    return (
        f"Labels contain {ignore_index} in {shown} % of the pixels and only one class; {ignore_index} "
        f"is ignored. If {ignore_index} marks the object, {remedy}."
    )


def binary_doubt(labels: Tensor, ignore_index: int, classes: int, remedy: str | None = None) -> str:
    """`void_doubt` where it is worth a warning in Python: nothing counts, or a model has two classes.

    Args:
        labels: class indices of any shape, integers.
        ignore_index: label of void pixels.
        classes: of the model.
        remedy: as of `void_doubt`.
    """
    void = labels == ignore_index
    if not void.any() or not (classes == 2 or void.all()):
        return ""
    return void_doubt(labels, ignore_index, remedy)
