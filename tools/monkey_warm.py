"""What the app does once and keeps: done first, so that memory can be compared from then on."""

from monkey_home import HOME
from PySide6.QtCore import QTimer

from art_segplugin_gui.qt.export import KINDS
from art_segplugin_gui.qt.window import MainWindow
from art_segplugin_gui.session.session import with_models, with_source

MODELS = ("segpgd", "segpgd-he", "textures", "segpgd-step-150", "segpgd-step-300")
SCENES = 50


def warm(window: MainWindow) -> int:
    """Export twice (it loads matplotlib), look at all scenes, and load more models than are kept.

    Returns:
        Milliseconds after which it is done.
    """
    at, session = 6000, window.session

    def later(after: int, what: object) -> None:
        nonlocal at
        QTimer.singleShot(at, what)  # type: ignore[call-overload]
        at += after

    for _ in range(2):
        later(9000, lambda: window.exporting.write(HOME / "warm", list(KINDS)))
    for name in MODELS:
        later(
            4000,
            lambda name=name: session.change(with_models(session.state, b=f"small-scenes-{name}")),
        )
    later(500, lambda: session.change(with_models(session.state, b=None)))
    for index in range(SCENES):
        later(400, lambda index=index: session.change(with_source(session.state, index=index)))
    return at + 3000
