"""What a training begins with: a model, and the description that goes into its checkpoints."""

from dataclasses import replace

from art_segplugin.cli.evaluation import command
from art_segplugin.cli.networks import make_network
from art_segplugin.cli.own_models import load_own
from art_segplugin.data.catalog import is_classification
from art_segplugin.data.sample import Dataset
from art_segplugin.errors import InputError
from art_segplugin.models import CheckpointInfo, Classifier, Segmenter

MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)


def start(
    network: str | None, init: str | None, training: Dataset, validation_images: int
) -> tuple[Segmenter, CheckpointInfo]:
    """A model for these data with fresh weights, or with those of `init`.

    Args:
        network: see `make_network`; None for the usual one.
        init: a model of this package to start from; `network` is then that of the checkpoint.
        training: training data.
        validation_images: number of validation images, for the description.

    Raises:
        InputError: the data are empty, or network or init do not fit them.
    """
    if len(training) == 0:
        raise InputError("the training data set is empty.")
    classes = training.palette
    wrapper = Classifier if is_classification(training) else Segmenter
    data = f"{classes.name}: {len(training)} training and {validation_images} validation images"
    if init is not None:
        if network is not None:
            raise InputError(f"both a network {network!r} and init {init!r} are given; give one.")
        model, earlier = load_own(init)
        if model.task != wrapper.task:
            raise InputError(f"{init} is a model of {model.task}, the data are of {wrapper.task}.")
        return model, replace(earlier, data=data, command=command(), scores={}, version="")
    architecture, options, module = make_network(network, len(classes), wrapper.task)
    model = wrapper(
        module,
        classes=len(classes),
        ignore_index=classes.ignore_index,
        mean=MEAN,
        std=STD,
    )
    return model, CheckpointInfo(
        architecture=architecture,
        options=options,
        classes=classes.classes,
        colours=classes.colours,
        data=data,
        command=command(),
        ignore_index=classes.ignore_index,
        mean=MEAN,
        std=STD,
    )
