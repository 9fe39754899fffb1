"""Frames of a clip or a folder: error rates, the current frame, the range that is attacked."""

import numpy as np
from numpy.typing import ArrayLike
from PySide6.QtCore import QEvent, QSize, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from art_segplugin.errors import InputError
from art_segplugin_gui.qt.charts.legend import Key, Legend
from art_segplugin_gui.qt.charts.timeline_data import checked_rates, time_text
from art_segplugin_gui.qt.charts.track import Track
from art_segplugin_gui.qt.wrapped_label import WrappedLabel


class Timeline(QWidget):
    """Press or drag in the curve for a frame, drag the two handles for the range.

    Signals:
        frame_chosen(int): the user goes to this frame; also while the mouse is dragged.
        range_chosen(int, int): first and last frame, when a handle was let go.
    """

    frame_chosen = Signal(int)
    range_chosen = Signal(int, int)

    def __init__(self, title: str = "Frames", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Timeline")
        self._name = title
        self._fps: float | None = None
        self.title = WrappedLabel(lines=1, steady=True)
        self.legend = Legend()
        self.legend.show_keys([Key("clean", "line", "text"), Key("adversarial", "fill")])
        self.track = Track()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(2)
        layout.addWidget(self.title)
        layout.addWidget(self.legend)
        layout.addWidget(self.track, 1)
        self.track.frame_chosen.connect(self.frame_chosen)
        self.track.range_chosen.connect(self.range_chosen)
        self.track.moved.connect(self._say)
        self._say()

    def set_frames(self, count: int, fps: float | None = None) -> None:
        """Starts anew: no rates, all frames in the range, the first one current.

        Args:
            count: number of frames, 0 for none.
            fps: frames per second; None for pictures without a time.

        Raises:
            InputError: a negative count, or a rate that is not positive.
        """
        if count < 0 or (fps is not None and not fps > 0):
            raise InputError(f"A timeline of {count} frames at {fps} per second was asked for.")
        self._fps = fps
        self.track.start(count)
        self._say()

    def set_current(self, index: int) -> None:
        """Marks the frame that is looked at; one outside is taken to the nearest end."""
        self.track.set_current(index)
        self._say()

    def set_range(self, first: int, last: int | None) -> None:
        """Marks the range that is played and attacked, both ends included; None for the end."""
        self.track.set_range(first, last)
        self._say()

    def set_rates(self, clean: ArrayLike, adversarial: ArrayLike) -> None:
        """Shows shares of wrong pixels.

        Args:
            clean: of each frame, (count,), 0..1; NaN where it is not known.
            adversarial: the same under attack; known means that the frame is done.

        Raises:
            InputError: another shape, or values outside 0..1.
        """
        count = self.track.count
        self.track.set_rates(checked_rates(clean, count), checked_rates(adversarial, count))
        self._say()

    def set_title(self, title: str) -> None:
        """Names what the frames are of, such as the file, or "vs clean prediction"."""
        self._name = title
        self._say()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Measures anew for another font."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.updateGeometry()

    def sizeHint(self) -> QSize:  # noqa: N802
        """The width of a dock."""
        return QSize(300, super().sizeHint().height())

    def _say(self) -> None:
        track = self.track
        if track.count == 0:
            self.title.say(f"no frames; {self._name}")
            return
        where = f"frame {track.current + 1} of {track.count}"
        if self._fps:
            where += f", {time_text(track.current / self._fps)}"
        chosen = track.adversarial[track.first : track.last + 1]
        done = int((~np.isnan(chosen)).sum())
        whole = (track.first, track.last) == (0, track.count - 1)
        part = "" if whole else f"; range {track.first + 1} to {track.last + 1}"
        attacked = f"; {done} of {len(chosen)} attacked" if done else ""
        # The figures come first: where the line is too long the name is elided.
        self.title.say(f"{where}{part}{attacked}; {self._name}")
        self.setAccessibleDescription(self.title.text())
