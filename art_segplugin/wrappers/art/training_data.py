"""Images and labels of ART as adversarial training takes them: checked, defended, as tensors."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from art_segplugin.core.types import Images, Labels
from art_segplugin.errors import InputError
from art_segplugin.training.objective import TrainingBatch
from art_segplugin.wrappers.art.arrays import Data, to_images
from art_segplugin.wrappers.art.estimator_view import EstimatorView, view_of
from art_segplugin.wrappers.art.preprocessing import float_type, preprocessed_for_training
from art_segplugin.wrappers.art.sizes import check_range, outside_range
from art_segplugin.wrappers.art.training_checks import check_pair, refuse_mixed


@dataclass(frozen=True)
class TrainingData:
    """What an estimator says of images and labels, for trainers.

    Args:
        estimator: A segmenter, or one of ART's PyTorch classifiers.
    """

    estimator: Any

    @property
    def view(self) -> EstimatorView:
        """The estimator as the core sees models."""
        return view_of(self.estimator)

    def batch(self, x: Data, y: Data) -> TrainingBatch:
        """Return a batch for an objective, after the defences that work in training only.

        Raises:
            InputError: Images or labels that cannot be used, or that a defence makes so.
        """
        estimator = self.estimator
        check_pair(estimator, x, y)
        check_range(x, estimator.clip_values)
        for operation in estimator.preprocessing_operations:
            if operation.apply_predict:
                continue  # part of the model, in which the attack sees it, too
            x, y = preprocessed_for_training([operation], x, y, estimator.device)
            outside = outside_range(x, estimator.clip_values)
            if outside:
                raise InputError(
                    f"{type(operation).__name__} makes images that go {outside}; give it clip_values, "
                    "the same, to keep images within them."
                )
        images, labels = self._tensors(x, y)
        count = len(images)
        seeds = tuple(torch.randint(2**62, (count,)).tolist())
        return TrainingBatch(images, labels, tuple(range(count)), seeds)

    def check_validation(self, pair: Any, batch_size: int) -> None:
        """Refuse what is no pair of images and labels, as `batch` does.

        Raises:
            InputError: The sentence begins with validation_data.
        """
        if not (isinstance(pair, tuple | list) and len(pair) == 2):
            raise InputError(
                f"validation_data is a {type(pair).__name__} and no pair; give (images, labels)."
            )
        x, y = pair
        try:
            check_pair(self.estimator, x, y)
            check_range(x, self.estimator.clip_values)
            for _ in self._parts(x, y, batch_size):
                pass  # labels are checked as they are made
        except InputError as error:
            raise InputError(f"validation_data: {error}") from error

    @torch.no_grad()
    def accuracy(self, x: Data, y: Data, batch_size: int) -> float:
        """Share of the valid pixels (or of the images) that are classified rightly."""
        right, valid, view = 0, 0, self.view
        for images, labels in self._parts(x, y, batch_size):
            right += int((view.logits(images).argmax(1) == labels).sum())
            valid += int((labels != view.ignore_index).sum())
        return right / max(valid, 1)

    def _parts(self, x: Data, y: Data, batch_size: int) -> Iterator[tuple[Images, Labels]]:
        for start in range(0, len(x), batch_size):
            rows = slice(start, start + batch_size)
            yield self._tensors(x[rows], y[rows])

    def _tensors(self, x: Data, y: Data) -> tuple[Images, Labels]:
        images = to_images(x, self.estimator.device, channels_first=self.estimator.channels_first)
        labels = self.view.labels(y, images)
        refuse_mixed(y)
        return images.to(float_type(self.view.module)), labels
