"""Predictions for the picture itself, kept until another picture comes."""

from dataclasses import dataclass

import torch
from torch import Tensor

from art_segplugin.core.modes import evaluation_mode
from art_segplugin.errors import InputError
from art_segplugin.models.output_checks import check_outputs
from art_segplugin_gui.session import arrays
from art_segplugin_gui.session.frames import Side, SourceFrame
from art_segplugin_gui.session.model_shelf import LoadedModel


@dataclass(frozen=True, eq=False)
class CleanRun:
    """One model on one picture.

    Attributes:
        loaded: the model.
        frame: the picture.
        x: the picture as a batch (1, 3, h, w).
        reference: what counts as right (1, h, w).
        labelled: the reference is the labels, else the prediction.
        side: what the window shows.
        warning: why the labels were not used.
    """

    loaded: LoadedModel
    frame: SourceFrame
    x: Tensor
    reference: Tensor
    labelled: bool
    side: Side
    warning: str = ""


class CleanRuns:
    """The last clean prediction of each model."""

    def __init__(self) -> None:
        self._runs: dict[str, CleanRun] = {}

    def get(self, loaded: LoadedModel, frame: SourceFrame) -> CleanRun:
        """The model's prediction for the picture, computed once.

        Raises:
            InputError: the model does not take the picture, or gives NaN.
        """
        run = self._runs.get(loaded.spec)
        if run is None or run.frame is not frame or run.loaded is not loaded:
            run = self._runs[loaded.spec] = _clean_run(loaded, frame)
        return run

    def keep_only(self, *specs: str) -> None:
        """Forget the models that are not on show."""
        self._runs = {spec: run for spec, run in self._runs.items() if spec in specs}


def logits_of(loaded: LoadedModel, images: Tensor) -> Tensor:
    """Logits (1, c, h, w) without a graph.

    Raises:
        InputError: they are not finite.
    """
    with torch.no_grad(), evaluation_mode(loaded.model):
        logits: Tensor = loaded.model(images)
    if not bool(logits.isfinite().all()):
        check_outputs(logits)  # says it in the library's words
    return logits


def _clean_run(loaded: LoadedModel, frame: SourceFrame) -> CleanRun:
    model = loaded.model
    device = next(iter(model.buffers())).device
    x = arrays.image_of(frame, device)
    loaded.validate(x)
    logits = logits_of(loaded, x)
    labels = arrays.labels_of(frame, model.ignore_index, device)
    warning = ""
    if labels is not None:
        try:
            model.check_labels(labels)
        except InputError as error:
            labels, warning = None, f"The labels of {frame.name} are not used: {error}"
    reference = logits.argmax(1) if labels is None else labels
    side = arrays.side(logits, reference, model.ignore_index, frame.image)
    return CleanRun(loaded, frame, x, reference, labels is not None, side, warning)
