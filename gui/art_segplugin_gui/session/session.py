"""The one place where the state is kept: changes, undo, redo, and who wants to know."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

from art_segplugin_gui.session.state import State

Listener = Callable[[State, State], None]
"""Called with the state before and after a change."""

REMEMBERED = 200


@dataclass(frozen=True)
class StateDiff:
    """What a change of the state asks for: another picture, another run, or no more than a repaint.

    Attributes:
        open: the source is another one, or is to be scaled otherwise.
        picture: another picture of it is wanted.
        models: other models are wanted; the clean predictions are out of date.
        attack: the attack is another one.
        fade: the perturbation is wanted at another strength.
        source: something about the source is to be shown otherwise, its range or loop too.
        form: something about the attack is, what changes no run too.
        view: something about the view is.
    """

    open: bool = False
    picture: bool = False
    models: bool = False
    attack: bool = False
    fade: bool = False
    source: bool = False
    form: bool = False
    view: bool = False

    @classmethod
    def of(cls, before: State, after: State) -> Self:
        """Compare two states."""
        old, new = before.source, after.source
        return cls(
            open=(old.spec, old.longest_side) != (new.spec, new.longest_side),
            picture=old.index != new.index,
            models=before.models != after.models,
            attack=before.attack.decisive != after.attack.decisive,
            fade=before.view.fade != after.view.fade,
            source=old != new,
            form=before.attack != after.attack,
            view=before.view != after.view,
        )


EVERYTHING = StateDiff(*[True] * 8)


class Session:
    """Holds the state; used by one thread.

    Args:
        state: what to begin with.
    """

    def __init__(self, state: State | None = None) -> None:
        self._state = state or State()
        self._past: list[State] = []
        self._future: list[State] = []
        self._merging: str | None = None
        self.listeners: list[Listener] = []

    @property
    def state(self) -> State:
        """The state now."""
        return self._state

    def change(self, state: State, merge: str | None = None) -> None:
        """Go to another state.

        Args:
            state: made from the present one by `dataclasses.replace`.
            merge: changes in a row with the same key are undone together, such as the many of one
                drag of a slider.
        """
        if state == self._state:
            return
        if merge is None or merge != self._merging:
            self._past.append(self._state)
            del self._past[:-REMEMBERED]
        self._merging = merge
        if state == self._past[-1]:  # there and back: nothing is left to be undone
            self._past.pop()
            self._merging = None
        self._future.clear()
        self._go_to(state)

    def settle(self) -> None:
        """End a row of changes that are undone together: the slider was let go."""
        self._merging = None

    def follow(self, state: State) -> None:
        """Take up what was not chosen but happened, such as the next frame of a playing video."""
        if state != self._state:
            self._go_to(state)

    def forget(self, unwanted: Callable[[State], bool]) -> None:
        """Drop states that undo and redo must not lead back to, such as a file that is broken."""
        for kept in (self._past, self._future):
            kept[:] = [state for state in kept if not unwanted(state)]
            while kept and kept[-1] == self._state:  # a step that would change nothing
                kept.pop()
        self._merging = None
        self._tell(self._state)

    def undo(self) -> bool:
        """Go back to before the last change; False if there is none."""
        return self._travel(self._past, self._future)

    def redo(self) -> bool:
        """Take an `undo` back; False if there is none."""
        return self._travel(self._future, self._past)

    @property
    def can_undo(self) -> bool:
        """Whether there is something to undo."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether there is something to redo."""
        return bool(self._future)

    def _travel(self, source: list[State], other: list[State]) -> bool:
        if not source:
            return False
        other.append(self._state)
        self._merging = None
        self._go_to(source.pop())
        return True

    def _go_to(self, state: State) -> None:
        before, self._state = self._state, state
        self._tell(before)

    def _tell(self, before: State) -> None:
        for listener in list(self.listeners):
            listener(before, self._state)


def with_source(state: State, **changes: object) -> State:
    """`state` with other values in its source."""
    return replace(state, source=replace(state.source, **changes))  # type: ignore[arg-type]


def with_view(state: State, **changes: object) -> State:
    """`state` with other values in its view."""
    return replace(state, view=replace(state.view, **changes))  # type: ignore[arg-type]


def with_models(state: State, **changes: object) -> State:
    """`state` with other models."""
    return replace(state, models=replace(state.models, **changes))  # type: ignore[arg-type]


def with_attack(state: State, **changes: object) -> State:
    """`state` with other values of its attack."""
    return replace(state, attack=replace(state.attack, **changes))  # type: ignore[arg-type]
