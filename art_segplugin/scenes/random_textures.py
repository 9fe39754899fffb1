"""Scenes whose surfaces say nothing of what they belong to: only shape and place are left to learn.

What Stylized-ImageNet does for photographs (Geirhos et al., "ImageNet-trained CNNs are biased towards
texture", ICLR 2019, arXiv:1811.12231), done in the renderer as in domain randomisation (Tobin et al.,
IROS 2017, arXiv:1703.06907), where labels stay exact.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from art_segplugin.scenes.primitives import Texture, Vector
from art_segplugin.scenes.scene import Air, Scene

WEIGHTS = {
    Texture.PLAIN: 4, Texture.ASPHALT: 1, Texture.PAVING: 1, Texture.GRASS: 1, Texture.BRICK: 1,
    Texture.FACADE: 1, Texture.BRICK_FACADE: 1, Texture.FOLIAGE: 2, Texture.TILES: 1,
    Texture.PAINT: 1, Texture.STRIPES: 1, Texture.CHECKER: 1,
}  # fmt: skip
"""How often each texture is drawn. Glass is plain but for its gloss, which is drawn by itself; lamps
would light up whole walls."""

FOLIAGE_OF_CROWNS = WEIGHTS[Texture.FOLIAGE] / (WEIGHTS[Texture.FOLIAGE] + WEIGHTS[Texture.PLAIN])
"""Share of crowns with leaves painted on: that of `WEIGHTS` among the looks a crown can have."""

DARKEST, BRIGHTEST = 0.05, 0.95
WEAKEST = 0.3
FINEST, COARSEST = 0.15, 3.0
GLOSSIEST = 0.9
CLOUDIEST = 0.7


def randomise_textures(scene: Scene, rng: np.random.Generator) -> Scene:
    """Return the scene with every surface drawn anew, and the same labels from every camera.

    Each solid, also of one house or person, gets its own texture, colour, strength, scale and gloss,
    from one distribution for all classes. Sky colours and clouds are drawn too. Shape, place, motion,
    light, fog, rain, camera and sensor stay. The gaps in crowns of trees are part of their shape: a
    crown keeps them, with the scale that lays them out, and is drawn plain or as foliage; nothing
    else gets gaps.

    Args:
        scene: Any scene; it is not changed.
        rng: Source of all choices. How much is taken from it depends on the number of solids alone.
    """
    solids = scene.solids.copy()
    count = len(solids)
    gaps = solids["texture"] == Texture.LEAVES
    shares = np.array(list(WEIGHTS.values())) / sum(WEIGHTS.values())
    texture = rng.choice(np.array(list(WEIGHTS), np.int32), count, p=shares)
    strength = rng.uniform(WEAKEST, 1.0, count)
    scale = np.exp(rng.uniform(np.log(FINEST), np.log(COARSEST), count))
    bare = rng.random(count) >= FOLIAGE_OF_CROWNS
    solids["colour"] = rng.uniform(DARKEST, BRIGHTEST, (count, 3))
    solids["seed"] = rng.random(count)
    solids["gloss"] = GLOSSIEST * rng.random(count) ** 3  # mostly matt: mirrors show the sky alone
    solids["texture"] = np.where(gaps, Texture.LEAVES, texture)
    solids["strength"] = np.where(gaps & bare, 0.0, strength)
    solids["scale"] = np.where(gaps, solids["scale"], scale)
    return replace(scene, solids=solids, air=_air(scene.air, rng))


def _air(air: Air, rng: np.random.Generator) -> Air:
    """Return the weather under a sky of any colours, which clouds never hide altogether."""
    zenith, horizon = rng.uniform(DARKEST, BRIGHTEST, (2, 3))
    clouds, shift = float(rng.uniform(0.0, CLOUDIEST)), float(rng.random())
    return replace(
        air, zenith=_vector(zenith), horizon=_vector(horizon), clouds=clouds, cloud_shift=shift
    )


def _vector(colour: npt.NDArray[np.float64]) -> Vector:
    red, green, blue = (float(value) for value in colour)
    return red, green, blue
