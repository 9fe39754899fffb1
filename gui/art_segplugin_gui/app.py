"""Puts the app together: arguments, settings, look, window, threads."""

import contextlib
import ctypes
import gc
import os
import re
import sys
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from art_segplugin_gui import crash
from art_segplugin_gui.arguments import USUAL_SIZE, Arguments, parse
from art_segplugin_gui.qt import theme
from art_segplugin_gui.qt.files import kind_of
from art_segplugin_gui.qt.screenshot import Screenshot
from art_segplugin_gui.qt.settings import Settings
from art_segplugin_gui.qt.window import MainWindow, Services
from art_segplugin_gui.session.export_job import Exported
from art_segplugin_gui.session.ready import Ready
from art_segplugin_gui.session.request import EngineLike
from art_segplugin_gui.session.session import Session
from art_segplugin_gui.session.sources.base import FrameSource
from art_segplugin_gui.session.state import Attack, State

SWITCH_INTERVAL = 0.001
"""Seconds after which a thread that computes lets the window's have Python's lock."""


MALLOC = ((-3, 32 << 20), (-1, 256 << 20), (-8, 1))
"""Of glibc's `mallopt`: its M_MMAP_THRESHOLD and M_TRIM_THRESHOLD in bytes, and M_ARENA_MAX."""


class Crashes(QObject):
    """Brings what went wrong in any thread to the window's."""

    happened = Signal(str, str)


def main(argv: Sequence[str] | None = None) -> int:
    """Open the window and return its exit status when it is closed.

    Raises:
        InputError: an argument that cannot be used.
    """
    arguments = parse(sys.argv[1:] if argv is None else argv)
    crashes = Crashes()
    log = crash.install(crashes.happened.emit)
    sys.setswitchinterval(SWITCH_INTERVAL)
    gc.disable()  # a fifth of the time that torch takes to load; see `_loaded`
    QGuiApplication.setHighDpiScaleFactorRoundingPolicy(
        Qt.HighDpiScaleFactorRoundingPolicy.PassThrough
    )
    app = QApplication.instance() or QApplication(["art-segplugin"])
    assert isinstance(app, QApplication)
    app.setApplicationName("art-segplugin")
    settings = None if arguments.safe_mode or arguments.screenshot else Settings()
    if settings is not None and arguments.reset_settings:
        settings.clear()
    theme.apply(app, arguments.theme or (settings.theme if settings else "dark"))
    window = MainWindow(Session(first_state(arguments, settings)), services(arguments), settings)
    crashes.happened.connect(
        lambda text, details: window.say("error", text, details), Qt.ConnectionType.QueuedConnection
    )
    window.resize(*(arguments.size or USUAL_SIZE))
    if arguments.size is None and settings is not None and not settings.geometry.isEmpty():
        window.restoreGeometry(settings.geometry)
    window.show()
    window.begin(demo=arguments.demo)
    shot = None
    if arguments.screenshot is not None:
        shot = Screenshot(window, window.controller, arguments.screenshot)
    ended = [True]
    window.closed.connect(ended.append)
    status = app.exec()
    if shot is not None and shot.problem:
        print(f"error: {shot.problem}", file=sys.stderr)  # noqa: T201
    log.close()
    if not ended[-1]:
        # A thread that is stuck in one operation of a model would keep the process for as long.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status


def first_state(arguments: Arguments, settings: Settings | None) -> State:
    """What the arguments and the settings say to begin with."""
    state = State()
    for given in arguments.sources:
        if kind_of(Path(given)) == "model":
            state = replace(state, models=replace(state.models, a=given))
        else:
            state = replace(state, source=replace(state.source, spec=given))
    models, attack, view = state.models, state.attack, state.view
    if arguments.model is not None:
        models = replace(models, a=arguments.model)
    if arguments.model_b is not None:
        models = replace(models, b=arguments.model_b)
    if arguments.attack is not None:
        attack = named_attack(attack, arguments.attack)
    if arguments.eps is not None:
        attack = attack.with_options(eps=arguments.eps)
    if arguments.layer is not None:
        view = replace(view, layer=arguments.layer)
    if settings is not None:
        view = replace(view, safe_colours=settings.safe_colours)
    return replace(state, models=models, attack=attack, view=view)


def named_attack(attack: Attack, name: str) -> Attack:
    """An attack called "recipe" or "recipe-steps"; the worker says if there is none of that name."""
    recipe, steps = re.fullmatch(r"(.*?)(?:-(\d+))?", name.lower()).groups()  # type: ignore[union-attr]
    changed = replace(attack, recipe=recipe)
    return changed if steps is None else changed.with_options(steps=int(steps))


def services(arguments: Arguments) -> Services:
    """The functions that the window's threads call; torch is loaded in the first of them."""

    def start_engine() -> tuple[EngineLike, Ready]:
        from art_segplugin_gui.session.engine import start_engine

        _keep_memory()
        try:
            return start_engine(arguments.threads, rule=arguments.label_rule)
        finally:
            _loaded()

    def open_source(spec: str, longest_side: int | None) -> FrameSource:
        from art_segplugin_gui.session.sources.opening import open_source

        return open_source(spec, longest_side, arguments.label_rule)

    def cameras() -> list[int]:
        from art_segplugin_gui.session.sources.camera import cameras

        return cameras()

    def export(folder: Path, kinds: Collection[str], shown: Exported) -> list[Path]:
        from art_segplugin_gui.session.export import export

        return export(folder, kinds, shown)

    return Services(start_engine, open_source, cameras, export)


def _keep_memory() -> None:
    """Let glibc keep the memory of tensors that are freed; a thirtieth of an attack step.

    Maps of some megabytes come and go in every step. In threads other than the first, glibc gives
    such memory back each time, and the kernel clears it anew. Without glibc nothing is changed.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        for option, value in MALLOC:
            ctypes.CDLL(None).mallopt(option, value)


def _loaded() -> None:
    """Collect garbage again, but do not look through what the libraries brought with them.

    Torch alone brings some hundred thousand objects that live as long as the process; each look at
    them would stop the window for up to 80 ms.
    """
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
