"""The models that are in use, loaded once, each with a way to stop it."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch

from art_segplugin.data.palettes import Colour
from art_segplugin.errors import InputError
from art_segplugin.evaluation.class_names import palette_of
from art_segplugin.evaluation.model_refs import validate
from art_segplugin.interpret.hooks import BetweenLayers
from art_segplugin.models import Segmenter, load_model
from art_segplugin_gui.session.jobs import CancelToken
from art_segplugin_gui.session.loading import FileStamp, Loading

KEPT = 4


class CurrentToken:
    """The token of the request that runs, for all models of an engine.

    Their layers check it: an attack step of a large model takes a second and more, and checked only
    between steps, a cancelled attack would keep the user waiting for as long.
    """

    def __init__(self) -> None:
        self.token: CancelToken | None = None

    def check(self) -> None:
        """Raise `Cancelled` if the request that runs was cancelled."""
        if self.token is not None:
            self.token.check()


@dataclass(eq=False)
class LoadedModel:
    """A model and what the window knows about it.

    Attributes:
        spec: what it was loaded by.
        model: in evaluation mode, on the device in use.
        interrupt: stops it.
        file: its file as it was when it was loaded; None where it is no file.
        validated: sizes of images that it was checked on.
    """

    spec: str
    model: Segmenter
    interrupt: BetweenLayers
    file: FileStamp | None = None
    validated: set[torch.Size] = field(default_factory=set)

    @property
    def sha256(self) -> str | None:
        """Hash of its file as it was when it was loaded; None where it is no file."""
        return None if self.file is None else self.file.sha256

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
        validate(self.model, images)
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
        self.current = CurrentToken()
        self._models: OrderedDict[str, LoadedModel] = OrderedDict()
        self._loading: dict[str, Loading] = {}

    def holds(self, spec: str) -> bool:
        """Whether the model is loaded already, and its file is still the same."""
        loaded = self._models.get(spec)
        if loaded is not None and loaded.file is not None and loaded.file.changed:
            self._drop(spec)
        return spec in self._models

    def load(self, spec: str) -> Iterator[float | None]:
        """Begin to load a model, or go on; yields how much is done until it is there.

        Whoever stops listening leaves it loading, and finds it further on the next time. What was
        left and has ended since is dropped, unless it is this model and it is there.
        """
        for left, loading in list(self._loading.items()):
            if loading.ended and (left != spec or loading.failed):
                del self._loading[left]
        if not self.holds(spec) and spec not in self._loading:
            self._loading[spec] = Loading(spec, self._load)
        if spec in self._loading:
            yield from self._loading[spec].progress()

    def get(self, spec: str, token: CancelToken) -> LoadedModel:
        """The model, loaded if need be; from now on `token` stops it.

        Raises:
            InputError: it cannot be loaded, or it classifies whole images.
        """
        if not self.holds(spec):
            loading = self._loading.pop(spec, None) or Loading(spec, self._load)
            model = loading.model()
            if model.task != "segmentation":
                raise InputError(
                    f"{spec} gives one class an image; the app shows models that give one a pixel."
                )
            model = model.to(self.device).eval().requires_grad_(False)
            hooks = BetweenLayers(model, self.current.check)
            self._models[spec] = LoadedModel(spec, model, hooks, loading.file)
            while len(self._models) > KEPT:
                self._drop(next(iter(self._models)))
        self._models.move_to_end(spec)
        self.current.token = token
        return self._models[spec]

    def _drop(self, spec: str) -> None:
        self._models.pop(spec).interrupt.remove()
