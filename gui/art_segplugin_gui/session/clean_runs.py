"""Predictions for the picture itself, kept until another picture comes."""

from dataclasses import dataclass, replace

from art_segplugin.evaluation.picture import CleanPicture, clean_picture, image_batch
from art_segplugin_gui.session.arrays import side
from art_segplugin_gui.session.frames import Side, SourceFrame
from art_segplugin_gui.session.label_names import usable_labels
from art_segplugin_gui.session.model_cache import LoadedModel


@dataclass(frozen=True, eq=False)
class CleanRun:
    """One model on one picture.

    Attributes:
        loaded: the model.
        frame: the picture.
        clean: the model's logits for it, and what counts as right.
        side: what the window shows.
    """

    loaded: LoadedModel
    frame: SourceFrame
    clean: CleanPicture
    side: Side


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


def _clean_run(loaded: LoadedModel, frame: SourceFrame) -> CleanRun:
    loaded.validate(image_batch(frame.image, loaded.device))
    labels, warning = usable_labels(loaded.palette[0], frame)
    clean = clean_picture(loaded.model, frame.image, labels, frame.name)
    if warning:
        clean = replace(clean, warning=warning)
    return CleanRun(loaded, frame, clean, side(clean, clean.logits, frame.image))
