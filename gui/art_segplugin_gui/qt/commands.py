"""What each action of the table does to the state, the director and the window."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from art_segplugin_gui.qt.action_table import layer_id
from art_segplugin_gui.qt.director import Director
from art_segplugin_gui.qt.going import gone
from art_segplugin_gui.qt.panes.grid import PaneGrid
from art_segplugin_gui.session.session import (
    Session,
    with_attack,
    with_models,
    with_view,
)
from art_segplugin_gui.session.state import FADE_LIMIT, LAYERS, State

OPACITY_STEP = 0.05
FADE_STEP = 0.1


class WindowCommands(Protocol):
    """What only the window can do."""

    def window_commands(self) -> dict[str, Callable[[], object]]:
        """By the id of the action."""


class Commands:
    """The functions behind the ids of `action_table.ACTIONS`.

    Args:
        session: the state.
        director: runs and stops.
        grid: the panes.
        window: dialogs, docks and themes.
    """

    def __init__(
        self, session: Session, director: Director, grid: PaneGrid, window: WindowCommands
    ) -> None:
        self._session, self._director, self._grid = session, director, grid
        self.by_id: dict[str, Callable[[], object]] = {
            "undo": session.undo,
            "redo": session.redo,
            "opacity-down": lambda: self._more_opacity(-OPACITY_STEP),
            "opacity-up": lambda: self._more_opacity(OPACITY_STEP),
            "link": lambda: self._toggle_view("linked"),
            "safe-colours": lambda: self._toggle_view("safe_colours"),
            "fit": grid.fit,
            "actual-size": grid.actual_size,
            "play": self._play_or_pause,
            "previous": lambda: self.go(-1),
            "next": lambda: self.go(1),
            "run": director.run,
            "step": director.step,
            "stop": director.stop,
            "fade-down": lambda: self._more_fade(-FADE_STEP),
            "fade-up": lambda: self._more_fade(FADE_STEP),
            "auto": self._toggle_auto,
            "transfer": self._toggle_transfer,
            **{layer_id(name): lambda name=name: self._layer(name) for name in LAYERS},  # type: ignore[misc]
            **window.window_commands(),
        }
        self.held: dict[str, Callable[[bool], object]] = {"flip": grid.flip, "plain": grid.peek}

    def go(self, by: int) -> None:
        """Another picture of the source."""
        source = gone(self._session.state.source, by, self._director.count)
        self._session.change(replace(self._session.state, source=source), merge="picture")

    def _play_or_pause(self) -> None:
        if self._director.playing:
            self._director.pause()
        else:
            self._director.play()

    def _more_opacity(self, by: float) -> None:
        opacity = min(max(round(self._session.state.view.opacity + by, 2), 0.0), 1.0)
        self._session.change(with_view(self._session.state, opacity=opacity), merge="opacity")

    def _more_fade(self, by: float) -> None:
        fade = min(max(round(self._session.state.view.fade + by, 2), 0.0), FADE_LIMIT)
        self._session.change(with_view(self._session.state, fade=fade), merge="fade")

    def _toggle_view(self, name: str) -> None:
        view = self._session.state.view
        self._session.change(with_view(self._session.state, **{name: not getattr(view, name)}))

    def _layer(self, name: str) -> None:
        self._session.change(with_view(self._session.state, layer=name))

    def _toggle_auto(self) -> None:
        attack = self._session.state.attack
        self._session.change(with_attack(self._session.state, auto=not attack.auto))

    def _toggle_transfer(self) -> None:
        models = self._session.state.models
        self._session.change(with_models(self._session.state, transfer=not models.transfer))


def checked_actions(state: State) -> dict[str, bool]:
    """Which checkable actions are on, by id; those of the state, not of the window."""
    return {
        "link": state.view.linked,
        "safe-colours": state.view.safe_colours,
        "auto": state.attack.auto,
        "compare": state.models.b is not None,
        "transfer": state.models.transfer,
        **{layer_id(name): name == state.view.layer for name in LAYERS},
    }
