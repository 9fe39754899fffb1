"""The main window: which widget is told what, and who hears of it. Draws and computes nothing."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QCloseEvent
from PySide6.QtWidgets import QApplication, QDialog, QMainWindow, QWidget

from art_segplugin_gui.qt import theme
from art_segplugin_gui.qt.actions import StateActions, checked_actions
from art_segplugin_gui.qt.background import Background
from art_segplugin_gui.qt.capture import SourceThread
from art_segplugin_gui.qt.clip_controller import ClipController
from art_segplugin_gui.qt.controller import AttackController
from art_segplugin_gui.qt.export import Exporting
from art_segplugin_gui.qt.files import DropTarget, Files
from art_segplugin_gui.qt.parts import Layout, Parts, lay_out
from art_segplugin_gui.qt.settings import Settings
from art_segplugin_gui.qt.shortcuts import Actions, ShortcutEditor, ShortcutSheet
from art_segplugin_gui.qt.view_update import ViewUpdate
from art_segplugin_gui.qt.worker import QUEUED, Start, Watch
from art_segplugin_gui.session.export_job import Exported
from art_segplugin_gui.session.ready import Ready
from art_segplugin_gui.session.session import EVERYTHING, Session, StateDiff
from art_segplugin_gui.session.sources.base import FrameSource, SourceInfo
from art_segplugin_gui.session.state import State

HELD = "Not while a range is attacked; stop it first, or wait for its end."
ONE_PICTURE = "There is no other picture."
STUCK = "stuck"
CAMERA = "camera"


@dataclass(frozen=True)
class Services:
    """What the window is given because it must not import it: behind all of it stands torch.

    Attributes:
        start_engine: the engine and what there is to choose from; called in the worker's thread.
        open_source: a source, by its spec and the longest side of its pictures; in the source's.
        cameras: numbers of the cameras that are there; called beside.
        export: writes kinds of files of what is on screen into a folder; called beside.
    """

    start_engine: Start
    open_source: Callable[[str, int | None], FrameSource]
    cameras: Callable[[], list[int]]
    export: Callable[[Path, Collection[str], Exported], list[Path]]


class MainWindow(QMainWindow):
    """The desktop app.

    Args:
        session: the state to begin with.
        services: what runs in other threads.
        settings: what is kept between two starts; None for nothing.

    Signals:
        closed: the window is gone; False if the worker is stuck and the process has to be ended.
    """

    closed = Signal(bool)
    _cameras_found = Signal(object)

    def __init__(
        self, session: Session, services: Services, settings: Settings | None = None
    ) -> None:
        super().__init__()
        self.setWindowTitle("art-segplugin")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)  # its signals hold all of it
        self.session, self.services, self.settings = session, services, settings
        self.parts = parts = Parts()
        lay_out(self, parts)
        self.arrangement = Layout(self, parts, settings)
        self.controller = AttackController(
            session, SourceThread(services.open_source, self), services.start_engine, self
        )
        self.view = ViewUpdate(self.controller, parts, self)
        self.background = Background(self)
        self.exporting = Exporting(self, self.controller, services.export, self.background)
        self.clip = ClipController(parts, self.controller, self.view, self)
        self.actions_table = Actions(self, settings)
        self.actions_table.fill(self.menuBar())
        self.arrangement.fill_menu(self.actions_table.menus["View"])
        self.state_actions = StateActions(parts, session, self.controller, settings, self)
        self.files = Files(self, session, self.state_actions, parts.models.may_run)
        self.commands = self.state_actions.commands() | self._window_commands()
        self.held_commands = {"flip": parts.grid.flip, "plain": parts.grid.peek}
        self.watch = Watch(self.controller, self)
        self.drops = DropTarget(self)
        self._tips: dict[QWidget | QAction, str] = {}  # of what is off, for when it is on again
        self._closing = False
        self._shipped: tuple[str, ...] = ()
        self._connect()
        session.listeners.append(self._state_changed)
        self._show_state(session.state, EVERYTHING)
        self._undo_enabled()

    def begin(self, demo: bool = False) -> None:
        """Start the threads; the first picture is attacked as soon as it is there.

        Args:
            demo: begin with the panes only.
        """
        self.controller.start()
        if demo:
            self.arrangement.placed.connect(self.actions_table.action("demo").trigger)
        self.arrangement.begin()
        self.parts.grid.panes[0].setFocus()  # keys go to the pictures, not to the first button
        self.background.run(self._find_cameras)

    def _window_commands(self) -> dict[str, Callable[[], object]]:
        """What only the window can do, by the id of the action."""
        source, models = self.parts.source, self.parts.models
        return {
            "open": lambda: source.ask("image or video"),
            "open-folder": lambda: source.ask("folder"),
            "open-checkpoint": models.open_checkpoint,
            "load-session": self.files.ask_load,
            "save-session": self.files.ask_save,
            "quit": self.close,
            "edit-shortcuts": lambda: _ask(ShortcutEditor(self.actions_table, self)),
            "shortcuts": lambda: _ask(ShortcutSheet(self.actions_table, self)),
            "theme": self.toggle_theme,
            "demo": self.toggle_demo,
            "compare": lambda: models.set_compare(self.session.state.models.b is None),
            "swap": models.swap_models,
            "eps-down": lambda: self.state_actions.nudge_eps(-1),
            "eps-up": lambda: self.state_actions.nudge_eps(1),
            "export": self.exporting.ask,
            "attack-range": lambda: self._show_dock("clip", True),
            "log": lambda: self._show_dock("log", self.parts.docks["log"].isHidden()),
            "about": self.files.show_about,
        }

    def _show_dock(self, name: str, on: bool) -> None:
        dock = self.parts.docks[name]
        dock.setVisible(on)
        dock.raise_()

    def say(
        self, kind: str, text: str, details: str = "", action: str = "", name: str = ""
    ) -> None:
        """Show a banner and note it in the log."""
        self.parts.banners.show_message(kind, text, action, name)
        self.parts.log.add(kind, text, details)

    def toggle_theme(self) -> None:
        """Change between dark and light."""
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        wanted = "light" if theme.is_dark(app.palette()) else "dark"
        theme.apply(app, wanted, self.arrangement.scale)
        if self.settings is not None:
            self.settings.theme = wanted

    def toggle_demo(self) -> None:
        """Show the panes only, in large type, or all of the window."""
        self.arrangement.set_demo(self.actions_table.action("demo").isChecked())

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 (Qt's name)
        """Stop the threads; what is being written is finished first."""
        if not self._closing:
            self._closing = True
            self.arrangement.keep()
            self.arrangement.set_demo(False)  # type of its size is the application's
            if self.settings is not None:
                self.settings.sync()
            self.watch.stop()
            ended = self.controller.close()
            ended = self.background.wait(1.0) and ended
            self.session.listeners.clear()
            self.closed.emit(ended)
        event.accept()

    # Wiring.

    def _connect(self) -> None:
        parts, controller, view = self.parts, self.controller, self.view
        self.actions_table.triggered.connect(lambda name: self.commands[name]())
        self.actions_table.held.connect(lambda name, on: self.held_commands[name](on))
        controller.source.playing.connect(self._playing)
        controller.source.busy.connect(lambda busy: parts.grid.set_busy(*[busy] * 4))
        controller.source.recounted.connect(self._count)
        controller.source.lost.connect(
            lambda text: self.say("error", text, action="Retry", name=CAMERA)
        )
        parts.grid.hovered.connect(lambda x, y: parts.status.reading.setText(view.words_for(x, y)))
        parts.grid.left.connect(lambda: parts.status.reading.setText(""))
        parts.charts.currentChanged.connect(lambda _: view.draw_charts())
        parts.banners.acted.connect(self._banner_acted)
        controller.ready.connect(self._ready, QUEUED)
        view.classes_changed.connect(parts.attack.set_classes)
        controller.held_changed.connect(self._held)
        controller.mask_changed.connect(parts.grid.set_region)
        controller.mask_changed.connect(parts.attack.goal.show_mask)
        controller.failed.connect(lambda text, details: self.say("error", text, details))
        controller.warned.connect(lambda text: self.say("warning", text))
        controller.source_opened.connect(self._source_opened)
        controller.shown_changed.connect(
            lambda shown: parts.source.show_labels(shown.frame.label_line if shown.frame else "")
        )
        self.state_actions.models_kept.connect(self._offer_models)
        self.watch.stuck.connect(self._stuck)
        self.watch.recovered.connect(lambda: parts.banners.dismiss(STUCK))
        self.drops.dropped.connect(self.files.open_dropped)
        self.exporting.failed.connect(lambda text: self.say("error", text))
        self.background.done.connect(self._background_done)
        self.clip.done.connect(lambda text: self.say("info", text))
        self.files.failed.connect(lambda text: self.say("error", text))
        self.background.failed.connect(lambda text, details: self.say("error", text, details))
        self._cameras_found.connect(
            lambda found: parts.source.set_camera_reason("" if found else "none found")
        )

    def _find_cameras(self) -> None:
        self._cameras_found.emit(self.services.cameras())

    def _ready(self, ready: Ready) -> None:
        self._shipped = ready.shipped
        self.parts.attack.set_recipes(ready.recipes)
        self._offer_models()
        self.parts.status.show_device(ready.device, ready.threads)

    def _offer_models(self) -> None:
        recent = [] if self.settings is None else self.settings.recent_models
        self.parts.models.set_known(
            self._shipped, [one for one in recent if one not in self._shipped]
        )

    def _banner_acted(self, name: str) -> None:
        if name == STUCK:
            self.controller.restart_worker()
        elif name == CAMERA:
            self.controller.reopen()

    # What happened.

    def _state_changed(self, before: State, after: State) -> None:
        if self.settings is not None and before.view.safe_colours != after.view.safe_colours:
            self.settings.safe_colours = after.view.safe_colours
        self._show_state(after, StateDiff.of(before, after))
        self._undo_enabled()

    def _show_state(self, state: State, diff: StateDiff) -> None:
        parts = self.parts
        if diff.source:
            self._show_source()
            parts.timeline.set_range(state.source.first, state.source.last)
        if diff.models:
            parts.models.show_models(state.models)
        if diff.form:
            parts.attack.show_attack(state.attack)
        if diff.fade:
            parts.attack.show_fade(state.view.fade)
        if diff.view:
            parts.strip.show_view(state.view)
            self.view.draw_view(state)
        if diff.models or diff.form or diff.view:
            for name, on in checked_actions(state).items():
                self.actions_table.show_checked(name, on)

    def _show_source(self) -> None:
        """Show the source of the state, and switch on and off what belongs to it and to a clip."""
        source, box = self.parts.source, self.parts.attack.buttons
        source.show_source(self.session.state.source)
        held = HELD if self.controller.held else ""
        for widget in (box.run_button, box.step_button, box.to_button, box.to_spin):
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
        self.actions_table.show_enabled(name, on)
        self._explain(self.actions_table.action(name), "" if on else reason)

    def _explain(self, one: QWidget | QAction, reason: str) -> None:
        """Say why something is off, or again what it does."""
        if reason:
            self._tips.setdefault(one, one.toolTip())
            one.setToolTip(reason)
        elif one in self._tips:
            one.setToolTip(self._tips.pop(one))

    def _undo_enabled(self) -> None:
        self.actions_table.show_enabled("undo", self.session.can_undo)
        self.actions_table.show_enabled("redo", self.session.can_redo)

    def _playing(self, on: bool) -> None:
        self.parts.source.set_playing(on)
        self.actions_table.show_checked("play", on)

    def _held(self, on: bool) -> None:
        self._show_source()
        if on:
            self.view.forget_run()

    def _count(self, count: int | None) -> None:
        self.parts.source.show_count(count)
        self._show_source()

    def _source_opened(self, info: SourceInfo) -> None:
        self._count(info.count)
        self.view.show_source(info.count, info.fps if info.moving else None)
        self.parts.timeline.set_title(info.name)
        self.parts.status.reading.setText("")  # it is of the picture before
        if self.settings is not None:
            self.settings.add_recent(info.spec)
            self.parts.source.set_recent(self.settings.recent)

    def _background_done(self, result: object) -> None:
        if isinstance(result, str):
            self.say("info", result)

    def _stuck(self, seconds: float) -> None:
        self.say(
            "warning",
            f"The model has not answered for {seconds:.0f} s; it may be busy in a single operation. "
            "Wait, or start the worker anew (models are loaded again).",
            action="Restart worker",
            name=STUCK,
        )


def _ask(dialog: QDialog) -> None:
    """Show a dialog until it is closed; its parent would keep it for ever."""
    dialog.exec()
    dialog.deleteLater()
