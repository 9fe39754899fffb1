"""The panel of the models: which is attacked, the one beside it, and the stages of a training."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path, PurePath

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from art_segplugin.files import archived_program
from art_segplugin_gui.qt.background import Background
from art_segplugin_gui.qt.controls import narrow_combo
from art_segplugin_gui.qt.wrapped_label import WrappedLabel
from art_segplugin_gui.session.checkpoint_series import SUFFIX, checkpoint_series, stage
from art_segplugin_gui.session.state import Models
from art_segplugin_gui.session.suffixes import CHECKPOINT_SUFFIXES

HINT = "name, file, torchvision:NAME, hf:NAME, smp:NAME, hub:FOLDER:ENTRY or file.py:function"
ZOOS = ("torchvision", "hf", "smp")
"""Prefixes that stand for a library rather than for code of the user."""
SETTLE = 150
"""Milliseconds for which the slider rests before another checkpoint is loaded."""
_OPEN = "Open checkpoint\u2026"
_ROLE = Qt.ItemDataRole.UserRole


def factory_file(spec: str) -> str:
    """The file, module or repository whose program a model's text would run; empty for none."""
    if archived_program(Path(spec)):
        return spec
    source, colon, function = spec.rpartition(":")
    drive = len(source) == 1  # C:/model.safetensors
    if not colon or drive or not function.isidentifier() or source.partition(":")[0] in ZOOS:
        return ""
    return source


class ModelChooser(QWidget):
    """One model: from the list, typed, or from a file.

    Signals:
        chosen: the text of another model.
        browse: a file shall be asked for.

    Args:
        name: accessible name.
    """

    chosen = Signal(str)
    browse = Signal()

    def __init__(self, name: str) -> None:
        super().__init__()
        self._spec = self._written = ""
        self.combo: QComboBox = narrow_combo(name, editable=True)
        edit = self.combo.lineEdit()
        assert edit is not None
        self._edit = edit
        self._edit.setPlaceholderText(HINT)
        self._edit.setAccessibleName(name)
        self.combo.setAccessibleDescription(HINT)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.combo)
        self.setFocusProxy(self.combo)
        self.set_known(())
        self.combo.installEventFilter(self)  # the focus of its line is its own
        self._edit.installEventFilter(self)
        self.combo.setCompleter(None)  # type: ignore[arg-type]  # it would lengthen short names
        self.combo.activated.connect(self._activated)
        self._edit.editingFinished.connect(self._typed)

    def set_known(self, shipped: Sequence[str], recent: Sequence[str] = ()) -> None:
        """Offer these models; no signal."""
        self.combo.blockSignals(True)
        self.combo.clear()
        self._add(shipped)
        if shipped and recent:
            self.combo.insertSeparator(self.combo.count())
        self._add(recent)
        if self.combo.count():
            self.combo.insertSeparator(self.combo.count())
        self.combo.addItem(_OPEN)
        self.combo.blockSignals(False)
        self.show_spec(self._spec)

    def show_spec(self, spec: str) -> None:
        """Show a model without a signal."""
        self._spec = spec
        self.combo.blockSignals(True)
        self.combo.setCurrentIndex(self.combo.findData(spec))
        self.combo.blockSignals(False)
        self._write()
        self.combo.setToolTip(f"{spec}\n{HINT}" if spec else HINT)

    def _add(self, specs: Sequence[str]) -> None:
        for spec in specs:
            self.combo.addItem(_short(spec), spec)
            self.combo.setItemData(self.combo.count() - 1, spec, Qt.ItemDataRole.ToolTipRole)

    def _activated(self, index: int) -> None:
        spec = self.combo.itemData(index, _ROLE)
        if spec is None:
            self.show_spec(self._spec)
            self.browse.emit()
        elif spec != self._spec:
            self._choose(spec)

    def _typed(self) -> None:
        text = self._edit.text().strip()
        if not text or text in (_short(self._spec), self._written, _OPEN):
            self.show_spec(self._spec)
        else:
            known = self.combo.findText(text)
            self._choose(self.combo.itemData(known, _ROLE) or text if known >= 0 else text)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
        """The whole name while it can be edited, else as much as there is room for."""
        untouched = self._edit.text() == self._written
        if (event.type() == QEvent.Type.FocusIn and watched is self.combo and untouched) or (
            event.type() == QEvent.Type.Resize and watched is self._edit and untouched
        ):
            self._write()
        return False

    def _write(self) -> None:
        text, metrics = _short(self._spec), self._edit.fontMetrics()
        if not self.combo.hasFocus():
            room = self._edit.width() - 2 * metrics.averageCharWidth()
            text = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, max(room, 0))
        self._written = text
        self._edit.setText(text)
        self._edit.setCursorPosition(0)

    def _choose(self, spec: str) -> None:
        self.show_spec(spec)
        self.chosen.emit(spec)


def _short(spec: str) -> str:
    """A file by its name only: its folder is in the tool tip."""
    path = PurePath(spec)
    return path.name if path.is_absolute() else spec


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
        names = f"Models ({' '.join(f'*{each}' for each in CHECKPOINT_SUFFIXES)});;All files (*)"
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
