"""Attack pictures and video frames one by one, exactly and as the 8-bit files that are written."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

import torch

from art_segplugin.attacks import NamedAttack
from art_segplugin.core.types import Images
from art_segplugin.data.sample import Sample
from art_segplugin.data.video import Video
from art_segplugin.evaluation.batch_result import BatchResult
from art_segplugin.evaluation.batches import Batch
from art_segplugin.evaluation.goal import Goal
from art_segplugin.evaluation.quantise import to_8_bit
from art_segplugin.evaluation.runner import attacked_result, clean_result, score
from art_segplugin.models.segmenter import Segmenter

ROUNDED = " 8-bit"
"""What is added to an attack's name where its images were rounded to 8 bits."""


@dataclass(frozen=True, eq=False)
class AttackedSample:
    """One picture after the attack.

    Attributes:
        sample: the picture.
        x_adv: exact adversarial image, float32 (1, 3, h, w).
        x_8_bit: the same as multiples of 1/255, inside the threat model.
        results: scores of the clean picture, the exact image and the rounded one, with pictures.
    """

    sample: Sample
    x_adv: Images
    x_8_bit: Images
    results: tuple[BatchResult, BatchResult, BatchResult]


def attack_samples(
    model: Segmenter,
    samples: Iterable[Sample],
    named: NamedAttack,
    seed: int = 0,
    target: int | None = None,
) -> Iterator[AttackedSample]:
    """Attack each sample by itself.

    Args:
        model: on the device to use.
        samples: pictures of any sizes; those without labels are attacked against the model's own
            clean prediction.
        named: the attack; `targeted` if `target` is given.
        seed: seed of the random starts.
        target: class that every pixel shall be taken for.

    Raises:
        InputError: the model does not fit a picture, or `target` is no class of the model.
    """
    device, goal = next(model.parameters()).device, Goal(to_class=target)
    threat_model, seen = named.build().threat_model, set()
    for index, sample in enumerate(samples):
        labels = None if sample.labels is None else sample.labels.unsqueeze(0).to(device)
        batch = Batch(index, [sample.name], sample.image.unsqueeze(0).to(device), labels)
        if batch.images.shape not in seen:  # costs a forward, so not for every frame
            model.validate(batch.images)
            seen.add(batch.images.shape)
        if labels is not None:
            model.check_labels(labels)
        goal.check(model.classes or 0)
        clean, reference = clean_result(model, batch, keep=1)
        exact = attacked_result(model, batch, reference, named, seed, 1, goal)
        x_adv = exact.adversarial
        assert isinstance(x_adv, torch.Tensor), "kept, because it was asked for"
        rounded = to_8_bit(x_adv, batch.images, threat_model)
        named_rounded = replace(exact, attack=exact.attack + ROUNDED)
        scored = score(model, batch, reference, rounded, named_rounded, threat_model)
        yield AttackedSample(sample, x_adv, rounded, (clean, exact, scored))


def video_samples(video: Video, count: int | None = None) -> Iterator[Sample]:
    """Frames of a video (the first `count`), named STEM-000000, STEM-000001, ...

    An odd last row or column is cut off: video codecs cannot write it, and what is written is to be
    what is attacked.
    """
    for index, frame in enumerate(islice(video, count)):
        height, width = frame.shape[0] // 2 * 2, frame.shape[1] // 2 * 2
        image = torch.from_numpy(frame[:height, :width].copy()).movedim(-1, 0).float() / 255
        yield Sample(f"{video.path.stem}-{index:06d}", image, None)
