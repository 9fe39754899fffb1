"""A drive along one street: a video with exact labels for every frame."""

import math
from dataclasses import replace

from art_segplugin.data.palettes import SCENES
from art_segplugin.data.sample import Sample
from art_segplugin.data.scenes.dataset import as_sample, check_count, check_seed
from art_segplugin.data.scenes.layout import build_scene
from art_segplugin.data.scenes.rendering import check_renderer, check_size, render
from art_segplugin.data.scenes.site import TRAFFIC_SPEED
from art_segplugin.errors import InputError

DRIVES = 3
"""Stream of seeds, beside 0 to 2 of the splits of `SceneDataset`."""


class CameraDrive:
    """Frames of a car's camera in moving traffic.

    Args:
        frames: Number of frames.
        seed: Any number >= 0; another seed gives another street.
        size: Height and width in pixels.
        renderer: "auto", "moderngl" or "numpy", see `render`.
        fps: Frames per second, above 0.

    Raises:
        InputError: An argument has a value that cannot be used.
    """

    palette = SCENES

    def __init__(
        self,
        frames: int,
        seed: int = 0,
        size: tuple[int, int] = (360, 480),
        renderer: str = "auto",
        fps: float = 12,
    ) -> None:
        check_count("frames", frames)
        check_seed(seed)
        check_size(size)
        check_renderer(renderer)
        if not 0 < fps < math.inf:
            raise InputError(f"fps is {fps}; expected frames per second above 0")
        self.frames = frames
        self.seed = seed
        self.size = size
        self.renderer = renderer
        self.fps = fps
        self.scene = build_scene([DRIVES, seed], travel=max(frames, 1) / fps * TRAFFIC_SPEED)

    def __len__(self) -> int:
        """Return the number of frames."""
        return self.frames

    def __getitem__(self, index: int) -> Sample:
        """Render one frame; raise IndexError past the end."""
        frame = range(self.frames)[index]
        seconds = frame / self.fps
        scene = self.scene.at(seconds)
        scene = replace(scene, sensor=replace(scene.sensor, seed=scene.sensor.seed + frame))
        x, y, z = scene.camera.position
        camera = replace(
            scene.camera,
            position=(
                x + TRAFFIC_SPEED * seconds,
                y + 0.12 * math.sin(0.7 * seconds),
                z + 0.02 * math.sin(9.0 * seconds),
            ),
            yaw=0.5 * math.sin(0.7 * seconds + 1.0),
            pitch=scene.camera.pitch + 0.25 * math.sin(5.0 * seconds),
            roll=0.3 * math.sin(1.3 * seconds),
        )
        picture, labels = render(scene, camera, self.size, self.renderer)
        return as_sample(f"drive-{self.seed}-{frame:05d}", picture, labels)
