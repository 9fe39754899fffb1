"""Rendered street scenes as a data set: as many as asked for, each with exact labels."""

import numpy as np
import numpy.typing as npt
import torch

from art_segplugin.data.palettes import SCENES
from art_segplugin.data.sample import Sample
from art_segplugin.data.scenes.layout import build_scene
from art_segplugin.data.scenes.random_textures import randomise_textures
from art_segplugin.data.scenes.rendering import check_renderer, check_size, render
from art_segplugin.data.scenes.scene import Scene
from art_segplugin.errors import InputError

SPLITS = ("train", "val", "test")
TEXTURES = ("real", "random")


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
        if split not in SPLITS:
            raise InputError(f"split is {split!r}; expected one of {', '.join(SPLITS)}")
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
        picture, labels = render(scene, scene.camera, self.size, self.renderer)
        name = f"{self.split}-{self.seed}-{range(self.count)[index]:05d}"
        if self.textures != "real":
            name += f"-{self.textures}-textures"
        return as_sample(name, picture, labels)


def as_sample(name: str, picture: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]) -> Sample:
    """Return uint8 arrays of shapes (h, w, 3) and (h, w) as a sample."""
    image = torch.from_numpy(picture).permute(2, 0, 1).to(torch.float32).div_(255)
    return Sample(name, image.contiguous(), torch.from_numpy(labels).to(torch.int64))


def check_count(name: str, count: int) -> None:
    """Refuse a number of scenes or frames below 0."""
    if count < 0:
        raise InputError(f"{name} is {count}; expected 0 or more")


def check_seed(seed: int) -> None:
    """Refuse a negative seed."""
    if seed < 0:
        raise InputError(f"seed is {seed}; expected 0 or more")
