"""Networks that `train` can make, by a short text: "resnet:width=64,stem_stride=1"."""

from inspect import signature

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
    name, _, rest = (OF_TASK[task] if spec is None else spec).partition(":")
    if name != OF_TASK[task]:
        raise InputError(
            f"the network is {name!r}; for {task} data give {OF_TASK[task]!r}, with options as in "
            f"{OF_TASK[task]}:width=48."
        )
    options = {"classes": classes}
    known = [option for option in signature(ARCHITECTURES[name]).parameters if option != "classes"]
    for part in filter(None, rest.split(",")):
        key, _, value = part.partition("=")
        if key not in known or not value.isdecimal():
            raise InputError(
                f"{part!r} is no option of the network {name!r}; it has {', '.join(known)}: give "
                f"name=NUMBER, as in {name}:width=48 (the data say how many classes there are)."
            )
        options[key] = int(value)
    return name, options, ARCHITECTURES[name](**options)
