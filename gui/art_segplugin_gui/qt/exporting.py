"""Export of what is on screen: asks what and where, and has it written in the background."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QDialog, QWidget

from art_segplugin_gui.qt.background import Background
from art_segplugin_gui.qt.director import Director
from art_segplugin_gui.qt.export_dialog import ExportDialog
from art_segplugin_gui.qt.services import Services
from art_segplugin_gui.session.export_job import Exported, curves_of
from art_segplugin_gui.session.ready import Ready


class Exporting(QObject):
    """What Ctrl+E does.

    Args:
        window: owner of the dialog.
        director: knows what is on screen.
        services: writes it.
        background: where it is written.

    Signals:
        failed: one sentence.
    """

    failed = Signal(str)

    def __init__(
        self, window: QWidget, director: Director, services: Services, background: Background
    ) -> None:
        super().__init__(window)
        self._window, self._director = window, director
        self._services, self._background = services, background
        self._folder = Path.home() / "art-segplugin-export"
        self._ready: Ready | None = None
        director.runner.ready.connect(self._engine_ready)

    def ask(self) -> None:
        """Ask what and where, then write it."""
        dialog = ExportDialog(self._folder, self._window)
        if dialog.exec() == QDialog.DialogCode.Accepted:
            folder, kinds = dialog.chosen
            self.write(folder, kinds)
        dialog.deleteLater()  # its parent would keep it for ever

    def write(self, folder: Path, kinds: Sequence[str]) -> None:
        """Write what is on screen now, whatever is on screen when it is written."""
        shown, request = self._director.shown, self._director.shown.request
        if request is None or self._ready is None:
            self.failed.emit("There is nothing to export yet; wait for the end of a prediction.")
            return
        self._folder = folder
        job = Exported(
            shown,
            request,
            self._director.session.state,
            curves_of(self._director.runner.trace.steps),
            self._ready.threads,
            self._ready.device,
        )

        def work() -> str:
            written = self._services.export(folder, kinds, job)
            return f"{len(written)} files are written to {folder}."

        self._background.run(work)

    def _engine_ready(self, ready: Ready) -> None:
        self._ready = ready
