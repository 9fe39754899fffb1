"""Asks for what a model says about a point of an attack at another strength."""

from art_segplugin_gui.qt.runner import Runner
from art_segplugin_gui.session.forms import norm_name
from art_segplugin_gui.session.shown import Shown


class Fading:
    """Knows what was asked for, so that a model that fails is not asked for ever.

    Args:
        runner: asks.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._asked: tuple[object, float] | None = None

    def ask(self, shown: Shown) -> None:
        """Ask for label maps at the strength that is wanted; during a run, its end asks again."""
        step, frame = shown.step, shown.frame
        if step is None or frame is None or shown.share == 1 or self._runner.attacking:
            return
        request = shown.request  # not the state, which may have been changed since
        if request is None or request.attack is None:
            return
        self._asked = (step, shown.share)
        norm = norm_name(request.attack.options.get("norm", "inf")).removeprefix("L")
        self._runner.fade(frame, request.models, shown.share, step, float(norm))

    def ask_once(self, shown: Shown) -> None:
        """Likewise, unless it is there or was asked for already."""
        if shown.faded is None and self._asked != (shown.step, shown.share):
            self.ask(shown)
