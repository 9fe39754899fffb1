"""What the charts of the desktop app cost: new values and the painting of them, in milliseconds.

    QT_QPA_PLATFORM=offscreen python benchmarks/gui_charts.py

Every round gives a chart other values and lets Qt paint them, as a step of an attack does.
"""

import argparse
import os
import time

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtWidgets import QApplication

from art_segplugin_gui.qt.charts.class_bars import ClassBars
from art_segplugin_gui.qt.charts.confusion import ConfusionView
from art_segplugin_gui.qt.charts.step_curve import StepCurve
from art_segplugin_gui.qt.charts.timeline import Timeline

CLASSES = (11, 19, 150)


def names(count):
    return tuple(f"class {number}" for number in range(count))


def bars(count, models, rng):
    chart = ClassBars()
    colours = [tuple(int(v) for v in rng.integers(0, 256, 3)) for _ in range(count)]

    def change(_):
        chart.show_scores(names(count), colours, *rng.uniform(0, 1, (2 * models, count)))

    return chart, change


def confusion(count, shown, rng):
    chart = ConfusionView()
    chart.set_shown(shown)
    counts = rng.integers(0, 2000, (64, count, count))

    def change(number):
        chart.show_counts(names(count), counts[0], counts[number % 64])

    return chart, change


def curve(total, models, rng):
    chart = StepCurve()
    chart.reset(total)

    def change(number):
        if number % (total + 1) == 0:
            chart.reset(total)
        fallen = np.exp(-(number % (total + 1)) / np.array([12, 40, 15, 50]))
        a, b, c, d = (fallen * [0.8, 0.8, -0.8, -0.5] + [0.1, 0.1, 0.9, 0.9]) * rng.uniform(0.9, 1)
        both = models == 2
        chart.append(number % (total + 1), a, b if both else None, c, d if both else None)

    return chart, change


def timeline(count, rng):
    chart = Timeline()
    chart.set_frames(count, 25.0)
    rates = rng.uniform(0, 0.5, (2, count))

    def change(number):
        adversarial = np.where(np.arange(count) <= number % count, rates[1], np.nan)
        chart.set_rates(rates[0], adversarial)
        chart.set_current(number % count)

    return chart, change


def milliseconds(app, chart, change, rounds, size):
    chart.resize(*size)
    chart.show()
    times = []
    for number in range(rounds + 20):
        start = time.perf_counter()
        change(number)
        app.processEvents()
        app.processEvents()  # a table lays itself out in one turn and paints in the next
        times.append(1e3 * (time.perf_counter() - start))
    chart.close()
    return np.percentile(times[20:], [50, 95])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=300)
    rounds = parser.parse_args().rounds
    app = QApplication.instance() or QApplication([])
    app.setStyle("Fusion")
    rng = np.random.default_rng(0)
    cases = [
        (f"bars, {count} classes, {models} model(s)", (300, 480), bars(count, models, rng))
        for count in CLASSES
        for models in (1, 2)
    ]
    cases += [
        (f"confusion, {count} classes, {shown}", (500, 600), confusion(count, shown, rng))
        for count in CLASSES
        for shown in ("adversarial", "difference")
    ]
    cases += [
        (f"curve, 100 steps, {models} model(s)", (700, 200), curve(100, models, rng))
        for models in (1, 2)
    ]
    cases += [
        (f"timeline, {count} frames", (900, 120), timeline(count, rng)) for count in (120, 20_000)
    ]
    print(f"{'set and paint':40}{'p50 ms':>9}{'p95 ms':>9}")
    for name, size, (chart, change) in cases:
        middle, slow = milliseconds(app, chart, change, rounds, size)
        print(f"{name:40}{middle:9.2f}{slow:9.2f}")


if __name__ == "__main__":
    main()
