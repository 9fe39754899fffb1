"""A thread that reads fake sources, for the tests of it; the fixture `watched` makes one."""

import threading

import numpy as np

from art_segplugin_gui.qt.capture import SourceThread
from art_segplugin_gui.session.frames import SourceFrame

FPS = 100.0


class Fake:
    """A source whose reads can be held back."""

    exact_labels = False

    def __init__(self, spec, count=10, moving=True):
        self.spec = self.name = spec
        self.count, self.moving, self.fps = count, moving, FPS
        self.reads, self.closed = [], 0
        self.gate = threading.Event()
        self.gate.set()
        self.broken = {}

    def read(self, index):
        self.reads.append(index)
        assert self.gate.wait(5)
        if error := self.broken.get(index):
            raise error
        assert not self.closed
        image = np.full((8, 12, 3), index % 256, np.uint8)
        return SourceFrame(f"{self.spec}-{index}", index, image)

    def close(self):
        self.closed += 1


class Watched:
    """A thread and all that it said, as (signal, value)."""

    def __init__(self, opener):
        self.thread, self.said = SourceThread(opener), []
        for name in ("opened", "recounted", "frame", "failed", "lost", "busy", "playing"):
            getattr(self.thread, name).connect(
                lambda value, name=name: self.said.append((name, value))
            )

    def values(self, name):
        return [value for said, value in self.said if said == name]

    def names(self):
        return [frame.name for frame in self.values("frame")]


def opened(qtbot, watched, spec="a", **options):
    watched.thread.open(spec, 640, **options)
    qtbot.waitUntil(lambda: watched.values("busy")[-1:] == [False])
    watched.said.clear()


def play_until(qtbot, watched, done, timeout=3000):
    """Acknowledge what comes until `done`."""
    acknowledged = watched.thread.frame.connect(lambda _: watched.thread.ready())
    qtbot.waitUntil(done, timeout=timeout)
    watched.thread.frame.disconnect(acknowledged)
