"""Labels of other classes than the model's: legal numbers that mean something else."""

from collections.abc import Sequence

from art_segplugin.errors import InputError
from art_segplugin.evaluation.class_names import check_names
from art_segplugin_gui.session.frames import ClassMap, SourceFrame


def usable_labels(model_classes: Sequence[str], frame: SourceFrame) -> tuple[ClassMap | None, str]:
    """Labels of a picture that the model can be scored against.

    Args:
        model_classes: names of the model's classes, or numbers where it has none.
        frame: the picture; where nobody knows what its labels name, they are taken as they are.

    Returns:
        The labels and "", or None and a sentence on why they cannot be used.
    """
    if frame.labels is None or not frame.classes:
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
