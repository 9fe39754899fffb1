"""The scores by which the best checkpoint is chosen."""

from concurrent.futures import Executor

import torch
from torch import Tensor

from art_segplugin.attacks import NamedAttack
from art_segplugin.core.modes import evaluation_mode
from art_segplugin.distributed import ONE_PROCESS, Processes
from art_segplugin.errors import InputError
from art_segplugin.metrics import ConfusionMatrix, mean_iou, pixel_accuracy
from art_segplugin.models.classifier import Classifier
from art_segplugin.models.segmenter import Segmenter
from art_segplugin.training.cache import SampleCache
from art_segplugin.training.inner_attack import InnerAttack
from art_segplugin.training.objective import TrainingBatch
from art_segplugin.training.ordered_batches import ordered_batches
from art_segplugin.training.randomness import derived_seed


def validation_scores(
    model: Segmenter,
    samples: SampleCache,
    maker: Executor,
    batch_size: int,
    withstand: NamedAttack | None = None,
    processes: Processes = ONE_PROCESS,
) -> dict[str, float]:
    """Return the scores over a data set, in float32, from counts pooled over all images.

    Args:
        model: Model to judge; its modes are left as they were.
        samples: Labelled samples, judged at their own size.
        maker: Executor on whose thread samples are made.
        batch_size: Images judged together, where they have one size.
        withstand: Also judge the model under this attack, whose random starts belong to the images
            and are the same every time.
        processes: Those that share the images.

    Returns:
        ``miou``, the mean IoU in 0..1 over the classes that occur, or for a classifier ``accuracy``;
        with an attack also ``robust_miou`` or ``robust_accuracy``.

    Raises:
        InputError: Every pixel is void.
    """
    device = next(model.parameters()).device
    name, score = ("miou", mean_iou)
    if model.task == Classifier.task:
        name, score = ("accuracy", pixel_accuracy)
    clean, attacked = (
        ConfusionMatrix(len(samples.dataset.palette.classes), model.ignore_index, device)
        for _ in range(2)
    )
    attack = None if withstand is None else InnerAttack(withstand, model.ignore_index)
    indices = processes.share(len(samples))
    judged = 0
    for images, labels in ordered_batches(samples, maker, batch_size, indices):
        places = tuple(indices[judged : judged + len(images)])
        judged += len(images)
        images, labels = images.to(device), labels.to(device)
        clean.update(_predicted(model, images), labels)
        if attack is not None:
            seeds = tuple(derived_seed("validation", place) for place in places)
            x_adv = attack(model, TrainingBatch(images, labels, places, seeds))
            attacked.update(_predicted(model, x_adv), labels)
    counts = processes.sum(clean.counts)
    if not counts.any():
        raise InputError("the validation data hold void pixels only; a score needs labelled ones.")
    scores = {name: score(counts)}
    if attack is not None:
        scores[f"robust_{name}"] = score(processes.sum(attacked.counts))
    return scores


def _predicted(model: Segmenter, images: Tensor) -> Tensor:
    with evaluation_mode(model), torch.no_grad():
        prediction: Tensor = model(images).argmax(1)
    return prediction
