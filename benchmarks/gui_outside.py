"""Scenarios of `gui_live.py` that need more than the app: another process, or a large video."""

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from gui_bare_process import bare
from gui_figures import Row

from art_segplugin_gui.session.session import with_attack, with_source

HERE = Path(__file__).parent
STEPS = 20


class Outside:
    """For `gui_measures.Measures`, which has the app and the numbers of repeats."""

    def rate(self):
        """Steps a second in the app over those of a process without it, one after the other."""
        app = self.app
        for compared in (False, True):
            app.compare(None)
            app.look_at(0)
            if compared:
                app.compare()
            app.settle()
            wall, ms = [], []
            with bare() as ask:
                for number in range(2 * self.runs + 2):
                    order = (True, False) if number % 2 else (False, True)
                    taken = {}
                    for inside in order:
                        taken[inside] = self._run_in_app() if inside else ask(1, STEPS)
                    if number > 1:  # the first ones warm up
                        wall.append(taken[False] / taken[True])
                        ms.append(1000 * taken[True] / STEPS)
            panes = "4 panes, transfer" if compared else "2 panes"
            goal = ("", 0.0) if compared else ("p50", 0.9)
            yield Row(f"step rate in the app over that without, {panes}", wall, *goal, "", True)
            yield Row(f"- time a step in the app, {panes}", ms)
        app.settle()

    def start(self):
        """From the start of a process to what it paints."""
        stamps = []
        for _ in range(self.runs + 2):
            done = subprocess.run(
                [sys.executable, HERE / "gui_start.py"], check=True, capture_output=True, text=True
            )
            stamps.append(json.loads(done.stdout.splitlines()[-1]))
        stamps = stamps[1:]  # the first one warms the disk's cache
        for key, name, target in (
            ("window", "start to the window's first paint", 0),
            ("picture", "start to the picture", 0),
            ("clean", "start to first overlay", 4000),
            ("step", "start to first adversarial overlay", 4000),
            ("cpu", "- CPU time of the process until then", 0),
        ):
            values = [1000 * stamp[key] for stamp in stamps]
            yield Row(name, values, *(("p95", target) if target else ()))

    def seek(self):
        """A large video: mark of waiting, and the old picture until the new one is there."""
        from gui_big_video import make

        app = self.app
        app.compare(None)
        with tempfile.TemporaryDirectory() as folder:
            for suffix in (".mkv", ".mp4"):
                path, count = make(Path(folder) / f"large{suffix}"), 40
                state = with_attack(app.session.state, auto=False)
                source = replace(state.source, spec=str(path), index=0, longest_side=None)
                app.change(replace(state, source=source))
                app.until(lambda: app.shown.frame.image.shape[0] == 1080)
                app.settle()
                marks, frames, kept = [], [], 0
                pane = app.window.parts.grid.panes[0]
                for _ in range(self.repeat):
                    app.until(lambda p=pane: not p.busy and not app.controller.worker.busy)
                    app.rest(0.05)
                    old, composed = app.shown.frame, pane.composition
                    index = self.random.choice([i for i in range(count) if i != old.index])
                    before = app.probe.paints
                    at = app.look_at(index)
                    app.until(
                        lambda old=old, b=before: app.probe.paints > b or app.shown.frame is not old
                    )
                    kept += app.shown.frame is old and pane.busy and pane.composition is composed
                    marks.append(1000 * (app.probe.painted - at))
                    app.until(lambda old=old: app.shown.frame is not old)
                    frames.append(1000 * (time.perf_counter() - at))
                what = f"1920x1080 {suffix[1:]}"
                yield Row(
                    f"seek to busy mark painted, {what} (old frame kept {kept} times)",
                    marks,
                    "p95",
                    16,
                )
                yield Row(f"- seek to the frame, {what}", frames)
        with contextlib.suppress(SystemExit):
            app.change(
                with_source(app.session.state, spec="scenes:test", index=0, longest_side=640)
            )
            app.until(lambda: app.shown.frame.image.shape[0] == 360, 20)

    def _run_in_app(self):
        """Seconds from an attack's first point to its last."""
        app = self.app
        app.settle()
        app.probe.steps.clear()
        app.controller.run()
        rev = app.controller._rev
        app.until(lambda: self._drawn(rev, STEPS))
        steps = app.probe.steps
        return steps[-1][0] - steps[0][0]
