"""The panel of the models: A under attack, B beside it, and the stages of a training."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from art_segplugin_gui.qt.docks.model_chooser import ModelChooser, factory_file
from art_segplugin_gui.qt.docks.stages import StageSlider
from art_segplugin_gui.qt.wrapped_label import WrappedLabel
from art_segplugin_gui.session.checkpoint_series import SUFFIX
from art_segplugin_gui.session.state import Models


class ModelsPanel(QWidget):
    """Shows which models are attacked and says how the user changed that.

    Signals:
        models_changed: a `Models`.
        stage_changed: a `Models` with A at another stage of its training, and whether the slider
            was let go.

    Args:
        choose_file: asks for a checkpoint; "" for none. A dialog if not given.
        confirm: asks whether a file of code may be run. A dialog if not given.
        parent: owner.
    """

    models_changed = Signal(object)
    stage_changed = Signal(object, bool)

    def __init__(
        self,
        choose_file: Callable[[], str] | None = None,
        confirm: Callable[[str], bool] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._models = Models()
        self._known: list[str] = []
        self._trusted: set[str] = set()
        self._last_b: str | None = None
        self._choose_file = choose_file or self._ask_file
        self._confirm = confirm or self._ask_trust
        self.a = ModelChooser("Model A")
        self.b = ModelChooser("Model B")
        self.compare = QCheckBox("Compare with B")
        self.swap = QPushButton("Swap")
        self.swap.setToolTip("Attack B and show A beside it")
        self.transfer = QCheckBox("Show B the attack on A")
        self.transfer.setToolTip("Else B is shown an attack of its own")
        self.stages = StageSlider()
        self.loading = WrappedLabel()
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName("Progress of loading")
        self._lay_out()
        self.show_loading("", None)
        self._show(self._models)
        self.a.chosen.connect(self._choose_a)
        self.b.chosen.connect(self._choose_b)
        self.a.browse.connect(lambda: self._browse(self._choose_a))
        self.b.browse.connect(lambda: self._browse(self._choose_b))
        self.compare.clicked.connect(self.set_compare)
        self.transfer.clicked.connect(lambda on: self._change(replace(self._models, transfer=on)))
        self.swap.clicked.connect(self.swap_models)
        self.stages.moved.connect(self._stage)

    @property
    def models(self) -> Models:
        """What is shown."""
        return self._models

    def set_known(self, shipped: Sequence[str], recent: Sequence[str] = ()) -> None:
        """Offer these checkpoints; no signal.

        Args:
            shipped: names of those that come with the library.
            recent: files and other models that were used before.
        """
        self._known = [*shipped, *recent]
        self.a.set_known(shipped, recent)
        self.b.set_known(shipped, recent)
        self._show(self._models)

    def show_models(self, models: Models) -> None:
        """Show models without a signal; what is being typed stays where nothing changed."""
        if models != self._models:
            self._show(models)

    def _show(self, models: Models) -> None:
        self._models = models
        self._last_b = models.b or self._last_b
        self.a.show_spec(models.a)
        self.b.show_spec(models.b or self._last_b or "")
        self.compare.setChecked(models.b is not None)
        self.b.setEnabled(models.b is not None)
        self.swap.setEnabled(models.b is not None)
        self.transfer.setEnabled(models.b is not None)
        self.transfer.setChecked(models.transfer)
        self.stages.show_model(models.a, self._known)

    def show_loading(self, text: str, share: float | None) -> None:
        """Say that something is loading; an empty text says that nothing is.

        Args:
            text: one line.
            share: how much of it is done, 0..1; None where nobody knows.
        """
        self.loading.say(text)
        self.loading.setVisible(bool(text))
        self.progress.setVisible(bool(text))
        self.progress.setRange(0, 0 if share is None else 100)
        self.progress.setValue(round((share or 0.0) * 100))

    def set_compare(self, on: bool) -> None:
        """Show B or not, as if by hand; the last B, else the first model that is not A."""
        others = [spec for spec in self._known if spec != self._models.a]
        b = (self._last_b or next(iter(others), self._models.a)) if on else None
        if b is not None and not self.may_run(b):
            b = None  # what was used in an earlier run was not trusted in this one
        self._choose(replace(self._models, b=b))

    def swap_models(self) -> None:
        """Change A and B, as if by hand; nothing without B."""
        if self._models.b is not None:
            self._choose(replace(self._models, a=self._models.b, b=self._models.a))

    def open_checkpoint(self) -> None:
        """Ask for a checkpoint and make it A, as if by hand."""
        self._browse(self._choose_a)

    def _choose_a(self, spec: str) -> None:
        if self.may_run(spec):
            self._choose(replace(self._models, a=spec))
        else:
            self._show(self._models)

    def _choose_b(self, spec: str) -> None:
        if self.may_run(spec):
            self._choose(replace(self._models, b=spec))
        else:
            self._show(self._models)

    def _browse(self, choose: Callable[[str], None]) -> None:
        path = self._choose_file()
        if path:
            choose(path)
        else:
            self._show(self._models)

    def may_run(self, spec: str) -> bool:
        """Ask, once for each file, whether a model that is a program may be run."""
        file = factory_file(spec)
        if file and file not in self._trusted:
            if not self._confirm(file):
                return False
            self._trusted.add(file)
        return True

    def _choose(self, models: Models) -> None:
        if models != self._models:
            self._change(models)
        self._show(models)

    def _change(self, models: Models) -> None:
        self._models = models
        self.models_changed.emit(models)

    def _stage(self, spec: str, done: bool) -> None:
        models = replace(self._models, a=spec)
        if models != self._models or done:
            self._models = models
            self.a.show_spec(spec)
            self.stage_changed.emit(models, done)

    def _ask_file(self) -> str:
        names = f"Checkpoints (*{SUFFIX} *.pt *.pth *.bin *.ckpt);;All files (*)"
        return QFileDialog.getOpenFileName(self, "Open checkpoint", "", names)[0]

    def _ask_trust(self, file: str) -> bool:
        text = f"{file} is a program. It will run with all that you may do."
        box = QMessageBox(QMessageBox.Icon.Warning, "Run this code?", text, parent=self)
        run = box.addButton("Run it", QMessageBox.ButtonRole.AcceptRole)
        box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
        box.exec()
        return box.clickedButton() == run

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        for number, (text, chooser) in enumerate((("A", self.a), ("B", self.b))):
            caption = QLabel(text)
            caption.setBuddy(chooser)
            grid.addWidget(caption, number, 0)
            grid.addWidget(chooser, number, 1)
        beside = QHBoxLayout()
        beside.addWidget(self.compare, 1)
        beside.addWidget(self.swap)
        layout = QVBoxLayout(self)
        layout.addLayout(grid)
        layout.addWidget(self.stages)
        layout.addLayout(beside)
        layout.addWidget(self.transfer)
        layout.addWidget(self.loading)
        layout.addWidget(self.progress)
        layout.addStretch(1)
