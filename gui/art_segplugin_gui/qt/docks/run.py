"""Buttons that run and stop the attack, how far it is, and how strongly it is shown."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSlider,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from art_segplugin_gui.qt.wrapped_label import WrappedLabel
from art_segplugin_gui.session.figures import duration
from art_segplugin_gui.session.state import FADE_LIMIT


def progress_text(number: int, total: int, seconds: float) -> str:
    """How far an attack is, such as "7/20, 92 ms/step, about 1.2 s left".

    Args:
        number: steps done.
        total: steps of the attack.
        seconds: time per step; 0 where it is not known yet.
    """
    if number == 0 or seconds <= 0:
        return f"{number}/{total}"
    pace = f"{seconds * 1000:.0f} ms/step" if seconds < 1 else f"{seconds:.1f} s/step"
    if number >= total:
        return f"{number}/{total}, {pace}, done"
    return f"{number}/{total}, {pace}, about {duration((total - number) * seconds)} left"


NOT_RUN = "not run yet"


class RunBox(QWidget):
    """Run, one step, run to a step, stop; progress; fade; attack after each change; seed.

    Signals:
        run: run the whole attack.
        step: do one step.
        run_to: go to that step.
        stop: stop what runs.
        fade_changed: strength of the perturbation, 0..FADE_LIMIT.
        auto_changed: whether to attack after each change.
        seed_changed: seed of the random start.
    """

    run = Signal()
    step = Signal()
    run_to = Signal(int)
    stop = Signal()
    fade_changed = Signal(float)
    auto_changed = Signal(bool)
    seed_changed = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.run_button = _button("Run", "Attack the picture, all steps")
        self.step_button = _button("Step", "Do one step of the attack")
        self.to_button = _button("Run to", "Run the attack to the step beside this button")
        self.stop_button = _button("Stop", "Stop what is running")
        self.stop_button.setEnabled(False)
        self.to_spin = QSpinBox()
        self.to_spin.setRange(1, 1000)
        self.to_spin.setValue(5)
        self.to_spin.setAccessibleName("Step to run to")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName("Progress of the attack")
        self.progress.setRange(0, 1)
        self._at: tuple[int, int] | None = None  # the newest point of the run and its last
        self._attacks = False
        self.progress_label = WrappedLabel(NOT_RUN)
        self.fade = QSlider(Qt.Orientation.Horizontal)
        self.fade.setRange(0, round(FADE_LIMIT * 100))
        self.fade.setValue(100)
        self.fade.setPageStep(10)
        self.fade.setAccessibleName("Fade: strength of the perturbation, percent")
        self.fade_label = QLabel()
        self.fade_note = QLabel("beyond eps")
        kept = self.fade_note.sizePolicy()
        kept.setRetainSizeWhenHidden(True)  # nothing may jump while the slider is dragged
        self.fade_note.setSizePolicy(kept)
        self.auto = QCheckBox("Attack after each change")
        self.seed = QSpinBox()
        self.seed.setRange(0, 2**31 - 1)
        self.seed.setKeyboardTracking(False)
        self.seed.setAccessibleName("Seed of the random start")
        self._lay_out()
        self.show_fade(1.0)
        self.run_button.clicked.connect(lambda: self.run.emit())
        self.step_button.clicked.connect(lambda: self.step.emit())
        self.to_button.clicked.connect(lambda: self.run_to.emit(self.to_spin.value()))
        self.stop_button.clicked.connect(lambda: self.stop.emit())
        self.fade.valueChanged.connect(self._fade)
        self.auto.clicked.connect(self.auto_changed)
        self.seed.valueChanged.connect(self.seed_changed)

    def show_choice(self, auto: bool, seed: int) -> None:
        """Show both without a signal."""
        self.auto.setChecked(auto)
        self.seed.blockSignals(True)
        self.seed.setValue(seed)
        self.seed.blockSignals(False)

    def show_progress(self, number: int, total: int, seconds: float) -> None:
        """Show how far the attack is; see `progress_text`."""
        self._at = (number, total)
        self.progress.setUpdatesEnabled(False)  # else Qt paints at once, not with all the rest
        self.progress.setRange(0, max(1, total))
        self.progress.setValue(number)
        self.progress.setUpdatesEnabled(True)
        self.progress_label.say(progress_text(number, total, seconds))

    def begin(self, attacks: bool) -> None:
        """Another run begins; one that only predicts leaves nothing of the attack before it.

        What an attack before it came to is shown until its own first point.
        """
        self._at, self._attacks = None, attacks
        if not attacks:
            self._clear(NOT_RUN)

    def rest(self, waits: bool) -> None:
        """Nothing more comes: say so where that is not the end of the attack.

        Args:
            waits: it can be gone on with.
        """
        if not self._attacks:
            return
        if self._at is None:
            self._clear("stopped before the first step")
        elif self._at[0] < self._at[1]:
            number, total = self._at
            self.progress_label.say(f"{'waits' if waits else 'stopped'} at {number}/{total}")

    def _clear(self, text: str) -> None:
        self.progress.setRange(0, 1)
        self.progress.setValue(0)
        self.progress_label.say(text)

    def set_running(self, running: bool) -> None:
        """Whether there is something to stop."""
        self.stop_button.setEnabled(running)

    def show_fade(self, share: float) -> None:
        """Show a strength without a signal."""
        self.fade.blockSignals(True)
        self.fade.setValue(round(share * 100))
        self.fade.blockSignals(False)
        self._say_fade()

    def _fade(self, percent: int) -> None:
        self._say_fade()
        self.fade_changed.emit(percent / 100)

    def _say_fade(self) -> None:
        percent = self.fade.value()
        self.fade_label.setText(f"{percent} %")
        self.fade_note.setVisible(percent > 100)

    def _lay_out(self) -> None:
        buttons = QGridLayout()
        for column, button in enumerate((self.run_button, self.step_button, self.stop_button)):
            buttons.addWidget(button, 0, column)
            buttons.setColumnStretch(column, 1)
        buttons.addWidget(self.to_button, 1, 0)
        buttons.addWidget(self.to_spin, 1, 1, 1, 2)
        self.fade_label.setMinimumWidth(self.fontMetrics().horizontalAdvance("100 %") + 2)
        self.fade_label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        fade_caption, seed_caption = QLabel("Fade"), QLabel("Seed")
        fade_caption.setBuddy(self.fade)
        seed_caption.setBuddy(self.seed)
        fade = QHBoxLayout()
        fade.addWidget(fade_caption)
        fade.addWidget(self.fade, 1)
        fade.addWidget(self.fade_label)
        seed = QHBoxLayout()
        seed.addWidget(seed_caption)
        seed.addWidget(self.seed, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(buttons)
        layout.addWidget(self.progress)
        layout.addWidget(self.progress_label)
        layout.addLayout(fade)
        layout.addWidget(self.fade_note, 0, Qt.AlignmentFlag.AlignRight)
        layout.addWidget(self.auto)
        layout.addLayout(seed)


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setAccessibleDescription(tip)
    return button
