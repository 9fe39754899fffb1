"""Milliseconds that the picture panes take of the window's thread: 4 panes of a 1440x900 window.

CPU time is that of the thread alone: without other programs, and without the helper threads of Qt that
paint with it.

QT_QPA_PLATFORM=offscreen python benchmarks/gui_panes.py
"""

import os
import time
from collections.abc import Callable
from dataclasses import replace

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtWidgets import QApplication

from art_segplugin_gui.qt.panes.grid import PaneGrid
from art_segplugin_gui.qt.panes.titles import Caption
from art_segplugin_gui.session.frames import Prediction, Scores
from art_segplugin_gui.session.state import LAYERS, View

AREA = (890, 640)  # what the panes get of a window of 1440x900, see the docks beside them
CLASSES = 19
REPEATS = 150


def blobs(rng, height, width, count):
    """A label map of regions as large as those of a street."""
    coarse = rng.integers(0, count, (height // 20 + 1, width // 20 + 1)).astype(np.uint8)
    return np.ascontiguousarray(np.kron(coarse, np.ones((20, 20), np.uint8))[:height, :width])


def side(rng, height, width, clean=None):
    """A side of made-up content; an adversarial one where a clean one is given."""
    scores = Scores(np.zeros((CLASSES, CLASSES), np.int64), 0.5, 0.1, np.zeros(CLASSES))
    confidence = rng.integers(0, 256, (height, width)).astype(np.uint8)
    if clean is None:
        image = rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
        labels = blobs(rng, height, width, CLASSES)
        return Prediction(image, np.roll(labels, 3, 1), confidence, labels, scores)
    exact = clean.image.transpose(2, 0, 1).astype(np.float32) / 255
    exact = np.clip(exact + rng.uniform(-8, 8, exact.shape).astype(np.float32) / 255, 0, 1)
    image = np.ascontiguousarray((exact * 255).round().astype(np.uint8).transpose(1, 2, 0))
    prediction = blobs(rng, height, width, CLASSES)
    return Prediction(
        image, prediction, confidence, clean.reference, scores, exact, image.copy(), confidence
    )


def measure(grid: PaneGrid, action: Callable[[int], None]) -> tuple[float, ...]:
    """Of the action and the paint of all panes: wall p50, p95, max and CPU p95, in ms."""
    walls, cpus = [], []
    for number in range(REPEATS):
        wall, cpu = time.perf_counter(), time.thread_time()
        action(number)
        QApplication.processEvents()  # one paint of all that changed, flushed to the window
        walls.append(1000 * (time.perf_counter() - wall))
        cpus.append(1000 * (time.thread_time() - cpu))
    walls, cpus = sorted(walls[5:]), sorted(cpus[5:])
    late = int(0.95 * len(walls))
    return walls[len(walls) // 2], walls[late], walls[-1], cpus[late]


def rows(height, width):
    """Name and times of each interaction."""
    rng = np.random.default_rng(0)
    clean = side(rng, height, width)
    steps = [side(rng, height, width, clean) for _ in range(12)]
    grid = PaneGrid()
    grid.resize(*AREA)
    grid.set_compared(True)
    grid.set_colours(
        [f"class {i}" for i in range(CLASSES)],
        [tuple(map(int, c)) for c in rng.integers(0, 256, (CLASSES, 3))],
    )
    grid.set_captions(*[Caption(f"{i} adversarial", "mIoU .717  error 3.6 %") for i in "abcd"])
    grid.show()
    layers = [name for name in LAYERS if name != "image"]

    def fresh():
        # A step that was never shown: nothing of it is cached.
        return side_copy(steps[rng.integers(len(steps))])

    def side_copy(step):
        return replace(step, prediction=step.prediction.copy())

    def show(layer):
        grid.set_view(View(layer=layer))
        sides = [(fresh(), fresh()) for _ in range(REPEATS)]
        return lambda i: grid.show_sides(clean, sides[i][0], clean, sides[i][1])

    for layer in ("prediction", "error", "confidence"):
        yield f"new step, {layer}", measure(grid, show(layer))
    grid.show_sides(clean, steps[0], clean, steps[1])
    grid.set_view(View())
    view = View()
    yield "opacity", measure(grid, lambda i: grid.set_view(replace(view, opacity=i % 90 / 90)))
    yield "layer toggle", measure(grid, lambda i: grid.set_view(View(layer=layers[i % 7])))
    hidden = [View(hidden=frozenset({i % CLASSES})) for i in range(REPEATS)]
    yield "hidden class", measure(grid, lambda i: grid.set_view(hidden[i]))
    wrong = [View(layer="error", isolated=i % CLASSES) for i in range(REPEATS)]
    yield "isolated class, error", measure(grid, lambda i: grid.set_view(wrong[i]))
    pairs = [View(pair=(i % CLASSES, i // CLASSES)) for i in range(REPEATS)]
    yield "confusion pair", measure(grid, lambda i: grid.set_view(pairs[i]))
    grid.set_view(View())
    yield "flip", measure(grid, lambda i: grid.flip(i % 2 == 0))
    grid.flip(False)
    yield "fade", measure(grid, lambda i: grid.set_view(View(fade=i / 100 + 0.003)))
    grid.set_view(View())
    centre = [(i % 40) * width / 80 for i in range(REPEATS)]
    size = width / 4
    yield (
        "zoom and pan",
        measure(grid, lambda i: grid.zoom_to(centre[i], 20, centre[i] + size, 20 + size)),
    )
    grid.fit()
    stroke = grid.panes[0].brushed.emit
    yield "painting", measure(grid, lambda i: stroke(2 * i, i, 2 * i + 9, i + 9, i % 10 == 9))
    grid.close()


def main():
    QApplication([])
    print("| picture | what changes | p50 ms | p95 ms | max ms | CPU p95 ms |\n" + "|---" * 6 + "|")
    for height, width in ((360, 480), (512, 1024)):
        for name, times in rows(height, width):
            cells = " | ".join(f"{value:.1f}" for value in times)
            print(f"| {width}x{height} | {name} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
