"""The models that are in use, loaded once, each with a way to stop it."""

import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from art_segplugin.data.palettes import Colour
from art_segplugin.errors import InputError
from art_segplugin.evaluation.class_names import palette_of
from art_segplugin.models import Segmenter, load_model
from art_segplugin_gui.session.interrupt import Interruptible
from art_segplugin_gui.session.jobs import CancelToken
from art_segplugin_gui.session.loading import Loading

KEPT = 4


@dataclass(eq=False)
class LoadedModel:
    """A model and what the window knows about it.

    Attributes:
        spec: what it was loaded by.
        model: in evaluation mode, on the device in use.
        interrupt: stops it.
        validated: sizes of images that it was checked on.
    """

    spec: str
    model: Segmenter
    interrupt: Interruptible
    validated: set[torch.Size]

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return next(iter(self.model.buffers())).device

    @property
    def palette(self) -> tuple[tuple[str, ...], tuple[Colour, ...]]:
        """Names and colours of the classes; known once the model was validated."""
        palette = palette_of(self.model, None)
        classes = self.model.classes or len(palette)
        return palette.classes[:classes], palette.colours[:classes]

    def validate(self, images: torch.Tensor) -> None:
        """Check the model once for each size of image (the library's warnings are left out).

        Raises:
            InputError: it does not take such images, or gives NaN.
        """
        if images.shape in self.validated:
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.model.validate(images)
        if (self.model.classes or 0) > 255:
            raise InputError(
                f"{self.spec} has {self.model.classes} classes; the app draws at most 255."
            )
        self.validated.add(images.shape)


class ModelShelf:
    """Models by their spec; the least recently used one makes room.

    Args:
        device: where they run.
        load: loads one by its spec.
    """

    def __init__(self, device: torch.device, load: Callable[[str], Segmenter] = load_model) -> None:
        self.device = device
        self._load = load
        self._models: OrderedDict[str, LoadedModel] = OrderedDict()
        self._loading: dict[str, Loading] = {}

    def holds(self, spec: str) -> bool:
        """Whether the model is loaded already."""
        return spec in self._models

    def load(self, spec: str) -> Iterator[float | None]:
        """Begin to load a model, or go on; yields how much is done until it is there.

        Whoever stops listening leaves it loading, and finds it further on the next time.
        """
        if spec not in self._models and spec not in self._loading:
            self._loading[spec] = Loading(spec, self._load)
        if spec in self._loading:
            yield from self._loading[spec].progress()

    def get(self, spec: str, token: CancelToken) -> LoadedModel:
        """The model, loaded if need be; from now on `token` stops it.

        Raises:
            InputError: it cannot be loaded, or it classifies whole images.
        """
        if spec not in self._models:
            loading = self._loading.pop(spec, None)
            model = self._load(spec) if loading is None else loading.model()
            if model.task != "segmentation":
                raise InputError(
                    f"{spec} gives one class an image; the app shows models that give one a pixel."
                )
            model = model.to(self.device).eval().requires_grad_(False)
            self._models[spec] = LoadedModel(spec, model, Interruptible(model), set())
            while len(self._models) > KEPT:
                self._models.popitem(last=False)
        self._models.move_to_end(spec)
        loaded = self._models[spec]
        loaded.interrupt.token = token
        return loaded

    def forget(self, spec: str) -> None:
        """Load it anew next time, for instance because its file has changed."""
        self._models.pop(spec, None)
