"""Labels of other classes than the model's: legal numbers that mean something else."""

from collections.abc import Sequence

import numpy as np

from art_segplugin.errors import InputError
from art_segplugin.evaluation.class_names import check_names
from art_segplugin_gui.session.frames import VOID, ClassMap, SourceFrame


def usable_labels(
    model_classes: Sequence[str], frame: SourceFrame, reduce_labels: bool = False
) -> tuple[ClassMap | None, str]:
    """Labels of a picture that the model can be scored against.

    Args:
        model_classes: names of the model's classes, or numbers where it has none.
        frame: the picture; where nobody knows what its labels name, they are taken as they are.
        reduce_labels: the model was trained on files in which 0 is void and class k is k + 1.

    Returns:
        The labels and a sentence on how they were read if that is not as they are, or None and one on
        why they cannot be used.
    """
    if frame.labels is None:
        return None, ""
    if frame.plain and reduce_labels:
        reduced = np.where(frame.labels == 0, VOID, frame.labels - (frame.labels != VOID))
        return reduced.astype(np.uint8), (
            f"The labels of {frame.name} are read by the model's rule: 0 is void, class k is stored "
            "as k + 1."
        )
    if not frame.classes:
        return frame.labels, ""
    if len(model_classes) != len(frame.classes):
        return None, (
            f"The labels of {frame.name} are not used: they name {len(frame.classes)} classes and the "
            f"model has {len(model_classes)}."
        )
    try:
        check_names(model_classes, frame.classes)
    except InputError as error:
        return None, f"The labels of {frame.name} are not used: {error}"
    return frame.labels, ""
