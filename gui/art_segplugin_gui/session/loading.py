"""Loads a model in a thread of its own, so that a long download can be followed and left."""

import threading
from collections.abc import Callable, Iterator

from art_segplugin.models import Segmenter
from art_segplugin_gui.session.downloads import Downloads, watched_downloads

ASKS_SECONDS = 0.1


class Loading:
    """One model that is being loaded.

    Args:
        spec: what to load.
        load: loads it.
    """

    def __init__(self, spec: str, load: Callable[[str], Segmenter]) -> None:
        self._downloads = Downloads()
        self._model: Segmenter | None = None
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._work, args=(spec, load), daemon=True)
        self._thread.start()

    def progress(self) -> Iterator[float | None]:
        """Shares of the download, None where nobody knows, until the model is there."""
        while True:
            self._thread.join(ASKS_SECONDS)
            if not self._thread.is_alive():
                return
            yield self._downloads.share

    def model(self) -> Segmenter:
        """The model, once it is there; raises what loading raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        assert self._model is not None
        return self._model

    def _work(self, spec: str, load: Callable[[str], Segmenter]) -> None:
        try:
            with watched_downloads() as self._downloads:
                self._model = load(spec)
        except Exception as error:  # raised again where the model is asked for
            self._error = error
