"""How much of a model is downloaded: what the progress bars of its library would show."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


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
