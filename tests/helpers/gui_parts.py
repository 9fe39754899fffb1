"""A window, its threads and what they run, small enough for tests; Qt is imported when asked for."""

import threading
import time
from dataclasses import replace

import numpy as np
from session_parts import MODELS, picture

from art_segplugin_gui.session.attack_forms import attack_forms
from art_segplugin_gui.session.engine import Engine
from art_segplugin_gui.session.frames import (
    Clean,
    Faded,
    Idle,
    Prediction,
    Scores,
    SourceFrame,
    Step,
    Stopped,
)
from art_segplugin_gui.session.ready import Ready
from art_segplugin_gui.session.request import Fade
from art_segplugin_gui.session.sources.opening import open_source

CLASSES = ("sky", "road", "car", "tree")
COLOURS = ((10, 20, 200), (120, 60, 120), (200, 30, 30), (20, 160, 40))
SHAPE = (18, 22)


def side(wrong=0.25, shape=SHAPE, exact=False):
    reference = np.zeros(shape, np.uint8)
    prediction = reference.copy()
    prediction[:, : int(shape[1] * wrong)] = 1
    right = int((prediction == 0).sum())
    counts = np.zeros((4, 4), np.int64)
    counts[0, 0], counts[0, 1] = right, prediction.size - right
    iou = np.array([right / prediction.size, 0.0, np.nan, np.nan])
    scores = Scores(float(np.nanmean(iou)), 1 - right / prediction.size, iou, counts)
    image = np.full((*shape, 3), int(200 * wrong), np.uint8)
    values = np.full((3, *shape), wrong, np.float32) if exact else None
    return Prediction(image, prediction, None, reference, scores, values, image, None)


def shape_of(request):
    return request.frame.image.shape[:2]


class FakeEngine:
    """Answers at once, or point by point as `gate` is opened; stops between points only."""

    def __init__(self, steps=3):
        self.last = steps
        self.requests, self.tokens, self.threads = [], [], []
        self.gate = threading.Event()
        self.gate.set()
        self.answers = {}  # what kind of request gets, instead: a list of functions of rev

    def attack(self, request, token):
        return self.events(request, token)

    fade = attack_clip = attack

    def events(self, request, token):
        self.requests.append(request)
        self.tokens.append(token)
        self.threads.append(threading.current_thread())
        given = self.answers.get(type(request).__name__)
        if given is not None:
            yield from (make(request.rev) for make in given)
            return
        if isinstance(request, Fade):
            faded = side(request.share / 2, shape_of(request), exact=True)
            yield Faded(request.rev, request.share, faded, None, request.identity, request.number)
        elif request.resume:
            yield from self.points(request, token, self.number + 1)
            return
        else:
            clean = side(0.1, shape_of(request))
            identity = request.identity
            yield Clean(request.rev, True, clean, None, CLASSES, COLOURS, identity=identity)
            if request.attack is not None:
                yield from self.points(request, token, 0)
                return
        yield Idle(request.rev)

    def close(self):
        self.closed = True

    def points(self, request, token, first):
        last = 1 if request.quick else self.last
        for number in range(first, last + 1):
            while not self.gate.wait(0.01) and not token.cancelled:
                pass
            if token.cancelled:
                yield Stopped(request.rev)
                break
            self.number = number
            share = min(0.2 + 0.1 * number, 1.0)
            answer = number == last
            attacked = side(share, shape_of(request), exact=True)
            identity = request.identity
            yield Step(request.rev, number, last, attacked, None, 0.01, answer, identity)
            waits = request.pause_at is not None and number >= request.pause_at
            if (waits or token.paused) and not answer:
                yield Idle(request.rev, paused=True)
                return
        yield Idle(request.rev)


def ready():
    return Ready(attack_forms(), ("one", "two"), "cpu", 1)


def starting(engine):
    return lambda: (engine, ready())


class FakeSource:
    """Pictures of noise; `broken` holds errors by number."""

    def __init__(self, spec="fake", count=4, moving=True, fps=50.0, shape=SHAPE):
        self.spec = self.name = spec
        self.count, self.moving, self.fps = count, moving, fps
        self.exact_labels, self.shape = True, shape
        self.reads, self.broken, self.closed = [], {}, False
        self.gate = threading.Event()
        self.gate.set()

    def read(self, index):
        self.reads.append(index)
        self.gate.wait(5)
        if index in self.broken:
            raise self.broken[index]
        made = picture(self.shape, seed=index, index=index)
        return SourceFrame(f"{self.spec}-{index}", index, made.image, made.labels, made.origin)

    def close(self):
        self.closed = True


class Sources:
    """Fakes by their spec; anything else is opened for real."""

    def __init__(self, **fakes):
        self.fakes, self.asked = fakes, []

    def __call__(self, spec, longest_side):
        self.asked.append((spec, longest_side))
        if spec in self.fakes:
            made = self.fakes[spec]
            if isinstance(made, Exception):
                raise made
            made.closed = False
            return made
        return open_source(spec, longest_side)


def tiny_engine(**more):
    """A real engine whose models are tiny; more models by name."""
    models = {**MODELS, **more}
    return Engine("cpu", load=lambda spec: models[spec]())


class Said:
    """Everything that signals send, as (name, *values)."""

    def __init__(self, **signals):
        self.all = []
        for name, signal in signals.items():
            signal.connect(lambda *values, name=name: self.all.append((name, *values)))

    def of(self, name):
        found = [tuple(values) for n, *values in self.all if n == name]
        return [values[0] if len(values) == 1 else values for values in found]

    def names(self):
        return [name for name, *_ in self.all]


def spin(milliseconds):
    """Let the event loop run."""
    from PySide6.QtTest import QTest

    QTest.qWait(milliseconds)


def within(seconds, condition):
    """Wait without an event loop."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.002)
    return bool(condition())


def at_rest(controller):
    """Whether nothing runs, is about to, or has ended without the window having heard of it."""
    worker = controller.worker
    return not worker.busy and not worker._events and not controller._settle.isActive()


class Opened:
    """A window with its threads; tiny models unless another engine is given."""

    def __init__(
        self,
        state=None,
        engine=None,
        sources=None,
        settings=None,
        cameras=(),
        size=None,
        demo=False,
    ):
        from PySide6.QtTest import QTest

        from art_segplugin_gui import app
        from art_segplugin_gui.arguments import Arguments
        from art_segplugin_gui.qt.window import MainWindow
        from art_segplugin_gui.session.session import Session

        self.engine = engine or tiny_engine()
        self.sources = sources or Sources(fake=FakeSource(shape=(36, 48)))
        self.session = Session(state or small_state())
        services = replace(
            app.services(Arguments()),
            start_engine=starting(self.engine),
            open_source=self.sources,
            cameras=lambda: list(cameras),
        )
        self.window = MainWindow(self.session, services, settings)
        self.window.resize(*(size or (1280, 720)))
        self.window.show()
        self.window.activateWindow()
        assert QTest.qWaitForWindowActive(self.window, 5000)  # else no shortcut is heard
        self.window.begin(demo=demo)
        self.controller, self.parts = self.window.controller, self.window.parts

    @property
    def shown(self):
        return self.controller.shown

    @property
    def banners(self):
        return [banner.text for banner in self.parts.banners.banners]

    @property
    def at_rest(self):
        return at_rest(self.controller)

    @property
    def answered(self):
        step = self.shown.step
        return step is not None and step.answer and self.at_rest and not self.shown.outdated

    def change(self, made, **changes):
        self.session.change(made(self.session.state, **changes))

    def key(self, key, modifier=None):
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        QTest.keyClick(self.window, key, modifier or Qt.KeyboardModifier.NoModifier)

    def close(self):
        if isinstance(self.engine, FakeEngine):
            self.engine.gate.set()
        for fake in self.sources.fakes.values():
            if isinstance(fake, FakeSource):
                fake.gate.set()
        from shiboken6 import isValid

        if isValid(self.window):
            self.window.close()


def small_state(spec="fake", a="one", b=None, index=0, **attack):
    from art_segplugin_gui.session.state import Attack, Models, Source, State

    options = {"steps": 3, **attack.pop("options", {})}
    return State(Source(spec, index), Models(a, b), Attack(options=options, **attack))
