"""Tiny models and a source of pictures for tests of clips and exports."""

import csv
from types import MappingProxyType

import numpy as np
import torch
from oracles import TinyNet

from art_segplugin.data.video import Video
from art_segplugin.models import Segmenter
from art_segplugin_gui.session.clip import clip_events
from art_segplugin_gui.session.clip_request import ClipFrame, ClipRequest
from art_segplugin_gui.session.frames import SourceFrame
from art_segplugin_gui.session.jobs import CancelToken
from art_segplugin_gui.session.model_cache import ModelCache
from art_segplugin_gui.session.state import Attack, Models

CLASSES, SIZE = 4, (33, 32)


def load(spec):
    """Random weights, the same each time; "wide" has other classes."""
    torch.manual_seed(len(spec) * ord(spec[-1]))
    classes = CLASSES + (spec == "wide")
    network = TinyNet(classes)
    with torch.no_grad():
        network.head.weight *= 4
    return Segmenter(network, classes=classes).eval()


class FakeSource:
    """Pictures that change a little from one to the next."""

    fps = 12.0

    def __init__(self, count=4, *, labelled=True, seed=0, size=SIZE):
        self.count, self.labelled = count, labelled
        self.reads, self.closed = [], False
        self._random = np.random.default_rng(seed)
        self._first = self._random.integers(0, 256, (*size, 3))
        self._labels = self._random.integers(0, CLASSES, size, dtype=np.uint8)

    def read(self, index):
        self.reads.append(index)
        moved = np.random.default_rng(index).integers(-9, 9, self._first.shape)
        image = np.clip(self._first + moved, 0, 255).astype(np.uint8)
        image.setflags(write=False)
        labels = self._labels if self.labelled else None
        return SourceFrame(f"street-{index}", index, image, labels, {"spec": "fake"})

    def close(self):
        self.closed = True


ATTACK = Attack(options=MappingProxyType({"steps": 2, "eps": 8 / 255}), seed=5)


def run(request, source=None, token=None, stop_after=None):
    """All events; cancelled after so many pictures if wanted."""
    source = source or FakeSource()
    token = token or CancelToken()
    events = []
    shelf = ModelCache(torch.device("cpu"), load)
    for event in clip_events(shelf, lambda *_: source, request, token):
        events.append(event)
        if stop_after is not None and len(frames(events)) == stop_after:
            token.cancel()
    return events


def frames(events):
    return [event for event in events if isinstance(event, ClipFrame)]


def files(folder):
    return {path.name for path in folder.iterdir()}


def scores(events):
    return [{k: str(v) for k, v in event.scores.items()} for event in frames(events)]


def pixels(path):
    return [frame.copy() for frame in Video(path)]


def table(path):
    return list(csv.DictReader(path.open()))


def request(folder):
    return ClipRequest(3, "fake", Models("a", None), ATTACK, folder)
