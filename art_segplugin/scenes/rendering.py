"""Draws a scene with OpenGL, or with the ray caster where there is none."""

import threading
import warnings
from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from art_segplugin.errors import InputError
from art_segplugin.scenes import raycaster
from art_segplugin.scenes.camera import Camera
from art_segplugin.scenes.scene import Scene, Sensor

if TYPE_CHECKING:
    from art_segplugin.scenes.renderer_gl import GLRenderer

RENDERERS = ("auto", "moderngl", "numpy")
Rendering = tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]

_LOCAL = threading.local()


def render(
    scene: Scene, camera: Camera, size: tuple[int, int], renderer: str = "auto"
) -> Rendering:
    """Draw a scene from any camera.

    The same arguments give the same arrays, in any process or thread. Labels of the two renderers
    agree but for single pixels along outlines; images of the ray caster are plainer.

    Args:
        scene: What to draw.
        camera: From where; `scene.camera` is the view that the scene was made for.
        size: Height and width in pixels.
        renderer: "moderngl", "numpy", or "auto": OpenGL, else a warning and the ray caster.

    Returns:
        RGB image, uint8 of shape (h, w, 3), and label map, uint8 of shape (h, w).

    Raises:
        InputError: The size or renderer cannot be used, or "moderngl" was asked for without OpenGL.
    """
    check_size(size)
    check_renderer(renderer)
    image, labels = _draw(scene, camera, size, renderer)
    return add_sensor_noise(image, scene.sensor), labels


def check_size(size: tuple[int, int]) -> None:
    """Refuse an image size that cannot be drawn."""
    if len(size) != 2 or not all(isinstance(side, int) and 8 <= side <= 8192 for side in size):
        raise InputError(
            f"size is {size}; expected height and width in pixels, each from 8 to 8192"
        )


def check_renderer(renderer: str) -> None:
    """Refuse a renderer that does not exist."""
    if renderer not in RENDERERS:
        raise InputError(f"renderer is {renderer!r}; expected one of {', '.join(RENDERERS)}")


def _draw(scene: Scene, camera: Camera, size: tuple[int, int], renderer: str) -> Rendering:
    if renderer == "numpy" or (renderer == "auto" and not _opengl_works()):
        return raycaster.render(scene, camera, size)
    try:
        opengl = _opengl()
    except Exception as error:
        raise InputError(
            f"renderer 'moderngl' found no OpenGL ({error}); install libegl1 and libgl1-mesa-dri, "
            "or choose renderer 'numpy'"
        ) from error
    return opengl.render(scene, camera, size)


@cache
def _opengl_works() -> bool:
    """Return whether OpenGL can be opened; the first time it cannot, say so."""
    try:
        _opengl()
    except Exception as error:  # moderngl has no exception class of its own for this
        warnings.warn(
            f"no OpenGL ({error}): scenes are drawn by the slower and plainer ray caster; "
            "installing libegl1 and libgl1-mesa-dri brings OpenGL",
            RuntimeWarning,
            stacklevel=4,
        )
        return False
    return True


def _opengl() -> "GLRenderer":
    """Return the renderer of this thread."""
    if not hasattr(_LOCAL, "opengl"):
        from art_segplugin.scenes.renderer_gl import GLRenderer

        _LOCAL.opengl = GLRenderer()
    renderer: GLRenderer = _LOCAL.opengl
    return renderer


def add_sensor_noise(image: npt.NDArray[np.uint8], sensor: Sensor) -> npt.NDArray[np.uint8]:
    """Return the image as the sensor records it.

    Args:
        image: RGB, uint8 of shape (h, w, 3).
        sensor: Strength of each fault and seed of the noise.
    """
    height, width = image.shape[:2]
    sigma = sensor.blur * height / 360
    if sigma > 0.25:
        image = cv2.GaussianBlur(image, (0, 0), sigma).reshape(image.shape)
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    falloff = 1 - sensor.vignette * (x * x + y * y) / 2
    rng = np.random.default_rng(sensor.seed)
    light = rng.standard_normal((height, width), dtype=np.float32) * np.float32(sensor.noise)
    # demosaicing spreads colour noise over several pixels
    coarse = rng.standard_normal((height // 2 + 1, width // 2 + 1, 3), dtype=np.float32)
    tint = cv2.resize(coarse * np.float32(0.6 * sensor.noise), (width, height))
    recorded = image * falloff[..., None] + light[..., None] + tint
    noisy: npt.NDArray[np.uint8] = np.clip(recorded + 0.5, 0, 255).astype(np.uint8)
    return noisy


spoil = add_sensor_noise  # its name until 0.1
