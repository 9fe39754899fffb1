"""Switches off what cannot be done now, and says why."""

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from art_segplugin_gui.qt.actions import Actions
from art_segplugin_gui.qt.director import Director
from art_segplugin_gui.qt.window_parts import Parts

HELD = "Not while a range is attacked; stop it first, or wait for its end."
ONE_PICTURE = "There is no other picture."


class Availability:
    """Keeps buttons and actions in step with the source and with what is going on.

    Args:
        parts: the buttons.
        actions: the actions.
        director: knows whether a range is attacked.
    """

    def __init__(self, parts: Parts, actions: Actions, director: Director) -> None:
        self._source, self._actions, self._director = parts.source, actions, director
        box = parts.attack.buttons
        self._attack = (box.run_button, box.step_button, box.to_button, box.to_spin)
        self._tips: dict[QWidget | QAction, str] = {}

    def show(self) -> None:
        """Show the source of the state, and switch on and off what belongs to it."""
        source = self._source
        source.show_source(self._director.session.state.source)
        held = HELD if self._director.held else ""
        for widget in self._attack:
            widget.setEnabled(not held)
            self._explain(widget, held)
        if held:
            source.play.setEnabled(False)
        self._explain(source.play, held)
        for name in ("run", "step", "export"):
            self._allow(name, not held, held)
        self._allow("play", source.play.isEnabled(), held or ONE_PICTURE)
        self._allow("previous", source.previous.isEnabled(), ONE_PICTURE)
        self._allow("next", source.next.isEnabled(), ONE_PICTURE)

    def _allow(self, name: str, on: bool, reason: str) -> None:
        self._actions.show_enabled(name, on)
        self._explain(self._actions.action(name), "" if on else reason)

    def _explain(self, one: QWidget | QAction, reason: str) -> None:
        """Say why something is off, or again what it does."""
        if reason:
            self._tips.setdefault(one, one.toolTip())
            one.setToolTip(reason)
        elif one in self._tips:
            one.setToolTip(self._tips.pop(one))
