"""Rendered street scenes as data sets: single streets, or the frames of one drive.

The renderer is `art_segplugin.scenes`; here are the samples made with it.
"""

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch

from art_segplugin.data.class_order import SPLITS, check_split
from art_segplugin.data.images import scaled_image
from art_segplugin.data.palettes import SCENES
from art_segplugin.data.sample import Sample
from art_segplugin.errors import InputError
from art_segplugin.scenes import Camera, Scene, build_scene, randomise_textures, render
from art_segplugin.scenes.layout import TRAFFIC_SPEED
from art_segplugin.scenes.rendering import check_renderer, check_size

__all__ = ["Camera", "CameraDrive", "Scene", "SceneDataset", "build_scene", "render"]
__path__: list[str] = []
"""Makes this a package, so that modules which were below it until 0.1 are found (see `moved`)."""

TEXTURES = ("real", "random")
DRIVES = 3
"""Stream of seeds of `CameraDrive`, beside 0 to 2 of the splits."""


class SceneDataset:
    """Different streets, rendered when asked for.

    Scene i of a split and seed is always the same, whatever `count` is; splits share no scene.
    Workers of a data loader may be forked with Mesa's software OpenGL; the driver of a graphics card
    may need workers that are started with "spawn".

    Args:
        count: Number of scenes.
        split: "train", "val" or "test".
        size: Height and width in pixels.
        seed: Any number >= 0; another seed gives other scenes.
        renderer: "auto", "moderngl" or "numpy", see `render`.
        textures: "real", or "random" for the same scenes, with the same labels, under textures and
            colours that tell nothing of the class, see `randomise_textures`.

    Raises:
        InputError: An argument has a value that cannot be used.
    """

    palette = SCENES

    def __init__(
        self,
        count: int,
        split: str = "train",
        size: tuple[int, int] = (360, 480),
        seed: int = 0,
        renderer: str = "auto",
        textures: str = "real",
    ) -> None:
        check_split(split)
        if textures not in TEXTURES:
            raise InputError(f"textures is {textures!r}; expected one of {', '.join(TEXTURES)}")
        check_count("count", count)
        check_seed(seed)
        check_size(size)
        check_renderer(renderer)
        self.count = count
        self.split = split
        self.size = size
        self.seed = seed
        self.renderer = renderer
        self.textures = textures

    def __len__(self) -> int:
        """Return the number of scenes."""
        return self.count

    def scene(self, index: int) -> Scene:
        """Return the scene itself, for rendering it from another camera."""
        index = range(self.count)[index]
        key = [SPLITS.index(self.split), self.seed, index]
        scene = build_scene(key)
        if self.textures == "real":
            return scene
        return randomise_textures(scene, np.random.default_rng([*key, 1]))  # not the scene's stream

    def __getitem__(self, index: int) -> Sample:
        """Render one scene; raise IndexError past the end."""
        scene = self.scene(index)
        image, labels = render(scene, scene.camera, self.size, self.renderer)
        name = f"{self.split}-{self.seed}-{range(self.count)[index]:05d}"
        if self.textures != "real":
            name += f"-{self.textures}-textures"
        return as_sample(name, image, labels)


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
        image, labels = render(scene, camera, self.size, self.renderer)
        return as_sample(f"drive-{self.seed}-{frame:05d}", image, labels)


def as_sample(name: str, image: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]) -> Sample:
    """Return uint8 arrays of shapes (h, w, 3) and (h, w) as a sample."""
    return Sample(name, scaled_image(image), torch.from_numpy(labels).to(torch.int64))


def check_count(name: str, count: int) -> None:
    """Refuse a number of scenes or frames below 0."""
    if count < 0:
        raise InputError(f"{name} is {count}; expected 0 or more")


def check_seed(seed: int) -> None:
    """Refuse a negative seed."""
    if seed < 0:
        raise InputError(f"seed is {seed}; expected 0 or more")
