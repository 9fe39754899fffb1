"""The models that are in use, loaded once, each with a way to stop it, and how far loading is."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import torch

from art_segplugin.data.palettes import Colour
from art_segplugin.errors import InputError
from art_segplugin.evaluation.class_names import palette_of
from art_segplugin.evaluation.model_refs import validate
from art_segplugin.files import file_sha256
from art_segplugin.interpret.hooks import BetweenLayers
from art_segplugin.models import Segmenter, load_model
from art_segplugin_gui.session.jobs import CancelToken

KEPT = 4
ASKS_SECONDS = 0.1
"""How often a model that loads is asked how far it is."""


@dataclass(frozen=True)
class FileStamp:
    """A model's file as it was when it was loaded.

    Attributes:
        path: where it is.
        modified: when it was written, in nanoseconds.
        size: in bytes.
        sha256: of its contents.
    """

    path: Path
    modified: int
    size: int
    sha256: str

    @classmethod
    def of(cls, spec: str) -> Self | None:
        """The stamp of what a spec names; None where that is no file."""
        path = Path(spec)
        if not path.is_file():
            return None
        found = path.stat()
        return cls(path, found.st_mtime_ns, found.st_size, file_sha256(path))

    @property
    def changed(self) -> bool:
        """Whether another file is there now; one that is gone has not changed."""
        try:
            found = self.path.stat()
        except OSError:
            return False
        return (found.st_mtime_ns, found.st_size) != (self.modified, self.size)


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
        return self.model.device

    @property
    def palette(self) -> tuple[tuple[str, ...], tuple[Colour, ...]]:
        """Names and colours of the classes; known once the model was validated."""
        palette = palette_of(self.model, None)
        classes = self.model.classes or len(palette)
        return palette.classes[:classes], palette.colours[:classes]

    @property
    def reduces_labels(self) -> bool:
        """Whether it was trained on label files in which 0 is void and class k is k + 1."""
        return self.model.info is not None and self.model.info.reduce_labels

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


class ModelCache:
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
            InputError: it cannot be loaded, classifies whole images, or takes no RGB images.
        """
        if not self.holds(spec):
            loading = self._loading.pop(spec, None) or Loading(spec, self._load)
            model = loading.model()
            if model.task != "segmentation":
                raise InputError(
                    f"{spec} gives one class an image; the app shows models that give one a pixel."
                )
            if model.in_channels not in (None, 3):
                raise InputError(
                    f"{spec} takes images of {model.in_channels} channels and the app shows RGB images: "
                    "use `art-segplugin attack`, which reads files with as many channels."
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


class Loading:
    """One model that is being loaded.

    Args:
        spec: what to load.
        load: loads it.
    """

    def __init__(self, spec: str, load: Callable[[str], Segmenter]) -> None:
        self.file: FileStamp | None = None
        self._spec = spec
        self._downloads = Downloads()
        self._model: Segmenter | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, args=(load,), daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether the model is there, or will not come."""
        return not self._thread.is_alive()

    @property
    def failed(self) -> bool:
        """Whether it will not come."""
        return self._error is not None

    def progress(self) -> Iterator[float | None]:
        """Shares of the download, None where nobody knows, until the model is there."""
        while True:
            self._thread.join(ASKS_SECONDS)
            if self.ended:
                return
            yield self._downloads.share

    def model(self) -> Segmenter:
        """The model, once it is there; raises what loading raised.

        Raises:
            InputError: the program that makes it wanted to end the process.
        """
        self._thread.join()
        if isinstance(self._error, Exception):
            raise self._error
        if self._error is not None:
            raise InputError(f"{self._spec} ended with {type(self._error).__name__}: {self._error}")
        assert self._model is not None
        return self._model

    def _work(self, load: Callable[[str], Segmenter]) -> None:
        try:
            self.file = FileStamp.of(self._spec)
            with watched_downloads() as self._downloads:
                self._model = load(self._spec)
        except BaseException as error:  # raised again where the model is asked for
            self._error = error


@dataclass(eq=False)
class Downloads:
    """Bytes of all files so far; written by the threads that load, read by any."""

    done: dict[object, float] = field(default_factory=dict)
    totals: dict[object, float] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def share(self) -> float | None:
        """How much is done, 0..1; None where nothing is downloaded."""
        with self.lock:
            total = sum(self.totals.values())
            return min(sum(self.done.values()) / total, 1.0) if total else None

    def add(self, bar: Any, count: float) -> None:
        """Note that a bar went on."""
        total = getattr(bar, "total", None)
        if not total:
            return
        key = vars(bar).setdefault(_KEY, object())  # not its id, which another bar may have later
        with self.lock:
            self.totals[key] = float(total)
            self.done[key] = self.done.get(key, 0.0) + float(count)


_KEY = "art_segplugin_key"
_listening: list[Downloads] = []
_lock = threading.Lock()
_usual: dict[str, Any] = {}


@contextmanager
def watched_downloads() -> Iterator[Downloads]:
    """Follow the downloads of the block; those of a load at the same time are counted with them.

    torch.hub, huggingface_hub and what is built on them count with tqdm and have no other way to be
    asked, so its bars are overheard, also those that are not drawn.
    """
    from tqdm.std import tqdm

    found = Downloads()
    with _lock:
        if not _listening:
            _usual["update"] = tqdm.update
            tqdm.update = _overheard
        _listening.append(found)
    try:
        yield found
    finally:
        with _lock:
            _listening.remove(found)
            if not _listening:
                tqdm.update = _usual["update"]


def _overheard(bar: Any, n: float | None = 1) -> Any:
    """What takes the place of `tqdm.update`."""
    for found in tuple(_listening):  # loads may begin and end meanwhile
        found.add(bar, n or 0)
    return _usual["update"](bar, n)
