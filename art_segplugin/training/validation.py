"""The score by which the best checkpoint is chosen."""

from concurrent.futures import Executor

import torch

from art_segplugin.core.modes import evaluation_mode
from art_segplugin.errors import InputError
from art_segplugin.metrics.confusion import ConfusionMatrix
from art_segplugin.metrics.scores import mean_iou
from art_segplugin.models.segmenter import Segmenter
from art_segplugin.training.cache import SampleCache


def validation_miou(model: Segmenter, samples: SampleCache, maker: Executor) -> float:
    """Return the mIoU over a data set, from pixel counts pooled over all images.

    Args:
        model: Model to judge; its modes are left as they were.
        samples: Labelled samples, judged one by one at their own size.
        maker: Executor on whose thread samples are made.

    Returns:
        Mean IoU in 0..1 over the classes that occur.

    Raises:
        InputError: Every pixel is void.
    """
    device = next(model.parameters()).device
    matrix = ConfusionMatrix(len(samples.dataset.palette.classes), model.ignore_index, device)
    ahead = maker.submit(samples.__getitem__, 0)
    for index in range(len(samples)):
        sample = ahead.result()
        if index + 1 < len(samples):
            ahead = maker.submit(samples.__getitem__, index + 1)
        images = sample.image[None].to(device).float().div_(255)
        with evaluation_mode(model), torch.no_grad():
            prediction = model(images).argmax(1)
        matrix.update(prediction, sample.labels[None].to(device).long())
    if not matrix.counts.any():
        raise InputError("the validation data hold void pixels only; a score needs labelled ones.")
    return mean_iou(matrix.counts)
