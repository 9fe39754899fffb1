"""Rendered street scenes and drives, with exact labels."""

from typing import TYPE_CHECKING

import numpy as np

from art_segplugin.errors import InputError
from art_segplugin_gui.session.frames import SourceFrame
from art_segplugin_gui.session.sources.base import check_index
from art_segplugin_gui.session.sources.cache import FrameCache
from art_segplugin_gui.session.sources.scaling import frozen, scaled_size

if TYPE_CHECKING:
    from art_segplugin.data.sample import Dataset

SIZE = (360, 480)
SCENES = 50
DRIVE_FRAMES = 120
DRIVE_FPS = 12.0
RANDOM_TEXTURES = "random-textures"
SPLITS = ("train", "val", "test")


class RenderedSource:
    """Pictures that are rendered when they are asked for.

    Args:
        spec: what opens it again.
        name: what a window calls it.
        data: what renders them.
        moving: whether they are frames of one drive.
    """

    exact_labels = True

    def __init__(self, spec: str, name: str, data: "Dataset", moving: bool) -> None:
        self.spec, self.name = spec, name
        self.count = len(data)
        self.moving = moving
        self.fps = DRIVE_FPS if moving else 2.0
        self._data = data
        self._cache = FrameCache()

    def read(self, index: int) -> SourceFrame:
        """Render a picture and its labels."""
        check_index(index, self.count, self.name)
        if (kept := self._cache.get(index)) is not None:
            return kept
        sample = self._data[index]
        assert sample.labels is not None, "whatever is rendered has labels"
        image = sample.image.mul(255).round().byte().movedim(0, -1).contiguous().numpy()
        labels = sample.labels.numpy().astype(np.uint8)
        origin = {"spec": self.spec, "index": index, "size": list(labels.shape)}
        frame = SourceFrame(
            sample.name,
            index,
            frozen(image),
            frozen(labels),
            origin,
            classes=self._data.palette.classes,
        )
        return self._cache.keep(frame)

    def close(self) -> None:
        """Forget what was rendered."""
        self._cache.clear()


def open_scenes(spec: str, longest_side: int | None) -> RenderedSource:
    """Open `scenes:SPLIT`, or `scenes:random-textures` (of the split "test").

    Raises:
        InputError: there is no such split.
    """
    from art_segplugin.data.scenes import SceneDataset

    split = spec.removeprefix("scenes").removeprefix(":") or "test"
    textures = "random" if split == RANDOM_TEXTURES else "real"
    if split not in (*SPLITS, RANDOM_TEXTURES):
        known = ", ".join(f"scenes:{word}" for word in (*SPLITS, RANDOM_TEXTURES))
        raise InputError(f"source {spec!r} is unknown; give one of {known}.")
    data = SceneDataset(
        SCENES,
        "test" if textures == "random" else split,
        scaled_size(*SIZE, longest_side),
        textures=textures,
    )
    return RenderedSource(spec, f"scenes, {split}", data, moving=False)


def open_drive(spec: str, longest_side: int | None) -> RenderedSource:
    """Open `drive:SEED`.

    Raises:
        InputError: the seed is no number.
    """
    from art_segplugin.data.scenes import CameraDrive

    seed = spec.removeprefix("drive").removeprefix(":") or "0"
    if not seed.isdecimal():
        raise InputError(f"source {spec!r} is unknown; give drive: and a number, such as drive:0.")
    height, width = scaled_size(*SIZE, longest_side)
    size = (height // 2 * 2, width // 2 * 2)  # video codecs cannot write odd sides
    data = CameraDrive(DRIVE_FRAMES, int(seed), size, fps=DRIVE_FPS)
    return RenderedSource(spec, f"drive {seed}", data, moving=True)
