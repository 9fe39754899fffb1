"""The main window: which widget is told what, and who hears of it. Draws and computes nothing."""

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QApplication, QDialog, QMainWindow

from art_segplugin_gui.qt import theme
from art_segplugin_gui.qt.actions import Actions
from art_segplugin_gui.qt.availability import Availability
from art_segplugin_gui.qt.background import Background
from art_segplugin_gui.qt.capture import SourceThread
from art_segplugin_gui.qt.choices import Choices
from art_segplugin_gui.qt.clipping import Clipping
from art_segplugin_gui.qt.commands import Commands, checked_actions
from art_segplugin_gui.qt.director import Director
from art_segplugin_gui.qt.dropping import DropTarget
from art_segplugin_gui.qt.exporting import Exporting
from art_segplugin_gui.qt.files import Files
from art_segplugin_gui.qt.layout import Layout
from art_segplugin_gui.qt.presenter import Presenter
from art_segplugin_gui.qt.progress import Progress
from art_segplugin_gui.qt.services import Services
from art_segplugin_gui.qt.settings import Settings
from art_segplugin_gui.qt.shortcuts import ShortcutEditor, ShortcutSheet
from art_segplugin_gui.qt.watch import Watch
from art_segplugin_gui.qt.window_parts import Parts, lay_out
from art_segplugin_gui.qt.worker import QUEUED
from art_segplugin_gui.session.ready import Ready
from art_segplugin_gui.session.session import Session
from art_segplugin_gui.session.sources.base import SourceInfo
from art_segplugin_gui.session.state import State

STUCK = "stuck"
CAMERA = "camera"


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
        self.parts = Parts()
        lay_out(self, self.parts)
        self.director = Director(
            session, SourceThread(services.open_source, self), services.start_engine, self
        )
        parts = self.parts
        self.presenter = Presenter(
            self.director,
            parts.grid,
            parts.bars,
            parts.curve,
            parts.confusion,
            parts.timeline,
            self,
        )
        self.background = Background(self)
        self.exporting = Exporting(self, self.director, services, self.background)
        self.clipping = Clipping(parts, self.director, self.presenter, self)
        self.actions_table = Actions(self, settings)
        self.actions_table.fill(self.menuBar())
        self.choices = Choices(parts, session, self.director, settings, self)
        self.files = Files(self, session, self.choices, parts.models.may_run)
        self.commands = Commands(session, self.director, parts.grid, self)
        self.watch = Watch(self.director.runner, self)
        self.drops = DropTarget(self)
        self.availability = Availability(parts, self.actions_table, self.director)
        self.progress = Progress(parts, self.director.runner, self)
        self.arrangement = Layout(self, parts, settings)
        self.arrangement.fill_menu(self.actions_table.menus["View"])
        self._closing = False
        self._shipped: tuple[str, ...] = ()
        self._connect()
        session.listeners.append(self._state_changed)
        self._show_state(session.state)
        self._undo_enabled()

    def begin(self, demo: bool = False) -> None:
        """Start the threads; the first picture is attacked as soon as it is there.

        Args:
            demo: begin with the panes only.
        """
        self.director.start()
        if demo:
            self.arrangement.placed.connect(self.actions_table.action("demo").trigger)
        self.arrangement.begin()
        self.parts.grid.panes[0].setFocus()  # keys go to the pictures, not to the first button
        self.background.run(self._find_cameras)

    def window_commands(self) -> dict[str, Callable[[], object]]:
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
            "eps-down": lambda: self.choices.nudge_eps(-1),
            "eps-up": lambda: self.choices.nudge_eps(1),
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
            ended = self.director.close()
            ended = self.background.wait(1.0) and ended
            self.session.listeners.clear()
            self.closed.emit(ended)
        event.accept()

    # Wiring.

    def _connect(self) -> None:
        parts, director = self.parts, self.director
        self.actions_table.triggered.connect(lambda name: self.commands.by_id[name]())
        self.actions_table.held.connect(lambda name, on: self.commands.held[name](on))
        director.source.playing.connect(self._playing)
        director.source.busy.connect(lambda busy: parts.grid.set_busy(*[busy] * 4))
        director.source.recounted.connect(self._count)
        director.source.lost.connect(
            lambda text: self.say("error", text, action="Retry", name=CAMERA)
        )
        parts.grid.hovered.connect(
            lambda x, y: parts.status.reading.setText(self.presenter.words_for(x, y))
        )
        parts.grid.left.connect(lambda: parts.status.reading.setText(""))
        parts.charts.currentChanged.connect(lambda _: self.presenter.draw_charts())
        parts.banners.acted.connect(self._banner_acted)
        director.runner.ready.connect(self._ready, QUEUED)
        self.presenter.classes_changed.connect(parts.attack.set_classes)
        director.held_changed.connect(self._held)
        director.mask_changed.connect(parts.grid.set_region)
        director.mask_changed.connect(parts.attack.goal.show_mask)
        director.failed.connect(lambda text, details: self.say("error", text, details))
        director.warned.connect(lambda text: self.say("warning", text))
        director.source_opened.connect(self._source_opened)
        self.choices.models_kept.connect(self._offer_models)
        self.watch.stuck.connect(self._stuck)
        self.watch.recovered.connect(lambda: parts.banners.dismiss(STUCK))
        self.drops.dropped.connect(self.files.open_dropped)
        self.exporting.failed.connect(lambda text: self.say("error", text))
        self.background.done.connect(self._background_done)
        self.clipping.done.connect(lambda text: self.say("info", text))
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
        self._show_state(self.session.state)

    def _offer_models(self) -> None:
        recent = [] if self.settings is None else self.settings.recent_models
        self.parts.models.set_known(
            self._shipped, [one for one in recent if one not in self._shipped]
        )

    def _banner_acted(self, name: str) -> None:
        if name == STUCK:
            self.director.restart_worker()
        elif name == CAMERA:
            self.director.reopen()

    # What happened.

    def _state_changed(self, before: State, after: State) -> None:
        if self.settings is not None and before.view.safe_colours != after.view.safe_colours:
            self.settings.safe_colours = after.view.safe_colours
        self._show_state(after)
        self._undo_enabled()

    def _show_state(self, state: State) -> None:
        parts, table = self.parts, self.actions_table
        self.availability.show()
        parts.models.show_models(state.models)
        parts.attack.show_attack(state.attack)
        parts.attack.show_fade(state.view.fade)
        parts.timeline.set_range(state.source.first, state.source.last)
        self.presenter.draw_view(state)
        for name, on in checked_actions(state).items():
            table.show_checked(name, on)

    def _undo_enabled(self) -> None:
        self.actions_table.show_enabled("undo", self.session.can_undo)
        self.actions_table.show_enabled("redo", self.session.can_redo)

    def _playing(self, on: bool) -> None:
        self.parts.source.set_playing(on)
        self.actions_table.show_checked("play", on)

    def _held(self, on: bool) -> None:
        self.availability.show()
        if on:
            self.progress.forget()

    def _count(self, count: int | None) -> None:
        self.parts.source.show_count(count)
        self.availability.show()

    def _source_opened(self, info: SourceInfo) -> None:
        self._count(info.count)
        self.presenter.show_source(info.count, info.fps if info.moving else None)
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
