"""What changes the weights of a segmentation estimator: training, resetting, loading."""

import copy
import warnings
from pathlib import Path
from typing import Any, Self

import torch
from art import config
from art.data_generators import DataGenerator
from torch import Tensor
from torch.optim.lr_scheduler import LRScheduler

from art_segplugin.core.modes import in_mode
from art_segplugin.core.types import Labels, Logits
from art_segplugin.wrappers.art.arrays import Data, check_array, check_images
from art_segplugin.wrappers.art.losses import batch_loss
from art_segplugin.wrappers.art.preprocessing import float_type, preprocessed_for_training
from art_segplugin.wrappers.art.queries import SegmenterQueries
from art_segplugin.wrappers.art.training_checks import all_void
from art_segplugin.wrappers.art.training_loop import (
    Batches,
    epochs,
    generated,
    optimizer_of,
    shuffled,
)
from art_segplugin.wrappers.art.weights import load_weights, reset_weights, save_weights


class SegmenterTraining(SegmenterQueries):
    """Fitting and persistence, in the forms that ART's trainers and generators expect."""

    def fit(
        self,
        x: Data,
        y: Data,
        batch_size: int = 128,
        nb_epochs: int = 10,
        training_mode: bool = True,
        drop_last: bool = False,
        scheduler: LRScheduler | None = None,
        verbose: bool = False,
        **kwargs: Any,
    ) -> None:
        """Train the model; each module has its own mode back afterwards.

        Args:
            x: images; shuffled each epoch by torch's global generator.
            y: labels.
            batch_size: images per step.
            nb_epochs: passes over the images.
            training_mode: train in training mode; False keeps the statistics of batch norm.
            drop_last: leave out a last batch that is not full.
            scheduler: stepped after each epoch.
            verbose: show a progress bar.
            **kwargs: what ART's trainers pass besides, such as validation_data; without effect.

        Raises:
            InputError: there is no optimizer of the model's weights, or images or labels that cannot
                be used; labels that are all void are warned of.
        """
        check_images(x, channels_first=self.channels_first)
        check_array("y", y)
        if all_void(y, self._ignore_index):
            warnings.warn(
                f"all labels are void ({self._ignore_index}): nothing is learnt; check ignore_index.",
                stacklevel=2,
            )
        self._train(
            shuffled(x, y, batch_size, drop_last=drop_last),
            nb_epochs,
            scheduler,
            training_mode=training_mode,
            verbose=verbose,
        )

    def fit_generator(
        self,
        generator: DataGenerator,
        nb_epochs: int = 20,
        training_mode: bool = True,
        scheduler: LRScheduler | None = None,
        verbose: bool = False,
        **kwargs: Any,
    ) -> None:
        """Train on the batches of a generator, size / batch_size of them an epoch, rounded up.

        A generator that leaves out its last batch (`drop_remainder`) has begun its next round then.
        Args and errors are those of `fit`.
        """
        self._train(
            generated(generator), nb_epochs, scheduler, training_mode=training_mode, verbose=verbose
        )

    def _train(
        self,
        batches: Batches,
        nb_epochs: int,
        scheduler: LRScheduler | None,
        *,
        training_mode: bool,
        verbose: bool,
    ) -> None:
        optimizer = optimizer_of(self, self._model)
        for epoch in epochs(batches, nb_epochs, scheduler, verbose=verbose):
            for x, y in epoch.batches:
                self._train_step(optimizer, x, y, training_mode)

    def _train_step(
        self, optimizer: torch.optim.Optimizer, x: Data, y: Data, training_mode: bool
    ) -> None:
        x, y = preprocessed_for_training(self.preprocessing_operations, x, y, self._device)
        images = self._images(x).to(float_type(self._model))
        labels = self._labels(y, images)
        with in_mode(self._model, training=training_mode):
            loss = self._training_loss(self._segmenter(images), labels)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    def _training_loss(self, logits: Logits, labels: Labels) -> Tensor:
        """Loss that `fit` reduces, a scalar."""
        return batch_loss(self._loss, logits, labels, self._ignore_index)

    def clone_for_refitting(self) -> Self:
        """An untrained copy: same architecture, settings and kind of optimizer, weights drawn anew.

        Raises:
            InputError: see `reset`.
        """
        clone = copy.deepcopy(self)
        clone.reset()
        return clone

    def reset(self) -> None:
        """Draw the weights anew and forget what the optimizer remembers.

        Raises:
            InputError: a module has weights of its own and no `reset_parameters`.
        """
        reset_weights(self._model)
        if self._optimizer is not None:
            self._optimizer.state.clear()

    def save(self, filename: str, path: str | None = None) -> Path:
        """Write the weights of the model as safetensors and return the file.

        Args:
            filename: name of the file; ".safetensors" is added if it is missing.
            path: folder; None for ART's data folder.

        Raises:
            InputError: the file cannot be written.
        """
        file = self._file(filename, path)
        save_weights(self._model, file)
        return file

    def load(self, filename: str, path: str | None = None) -> None:
        """Read the weights that `save` wrote; args as there. No pickle is ever opened.

        Raises:
            InputError: the file is missing, unreadable, or of another architecture or scale
                of cosines.
        """
        load_weights(self._model, self._file(filename, path))

    @staticmethod
    def _file(filename: str, path: str | None) -> Path:
        name = filename if filename.endswith(".safetensors") else f"{filename}.safetensors"
        return Path(path or config.ART_DATA_PATH, name)
