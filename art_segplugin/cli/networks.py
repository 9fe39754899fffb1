"""Networks that `train` can make, by a short text: "resnet:width=64,stem_stride=1"."""

from torch import nn

from art_segplugin.errors import InputError
from art_segplugin.models import Classifier, Segmenter
from art_segplugin.models.checkpoint import ARCHITECTURES

OF_TASK = {Segmenter.task: "small", Classifier.task: "resnet"}


def make_network(
    spec: str | None, classes: int, task: str
) -> tuple[str, dict[str, int], nn.Module]:
    """A network of that text with fresh weights: its architecture, its options and the module.

    Args:
        spec: architecture, and after a colon its options; None for the usual one of the task.
        classes: number of classes.
        task: "segmentation" or "classification".

    Raises:
        InputError: an unknown architecture or option, or one of the other task.
    """
    name, _, rest = (spec or OF_TASK[task]).partition(":")
    if name != OF_TASK[task]:
        raise InputError(
            f"the network is {name!r}; for {task} data give {OF_TASK[task]!r}, with options as in "
            f"{OF_TASK[task]}:width=48."
        )
    options = {"classes": classes}
    for part in filter(None, rest.split(",")):
        key, _, value = part.partition("=")
        if key == "classes" or not value.isdecimal():
            raise InputError(
                f"{part!r} is no option of a network; give name=NUMBER, as in "
                f"{name}:width=48 (the data say how many classes there are)."
            )
        options[key] = int(value)
    try:
        return name, options, ARCHITECTURES[name](**options)
    except TypeError as error:
        raise InputError(f"the network {name!r} does not take these options ({error}).") from error
