"""Pictures and models for the tests of the engine: a few milliseconds a step."""

import numpy as np
import torch
from oracles import TinyNet
from torch import nn

from art_segplugin.models import CheckpointInfo, Segmenter
from art_segplugin_gui.session.engine import Engine
from art_segplugin_gui.session.frames import Idle, SourceFrame
from art_segplugin_gui.session.jobs import CancelToken
from art_segplugin_gui.session.request import Run
from art_segplugin_gui.session.state import Attack, Models

CLASSES = ("sky", "road", "car", "tree")


def net(seed=0, classes=4):
    torch.manual_seed(seed)
    model = TinyNet(classes)
    with torch.no_grad():
        model.head.weight *= 4
    return model.eval()


def info(classes=CLASSES):
    colours = tuple((40 * i, 255 - 40 * i, 90) for i in range(len(classes)))
    return CheckpointInfo("tiny", classes, colours)


def segmenter(seed=0, classes=CLASSES):
    return Segmenter(net(seed, len(classes)), classes=len(classes), info=info(classes)).eval()


def picture(size=(18, 22), seed=0, labelled=True, index=0):
    rng = np.random.default_rng(seed)
    image = rng.integers(20, 236, (*size, 3), dtype=np.uint8)
    labels = None
    if labelled:
        labels = rng.integers(0, 4, size, dtype=np.uint8)
        labels[0] = 255
    return SourceFrame(f"picture-{index}", index, image, labels, {"spec": "test", "index": index})


class Raises(nn.Module):
    def forward(self, x):
        raise ValueError("no such layer")


class GivesNaN(nn.Module):
    def forward(self, x):
        return x.new_full((len(x), 4, *x.shape[2:]), float("nan"))


MODELS = {
    "one": lambda: segmenter(0),
    "two": lambda: segmenter(1),
    "five": lambda: segmenter(2, (*CLASSES, "pole")),
    "renamed": lambda: segmenter(3, ("sky", "road", "car", "bush")),
    "raises": lambda: Segmenter(Raises(), classes=4),
    "nan": lambda: Segmenter(GivesNaN(), classes=4),
}


def engine():
    return Engine("cpu", load=lambda spec: MODELS[spec]())


def run(rev=1, frame=None, a="one", b=None, transfer=True, quick=False, **attack):
    options = {"steps": 3, **attack.pop("options", {})}
    choice = Attack(options=options, **attack)
    return Run(rev, frame or picture(), Models(a, b, transfer), choice, quick)


def events(made, request, token=None):
    found = list(request.run(made, token or CancelToken()))
    assert isinstance(found[-1], Idle)
    assert all(event.rev == request.rev for event in found)
    return found


def of(kind, found):
    return [event for event in found if isinstance(event, kind)]
