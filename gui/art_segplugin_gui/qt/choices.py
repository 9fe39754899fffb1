"""What the user chose in the panels, charts and panes, as changes of the state."""

from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from art_segplugin_gui.qt.director import Director
from art_segplugin_gui.qt.recent import RecentFiles
from art_segplugin_gui.qt.settings import Settings
from art_segplugin_gui.qt.window_parts import Parts
from art_segplugin_gui.session.painted import Mask, Painted
from art_segplugin_gui.session.regions import newly_wrong_region
from art_segplugin_gui.session.session import Session, with_view
from art_segplugin_gui.session.shown import Shown
from art_segplugin_gui.session.state import Attack, Models, Source


class Choices(QObject):
    """Connects the widgets to the session.

    Args:
        parts: the widgets.
        session: the state.
        director: for what is no state: scrubbing, dragging.
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
        director: Director,
        settings: Settings | None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._parts, self._session = parts, session
        self._director, self._settings = director, settings
        self._pressed: str | None = None
        parts.source.source_changed.connect(self.source)
        parts.source.playing.connect(lambda on: director.play() if on else director.pause())
        parts.models.models_changed.connect(self.models)
        parts.models.stage_changed.connect(self.stage)
        parts.strip.layer_chosen.connect(lambda name: self._view("layer", name))
        parts.strip.opacity_changed.connect(self._opacity)
        parts.strip.settled.connect(session.settle)
        parts.attack.attack_changed.connect(self.attack)
        parts.attack.dragging.connect(self._dragging)
        parts.attack.run.connect(lambda: director.run())
        parts.attack.step.connect(director.step)
        parts.attack.run_to.connect(director.run_to)
        parts.attack.stop.connect(director.stop)
        parts.attack.fade_changed.connect(self._fade)
        parts.attack.painting.connect(lambda _: self._hold_brush(director.held))
        parts.attack.brush_size.connect(parts.grid.set_brush)
        parts.attack.clear_mask.connect(lambda: self.mask(None))
        parts.grid.painted.connect(self.mask)
        director.held_changed.connect(self._hold_brush)
        parts.bars.class_clicked.connect(self.isolate)
        parts.bars.class_hidden.connect(self._hide_class)
        parts.confusion.cell_clicked.connect(lambda true, guess: self._view("pair", (true, guess)))
        parts.confusion.cleared.connect(lambda: self._view("pair", None))
        parts.curve.scrubbed.connect(director.look_at)
        parts.timeline.frame_chosen.connect(lambda index: self._of_source(index=index))
        parts.timeline.range_chosen.connect(
            lambda first, last: self._of_source(first=first, last=last)
        )
        session.listeners.append(lambda _, after: parts.strip.show_view(after.view))
        parts.strip.show_view(session.state.view)
        director.shown_changed.connect(self._measure)
        self._values = 0
        if settings is not None:
            self._look_for_lost(settings)

    def source(self, source: Source) -> None:
        """Look at something else, or at another picture of it."""
        before = self._session.state.source
        moved = replace(source, index=before.index) == before
        self._change("picture" if moved else None, source=source)

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
        self._change("attack" if self._director.dragging else self._pressed, attack=attack)

    def nudge_eps(self, steps: int) -> None:
        """Change the radius by so many places, as a key does; presses in a row are undone together."""
        self._pressed = "eps"
        self._parts.attack.nudge_eps(steps)
        self._pressed = None

    def mask(self, mask: Mask | None) -> None:
        """Change the painted region, bool (h, w); None for none."""
        painted = Painted.of(mask) if mask is not None and mask.any() else None
        if painted is None and self._director.mask is None:
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
        shown = self._director.shown
        if shown.clean_a is not None and shown.attacked_a is not None:
            box = newly_wrong_region(shown.clean_a, shown.attacked_a, index)
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
        self._director.failed.connect(lambda *_: recent.look())
        self._parts.source.set_recent(settings.recent)
        recent.look()
        strip.show_parts(settings.strip)
        strip.parts_changed.connect(lambda shown: setattr(settings, "strip", shown))

    def _measure(self, shown: Shown) -> None:
        """Tell the forms how large the picture is: radii in L2 and L1 depend on it."""
        values = 0 if shown.frame is None else shown.frame.image.size
        if values not in (0, self._values):
            self._values = values
            self._parts.attack.set_values(values)

    def _opacity(self, opacity: float) -> None:
        self._session.change(with_view(self._session.state, opacity=opacity), merge="opacity")

    def _of_source(self, **changes: Any) -> None:
        self.source(replace(self._session.state.source, **changes))

    def _dragging(self, on: bool) -> None:
        self._director.dragging = on
        if not on:
            self._session.settle()

    def _fade(self, share: float) -> None:
        self._session.change(with_view(self._session.state, fade=share), merge="fade")

    def _hide_class(self, index: int, hidden: bool) -> None:
        before = self._session.state.view.hidden
        self._view("hidden", before | {index} if hidden else before - {index})

    def _view(self, name: str, value: object) -> None:
        self._session.change(with_view(self._session.state, **{name: value}))

    def _change(self, merge: str | None = None, **parts: Any) -> None:
        self._session.change(replace(self._session.state, **parts), merge)
