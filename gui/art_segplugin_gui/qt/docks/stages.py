"""A slider over the checkpoints of one training."""

from collections.abc import Sequence
from pathlib import Path, PurePath

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QWidget

from art_segplugin_gui.qt.background import Background
from art_segplugin_gui.session.checkpoint_series import SUFFIX, checkpoint_series, stage

SETTLE = 150
"""Milliseconds for which the slider rests before another checkpoint is loaded."""


class StageSlider(QWidget):
    """Goes through the stages of the training that a checkpoint is from; hidden where there are none.

    The folder of the checkpoint is read in the background, and once.

    Signals:
        moved: the checkpoint that is wanted, and whether the slider was let go: while it is held,
            more follow.
    """

    moved = Signal(str, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._spec = self._rested = self._folder = ""
        self._known: list[str] = []
        self._files: list[str] = []
        self._asked: set[str] = set()
        self._series: list[str] = []
        self._background = Background(self)
        self._background.done.connect(self._listed)
        self._settle = QTimer(self, singleShot=True, interval=SETTLE)
        self._settle.timeout.connect(self._settled)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setPageStep(1)
        self.slider.setAccessibleName("Stage of the training of A")
        caption = QLabel("Training step")
        caption.setBuddy(self.slider)
        self.text = QLabel()
        self.text.setMinimumWidth(self.fontMetrics().horizontalAdvance("100000"))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(caption)
        layout.addWidget(self.slider, 1)
        layout.addWidget(self.text)
        self.hide()
        self.slider.valueChanged.connect(self._slide)
        self.slider.sliderReleased.connect(self._rest)

    def show_model(self, spec: str, known: Sequence[str]) -> None:
        """Show the place of a checkpoint among its like; no signal.

        Args:
            spec: a checkpoint, as `Models` has it.
            known: checkpoints to look among, besides those in its folder.
        """
        self._settle.stop()
        self._spec = self._rested = spec
        self._known = list(known)
        self._look_beside(spec)
        self._arrange()

    def _look_beside(self, spec: str) -> None:
        if not spec.endswith(SUFFIX):
            return
        folder = str(PurePath(spec).parent)
        if folder != self._folder:
            self._folder, self._files, self._asked = folder, [], set()
        if spec not in self._files and spec not in self._asked:
            self._asked.add(spec)
            self._background.run(lambda: (folder, _checkpoints(folder)))

    def _listed(self, found: tuple[str, list[str]]) -> None:
        folder, files = found
        if folder == self._folder:
            self._files = files
            if not self.slider.isSliderDown():  # else it would jump under the pointer
                self._arrange()

    def _arrange(self) -> None:
        self._series = checkpoint_series(self._spec, [*self._known, *self._files])
        if self._series:
            self.slider.blockSignals(True)
            self.slider.setRange(0, len(self._series) - 1)
            self.slider.setValue(self._series.index(self._spec))
            self.slider.blockSignals(False)
            self.text.setText(stage(self._spec))
        self.setVisible(bool(self._series))

    def _slide(self, place: int) -> None:
        self._spec = self._series[place]
        self.text.setText(stage(self._spec))
        self._settle.start()

    def _settled(self) -> None:
        if self.slider.isSliderDown():
            self.moved.emit(self._spec, False)
        else:
            self._rest()

    def _rest(self) -> None:
        self._settle.stop()
        if self._spec != self._rested:
            self._rested = self._spec
            self.moved.emit(self._spec, True)


def _checkpoints(folder: str) -> list[str]:
    try:
        return sorted(str(path) for path in Path(folder).glob(f"*{SUFFIX}"))
    except OSError:
        return []
