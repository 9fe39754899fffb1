"""The scenarios of `gui_live.py`, each played in the running app."""

import random
import time
from pathlib import Path

import numpy as np
from gui_figures import Row
from gui_outside import STEPS, Outside
from gui_probe import LiveApp
from PySide6.QtCore import Qt, QTimer

from art_segplugin_gui.session.session import with_attack, with_models, with_source, with_view

HERE = Path(__file__).parent
TICK_MS = 10


class Measures(Outside):
    """One app for all scenarios but the start, which starts others.

    Args:
        repeat: measurements of each quantity; of whole attacks a tenth of that.
    """

    def __init__(self, repeat):
        self.repeat, self.runs = repeat, max(2, repeat // 10)
        self.random = random.Random(0)
        self.count = 0  # of changes of eps, so that none is the same as before
        self._app = None

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        if self._app is not None:
            self._app.close()

    def take(self, name):
        """The rows of a scenario."""
        return getattr(self, name)()

    @property
    def app(self):
        if self._app is None:
            self._app = LiveApp("--attack", f"segpgd-{STEPS}")
            self._app.started()
        return self._app

    def four_panes(self, transfer=True):
        self.app.compare(transfer=transfer)
        return self.app

    def frames(self):
        """Work of the window's thread for each drawn point, and gaps of its event loop."""
        app = self.four_panes()
        for layer in ("prediction", "error"):
            app.change(with_view(app.session.state, layer=layer))
            ticks, timer = [], QTimer(app.window, interval=TICK_MS)
            timer.setTimerType(Qt.TimerType.PreciseTimer)
            timer.timeout.connect(lambda ticks=ticks: ticks.append(time.perf_counter()))
            gaps = []
            app.probe.frames.clear()
            for _ in range(self.runs):
                app.settle()
                app.probe.end_frame()
                ticks.clear()
                timer.start()
                app.controller.run()
                app.until(lambda: not app.shown.step.answer)
                app.to_end()
                timer.stop()
                app.probe.end_frame()
                gaps += list(1000 * np.diff(ticks))
            frames = app.probe.frames
            what = f"4 panes, {layer}"
            yield Row(f"UI work a point, {what}", [f["wall"] for f in frames], "p95", 16)
            yield Row(f"- of it the slot, {what}", [f["slot"] for f in frames])
            yield Row(f"- of it the paints, {what}", [f["paint"] for f in frames])
            yield Row(f"- CPU time of slot and paints, {what}", [f["cpu"] for f in frames])
            yield Row(f"- CPU time of the thread, {what}", [f["thread"] for f in frames])
            yield Row(f"event-loop gap in a run, {what}", gaps, "p99", 33)
        app.change(with_view(app.session.state, layer="prediction"))

    def toggle(self):
        """Layer, opacity and flip, with nothing else going on and during an attack."""
        app = self.four_panes()
        app.settle()
        actions = app.window.actions_table
        layers = [name for name in app.window.commands if name.startswith("layer")]

        def layer(number):
            actions.action(layers[number % len(layers)]).trigger()

        def opacity(number):
            actions.action("opacity-up" if number % 10 < 5 else "opacity-down").trigger()

        def flip(number):
            app.window.held_commands["flip"](number % 2 == 0)

        for busy in (False, True):
            app.settle()
            for name, act in (("layer toggle", layer), ("opacity", opacity), ("flip", flip)):
                times = []
                for number in range(self.repeat + self.repeat % 2):
                    if busy and not app.controller.attacking:
                        app.controller.run()
                        app.until(lambda: not app.shown.step.answer)
                    app.rest(self.random.uniform(0.02, 0.06))
                    before, at = app.probe.paints, time.perf_counter()
                    act(number)
                    app.until(lambda before=before: app.probe.paints > before)
                    times.append(1000 * (app.probe.painted - at))
                when = "during an attack" if busy else "nothing runs"
                yield Row(f"{name}, 4 panes, {when}", times, "p95", 16)
        app.settle()

    def change(self):
        """From a change during a run to the adversarial pane's paint."""
        for compared in (False, True):
            app = self.app
            app.compare(None)
            if compared:
                app.compare()
            panes = 4 if compared else 2
            for name in ("eps", "recipe", "picture"):
                first, moved = [], []
                for _ in range(self.repeat):
                    self.count += 1
                    self._run_a_while()
                    state = app.session.state
                    if name == "eps":
                        options = dict(state.attack.options) | {"eps": (4 + self.count % 9) / 255}
                        new = with_attack(state, options=options)
                    elif name == "recipe":
                        recipe = "pgd" if state.attack.recipe == "segpgd" else "segpgd"
                        new = with_attack(state, recipe=recipe)
                    else:
                        new = with_source(state, index=(state.source.index + 1) % 50)
                    app.probe.steps.clear()
                    at = app.change(new)
                    rev = app.controller._rev
                    app.until(lambda rev=rev: self._painted_since(rev, 0))
                    first.append(1000 * (app.probe.painted - at))
                    app.until(lambda rev=rev: self._painted_since(rev, 1))
                    moved.append(1000 * (app.probe.painted - at))
                yield Row(
                    f"change of {name} in a run to first adversarial overlay, {panes} panes",
                    first,
                    "p95",
                    500,
                )
                yield Row(f"- to the overlay after one step, {name}, {panes} panes", moved)
        self.app.settle()

    def drag(self):
        """A slider that is dragged for a second: overlays that are drawn meanwhile."""
        app = self.app
        app.compare(None)
        app.settle()
        gaps = []
        for _ in range(self.runs):
            app.rest(0.5)
            app.controller.dragging = True
            app.probe.steps.clear()
            began = time.perf_counter()
            for number in range(90):
                options = dict(app.session.state.attack.options) | {"eps": (2 + number / 10) / 255}
                app.session.change(with_attack(app.session.state, options=options), merge="eps")
                app.rest(0.016)
            ended = time.perf_counter()
            app.controller.dragging = False
            times = [began, *[at for at, _ in app.probe.steps if at < ended], ended]
            gaps += list(1000 * np.diff(times))
            app.to_end()
        yield Row("longest wait for an overlay while eps is dragged, 2 panes", gaps, "p95", 500)

    def cancel(self):
        """Stop to Idle, at any moment of a step."""
        app = self.app
        app.compare(None)
        slow = f"{HERE / 'gui_slow_model.py'}:slow"
        for spec, step in (("small-scenes", 0.15), (slow, 1.0)):
            app.change(with_models(app.session.state, a=spec))
            app.until(lambda: app.shown.step is None or app.shown.step.number >= 0)
            app.settle()
            app.controller.run(1)
            app.until(lambda: app.controller.paused)
            times, seconds = [], []
            for _ in range(self.repeat):
                app.controller.run()
                rev = app.controller._rev
                app.until(lambda rev=rev: self._drawn(rev, 0))
                app.rest(self.random.uniform(0, 1.5 * step))
                if not app.controller.worker.busy:
                    continue
                app.idle_at, at = 0.0, time.perf_counter()
                app.controller.stop()
                app.until(lambda: app.idle_at > 0)
                times.append(1000 * (app.idle_at - at))
            app.controller.run(3)
            app.until(lambda: app.controller.paused)
            seconds.append(1000 * app.shown.step.seconds)
            label = Path(spec.partition(":")[0]).stem
            yield Row(
                f"Stop to Idle, {label}, a step takes {seconds[-1]:.0f} ms", times, "p95", 100
            )
        app.change(with_models(app.session.state, a="small-scenes"))
        app.to_end()

    def _run_a_while(self):
        """An attack is under way, at any moment of a step."""
        app = self.app
        if (
            not app.controller.attacking
            or app.shown.step is None
            or app.shown.step.number > STEPS - 6
        ):
            app.controller.run()
            rev = app.controller._rev
            app.until(lambda: self._drawn(rev, 1))
        app.rest(self.random.uniform(0.2, 0.4))

    def _drawn(self, rev, number):
        """Whether a point of this run, or a later one, has arrived."""
        steps = self.app.probe.steps
        return bool(steps) and steps[-1][1].rev >= rev and steps[-1][1].number >= number

    def _painted_since(self, rev, number):
        """Whether such a point of a later run is painted."""
        if self.app.controller._rev == rev or not self._drawn(rev + 1, number):
            return False
        return self.app.probe.painted > self.app.probe.steps[-1][0]
