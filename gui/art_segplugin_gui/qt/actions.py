"""What the user does, by widget, menu or key, as changes of the state and calls of the controller."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal

from art_segplugin_gui.qt.action_table import layer_id
from art_segplugin_gui.qt.controller import AttackController
from art_segplugin_gui.qt.parts import Parts
from art_segplugin_gui.qt.settings import RecentFiles, Settings
from art_segplugin_gui.session.display import DisplayState
from art_segplugin_gui.session.painted import Mask, Painted
from art_segplugin_gui.session.session import Session, with_attack, with_models, with_view
from art_segplugin_gui.session.state import (
    FADE_LIMIT,
    LAYERS,
    Attack,
    Models,
    Source,
    State,
    step_index,
)

OPACITY_STEP = 0.05
FADE_STEP = 0.1


class StateActions(QObject):
    """Connects the widgets to the session, and gives menus and keys their functions.

    Args:
        parts: the widgets.
        session: the state.
        controller: for what is no state: running, scrubbing, dragging.
        settings: where models are remembered; None for nowhere.
        parent: owner.

    Signals:
        models_kept: the models that are remembered have changed.
    """

    models_kept = Signal()

    def __init__(
        self,
        parts: Parts,
        session: Session,
        controller: AttackController,
        settings: Settings | None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._parts, self._session = parts, session
        self._controller, self._settings = controller, settings
        self._pressed: str | None = None
        parts.source.source_changed.connect(self.source)
        parts.source.playing.connect(lambda on: controller.play() if on else controller.pause())
        parts.models.models_changed.connect(self.models)
        parts.models.stage_changed.connect(self.stage)
        parts.strip.layer_chosen.connect(lambda name: self._view("layer", name))
        parts.strip.opacity_changed.connect(lambda opacity: self._slide("opacity", opacity))
        parts.strip.settled.connect(session.settle)
        parts.attack.attack_changed.connect(self.attack)
        parts.attack.dragging.connect(self._dragging)
        parts.attack.run.connect(lambda: controller.run())
        parts.attack.step.connect(controller.step)
        parts.attack.run_to.connect(controller.run_to)
        parts.attack.stop.connect(controller.stop)
        parts.attack.fade_changed.connect(lambda fade: self._slide("fade", fade))
        parts.attack.painting.connect(lambda _: self._hold_brush(controller.held))
        parts.attack.brush_size.connect(parts.grid.set_brush)
        parts.attack.clear_mask.connect(lambda: self.mask(None))
        parts.grid.painted.connect(self.mask)
        controller.held_changed.connect(self._hold_brush)
        parts.bars.class_clicked.connect(self.isolate)
        parts.bars.class_hidden.connect(self._hide_class)
        parts.confusion.cell_clicked.connect(lambda true, guess: self._view("pair", (true, guess)))
        parts.confusion.cleared.connect(lambda: self._view("pair", None))
        parts.curve.scrubbed.connect(controller.look_at)
        parts.timeline.frame_chosen.connect(lambda index: self._of_source(index=index))
        parts.timeline.range_chosen.connect(
            lambda first, last: self._of_source(first=first, last=last)
        )
        controller.shown_changed.connect(self._measure)
        self._values = 0
        if settings is not None:
            self._look_for_lost(settings)

    def commands(self) -> dict[str, Callable[[], object]]:
        """What menus and keys do, by the id of the action; all but what only the window can do."""
        session, controller, grid = self._session, self._controller, self._parts.grid
        return {
            "undo": session.undo,
            "redo": session.redo,
            "opacity-down": lambda: self._more("opacity", -OPACITY_STEP, 1.0),
            "opacity-up": lambda: self._more("opacity", OPACITY_STEP, 1.0),
            "link": lambda: self._toggle("linked"),
            "safe-colours": lambda: self._toggle("safe_colours"),
            "fit": grid.fit,
            "actual-size": grid.actual_size,
            "play": lambda: controller.pause() if controller.playing else controller.play(),
            "previous": lambda: self.go(-1),
            "next": lambda: self.go(1),
            "run": controller.run,
            "step": controller.step,
            "stop": controller.stop,
            "fade-down": lambda: self._more("fade", -FADE_STEP, FADE_LIMIT),
            "fade-up": lambda: self._more("fade", FADE_STEP, FADE_LIMIT),
            "auto": self._toggle_auto,
            "transfer": self._toggle_transfer,
            **{layer_id(name): partial(self._view, "layer", name) for name in LAYERS},
        }

    def source(self, source: Source) -> None:
        """Look at something else, or at another picture of it."""
        before = self._session.state.source
        moved = replace(source, index=before.index) == before
        self._change("picture" if moved else None, source=source)

    def go(self, by: int) -> None:
        """Another picture of the source."""
        source = self._session.state.source
        index = step_index(source, by, self._controller.count)
        self._change("picture", source=replace(source, index=index))

    def models(self, models: Models) -> None:
        """Attack other models."""
        self._remember(models)
        self._change(models=models)

    def stage(self, models: Models, done: bool) -> None:
        """Attack another stage of a training; those of one drag are undone together.

        Args:
            models: with the stage as A.
            done: the slider was let go: this one is remembered.
        """
        self._change("stage", models=models)
        if done:
            self._remember(models)
            self._session.settle()

    def attack(self, attack: Attack) -> None:
        """Attack otherwise."""
        self._change("attack" if self._controller.dragging else self._pressed, attack=attack)

    def nudge_eps(self, steps: int) -> None:
        """Change the radius by so many places, as a key does; presses in a row are undone together."""
        self._pressed = "eps"
        self._parts.attack.nudge_eps(steps)
        self._pressed = None

    def mask(self, mask: Mask | None) -> None:
        """Change the painted region, bool (h, w); None for none."""
        painted = Painted.of(mask) if mask is not None and mask.any() else None
        if painted is None and self._controller.mask is None:
            return  # nothing is painted here; what is on pictures of another size stays
        self._change(attack=replace(self._session.state.attack, painted=painted))

    def _hold_brush(self, held: bool) -> None:
        """The pictures of a clip are cut to even sides: what is painted on them would fit no other."""
        self._parts.grid.set_painting(not held and self._parts.attack.goal.paint.isChecked())

    def isolate(self, index: int) -> None:
        """Show one class alone and come close to where most of it fell; again for all of it."""
        if self._session.state.view.isolated == index:
            self._view("isolated", None)
            self._parts.grid.fit()
            return
        self._view("isolated", index)
        box = self._controller.shown.newly_wrong_region(index)
        if box is not None:
            self._parts.grid.zoom_to(*box)

    def _remember(self, models: Models) -> None:
        if self._settings is not None:
            for spec in filter(None, (models.a, models.b)):
                self._settings.add_recent_model(spec)
            self.models_kept.emit()

    def _look_for_lost(self, settings: Settings) -> None:
        """Drop what is gone from the lists of what was used, now and when opening fails."""
        strip, recent = self._parts.strip, RecentFiles(settings, self)
        recent.changed.connect(self.models_kept)
        recent.changed.connect(lambda: self._parts.source.set_recent(settings.recent))
        self._controller.failed.connect(lambda *_: recent.look())
        self._parts.source.set_recent(settings.recent)
        recent.look()
        strip.show_parts(settings.strip)
        strip.parts_changed.connect(lambda shown: setattr(settings, "strip", shown))

    def _measure(self, shown: DisplayState) -> None:
        """Tell the forms how large the picture is: radii in L2 and L1 depend on it."""
        values = 0 if shown.frame is None else shown.frame.image.size
        if values not in (0, self._values):
            self._values = values
            self._parts.attack.set_values(values)

    def _of_source(self, **changes: Any) -> None:
        self.source(replace(self._session.state.source, **changes))

    def _dragging(self, on: bool) -> None:
        self._controller.dragging = on
        if not on:
            self._session.settle()

    def _hide_class(self, index: int, hidden: bool) -> None:
        before = self._session.state.view.hidden
        self._view("hidden", before | {index} if hidden else before - {index})

    def _slide(self, name: str, value: float) -> None:
        """Change a value of the view; changes in a row are undone together."""
        self._session.change(with_view(self._session.state, **{name: value}), merge=name)

    def _more(self, name: str, by: float, limit: float) -> None:
        before: float = getattr(self._session.state.view, name)
        self._slide(name, min(max(round(before + by, 2), 0.0), limit))

    def _toggle(self, name: str) -> None:
        self._view(name, not getattr(self._session.state.view, name))

    def _toggle_auto(self) -> None:
        attack = self._session.state.attack
        self._session.change(with_attack(self._session.state, auto=not attack.auto))

    def _toggle_transfer(self) -> None:
        models = self._session.state.models
        self._session.change(with_models(self._session.state, transfer=not models.transfer))

    def _view(self, name: str, value: object) -> None:
        self._session.change(with_view(self._session.state, **{name: value}))

    def _change(self, merge: str | None = None, **parts: Any) -> None:
        self._session.change(replace(self._session.state, **parts), merge)


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
