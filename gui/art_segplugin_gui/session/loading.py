"""Loads a model in a thread of its own, so that a long download can be followed and left."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from art_segplugin.errors import InputError
from art_segplugin.files import file_sha256
from art_segplugin.models import Segmenter
from art_segplugin_gui.session.downloads import Downloads, watched_downloads

ASKS_SECONDS = 0.1


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
