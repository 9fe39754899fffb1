"""The panel of the clip: attack a whole range of pictures, follow it, stop it, go on with it."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from art_segplugin.scores import percent
from art_segplugin_gui.qt.controls import narrow_combo
from art_segplugin_gui.qt.export import ReplacedFiles
from art_segplugin_gui.qt.wrapped_label import WrappedLabel
from art_segplugin_gui.session.clip_request import ClipDone, ClipFrame
from art_segplugin_gui.session.export_names import present_for_clip, users_path
from art_segplugin_gui.session.figures import duration

FORMATS = {
    ".mkv": "FFV1 .mkv, exact",
    ".mp4": ".mp4, lossy: for showing only",
    ".webm": "VP9 .webm, lossy: for showing only",
}

ATTACK, GO_ON = "Attack the range", "Go on"
RESUMABLE = "the same range can be gone on with."


@dataclass(frozen=True)
class ClipOptions:
    """How a clip is attacked and what is written.

    Attributes:
        out: folder for everything that is written.
        suffix: a key of FORMATS.
        warm_start: each attack begins with the perturbation of the picture before.
        side_by_side: write a video of clean and adversarial predictions.
        overlay: write a video of the adversarial predictions over their images.
        anew: do not go on with an unfinished clip in the folder.
    """

    out: Path
    suffix: str
    warm_start: bool
    side_by_side: bool
    overlay: bool
    anew: bool


class ClipPanel(QWidget):
    """Asks how to attack the range, and shows how far it is.

    Signals:
        start: ClipOptions.
        stop: leave it; what is done is kept, and the same range can be gone on with.
    """

    start = Signal(object)
    stop = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Attack on the range")
        self.folder = QLineEdit(str(Path.home() / "attacked-clip"))
        self.browse = QPushButton("Choose\u2026")
        self.browse.setAccessibleName("Choose the folder")
        self.format = narrow_combo("Format of the videos")
        for suffix, words in FORMATS.items():
            self.format.addItem(words, suffix)
        self.warm = QCheckBox("Begin with the last frame's perturbation")
        self.side_by_side = QCheckBox("Video side by side")
        self.overlay = QCheckBox("Video of overlays")
        self.anew = QCheckBox("Begin anew")
        self.anew.setToolTip("Do not go on with an unfinished clip in the folder")
        self.side_by_side.setChecked(True)
        self.overlay.setChecked(True)
        self.run = QPushButton(ATTACK)
        self.cancel = QPushButton("Stop")
        self.cancel.setAccessibleName("Stop the attack on the range")
        self.cancel.setEnabled(False)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName("Progress of the clip")
        self.words = WrappedLabel("not run yet")
        self.replaced = ReplacedFiles(self.folder)
        self._running = False
        self._lay_out()
        self.folder.textChanged.connect(lambda: self._arrange())
        self.folder.textChanged.connect(lambda: self.forget_stopped())
        self.warm.clicked.connect(lambda: self.forget_stopped())
        self.anew.clicked.connect(lambda: self.forget_stopped())
        self.run.clicked.connect(lambda: self.start.emit(self.options))
        self.cancel.clicked.connect(lambda: self.stop.emit())
        self.browse.clicked.connect(self._choose)

    @property
    def options(self) -> ClipOptions:
        """What is chosen."""
        return ClipOptions(
            users_path(self.folder.text()),
            self.format.currentData(),
            self.warm.isChecked(),
            self.side_by_side.isChecked(),
            self.overlay.isChecked(),
            self.anew.isChecked(),
        )

    def set_running(self, running: bool) -> None:
        """Whether a clip is being attacked."""
        self._running = running
        self.cancel.setEnabled(running)
        self._arrange()

    def show_start(self) -> None:
        """Show that it begins."""
        self.forget_stopped()
        self.set_running(True)
        self.progress.setRange(0, 1)
        self.progress.setValue(0)
        self.words.say("starting")

    def show_stopped(self, newest: ClipFrame | None) -> None:
        """Show that it was stopped and can be gone on with.

        Args:
            newest: the last picture that was done; None for none.
        """
        done = "" if newest is None else f" after {newest.done} of {newest.total} frames"
        self.words.say(f"Stopped{done}; {RESUMABLE}")
        self.run.setText(GO_ON)

    def forget_stopped(self) -> None:
        """The next clip is another one: there is nothing to go on with."""
        self.run.setText(ATTACK)

    def show_frame(self, frame: ClipFrame) -> None:
        """Show how far it is."""
        self.progress.setRange(0, frame.total)
        self.progress.setValue(frame.done)
        left = "" if frame.seconds_left is None else f", about {duration(frame.seconds_left)} left"
        self.words.say(f"{frame.done} of {frame.total} frames{left}")

    def show_done(self, done: ClipDone) -> None:
        """Show what came of it."""
        clean, adversarial = done.scores["A clean"], done.scores["A 8-bit"]
        against = "" if clean.labelled else " vs clean prediction"
        lossy = " The videos are lossy: not for re-evaluation." if done.lossy else ""
        folder = done.written[0].parent if done.written else self.options.out
        self.words.say(
            f"Done: error {percent(clean.mis_ratio)} clean, {percent(adversarial.mis_ratio)} under "
            f"attack{against}. {len(done.written)} files in {folder}.{lossy}"
        )

    def show_message(self, text: str) -> None:
        """Show a line, such as that it was stopped."""
        self.words.say(text)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 (Qt's name)
        """Look what lies in the folder, which nobody does while the panel is hidden."""
        super().showEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """Tell what a clip would replace; while one is attacked, the files are its own.

        Without a folder there is no clip: it would lie where the program happens to run.
        """
        self.run.setEnabled(not self._running and bool(self.folder.text().strip()))
        if not self.run.isEnabled():
            self.replaced.forget()
        elif self.isVisible():
            self.replaced.look(partial(present_for_clip, self.folder.text()))

    def _choose(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder for the clip", self.folder.text())
        if folder:
            self.folder.setText(folder)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        where = QHBoxLayout()
        where.addWidget(self.folder, 1)
        where.addWidget(self.browse)
        for text, field, buddy in (
            ("Folder", where, self.folder),
            ("Format", self.format, self.format),
        ):
            label = QLabel(text)
            label.setBuddy(buddy)
            form.addRow(label, field)
        buttons = QHBoxLayout()
        buttons.addWidget(self.run, 1)
        buttons.addWidget(self.cancel)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        for box in (self.warm, self.side_by_side, self.overlay, self.anew):
            layout.addWidget(box)
        layout.addWidget(self.replaced)
        layout.addLayout(buttons)
        layout.addWidget(self.progress)
        layout.addWidget(self.words)
        layout.addStretch(1)
