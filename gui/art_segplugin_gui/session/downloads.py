"""How much of a model is downloaded: what the progress bars of its library would show."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(eq=False)
class Downloads:
    """Bytes of all files so far; written by the threads that load, read by any."""

    done: dict[int, float] = field(default_factory=dict)
    totals: dict[int, float] = field(default_factory=dict)
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
        with self.lock:
            self.totals[id(bar)] = float(total)
            self.done[id(bar)] = self.done.get(id(bar), 0.0) + float(count)


_listening: list[Downloads] = []
_lock = threading.Lock()
_usual: list[Any] = []


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
            _usual.append(tqdm.update)
            tqdm.update = _overheard
        _listening.append(found)
    try:
        yield found
    finally:
        with _lock:
            _listening.remove(found)
            if not _listening:
                tqdm.update = _usual.pop()


def _overheard(bar: Any, n: float | None = 1) -> Any:
    """What takes the place of `tqdm.update`."""
    for found in tuple(_listening):  # loads may begin and end meanwhile
        found.add(bar, n or 0)
    from tqdm.std import tqdm

    return (_usual[-1] if _usual else tqdm.update)(bar, n)
