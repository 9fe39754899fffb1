"""Tells the panels and the status bar how far the run is that they show."""

from PySide6.QtCore import QObject

from art_segplugin_gui.qt.runner import Runner
from art_segplugin_gui.qt.window_parts import Parts
from art_segplugin_gui.session.frames import Step
from art_segplugin_gui.session.request import Run


class Progress(QObject):
    """Listens to a runner.

    Args:
        parts: what is told.
        runner: what runs.
        parent: owner.
    """

    def __init__(self, parts: Parts, runner: Runner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._parts, self._runner = parts, runner
        runner.restarted.connect(self._restarted)
        runner.stepped.connect(self._stepped)
        runner.running.connect(parts.attack.set_running)
        runner.told.connect(self._told)
        runner.idle.connect(self._idle)

    def forget(self) -> None:
        """What ran is of the past."""
        self._parts.attack.buttons.begin(attacks=False)

    def _restarted(self, request: Run) -> None:
        self._parts.attack.buttons.begin(attacks=request.attack is not None)

    def _stepped(self, step: Step) -> None:
        self._parts.attack.show_progress(step.number, step.total, step.seconds)
        self._parts.status.show_step(step)

    def _told(self, text: str, share: float) -> None:
        self._parts.status.show_waiting(text, share)
        self._parts.models.show_loading(text, None if share < 0 else share)

    def _idle(self) -> None:
        self._parts.attack.buttons.rest(waits=self._runner.waits)
