"""OpenGL renderer: shadow map, label pass that blends nothing, anti-aliased picture.

Runs without a window (EGL on Linux). A renderer belongs to the thread that made it.
"""

import os
import sys
from collections.abc import Callable
from typing import Any

import moderngl
import numpy as np
import numpy.typing as npt

from art_segplugin.data.scenes.batches import Batches, Programs, set_uniforms
from art_segplugin.data.scenes.camera import Camera, Matrix
from art_segplugin.data.scenes.contact import contact_map
from art_segplugin.data.scenes.noise import SIDE, noise_tile
from art_segplugin.data.scenes.primitives import Label, Primitives
from art_segplugin.data.scenes.scene import Scene
from art_segplugin.data.scenes.visibility import in_view

NEAR, FAR = 0.25, 600.0
SAMPLES = 4
SHADOW_SIDE = 1024
SHADOW_REACH = 42.0
SHADOW_DEPTH = 120.0
NOTHING = 65535


class GLRenderer:
    """Draws scenes with OpenGL 3.3.

    Raises:
        Exception: No OpenGL driver could be opened; moderngl raises plain `Exception`.
    """

    def __init__(self) -> None:
        ctx = self.context = _open_context()
        ctx.gc_mode = "auto"  # frees what Python no longer refers to
        self.programs = Programs(ctx)
        self.backdrop = ctx.vertex_array(self.programs.get("sky"), [])
        self.noise = ctx.texture((SIDE, SIDE), 2, noise_tile().tobytes())
        self.noise.build_mipmaps()
        self.shadow_map = ctx.depth_texture((SHADOW_SIDE, SHADOW_SIDE))
        self.shadow_map.compare_func = "<="
        self.shadow_map.repeat_x = self.shadow_map.repeat_y = False
        self.shadow_target = ctx.framebuffer(depth_attachment=self.shadow_map)
        self.targets: dict[tuple[int, int], _Targets] = {}

    def __del__(self, finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        """Give the driver's memory back when the thread ends: 20 MB of compiled programs."""
        context = self.__dict__.pop("context", None)
        if context is not None and not finalizing():  # bound above: modules may be gone by now
            with context:
                self.__dict__.clear()  # frees programs and buffers in the context they belong to
            context.release()

    def render(
        self, scene: Scene, camera: Camera, size: tuple[int, int]
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        """Draw a scene before the sensor spoils it.

        Args:
            scene: What to draw.
            camera: From where.
            size: Height and width in pixels.

        Returns:
            RGB picture, uint8 of shape (h, w, 3), and label map, uint8 of shape (h, w).
        """
        with self.context:  # another context may be current in this thread
            return self._render(scene, camera, size)

    def _render(
        self, scene: Scene, camera: Camera, size: tuple[int, int]
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        ctx = self.context
        ctx.enable_only(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        if size not in self.targets:
            self.targets[size] = _Targets(ctx, size)
        targets = self.targets[size]
        self.noise.use(0)
        shadow_projection = self._draw_shadows(scene, camera)
        ctx.front_face = "cw"  # the projection turns rows over, and with them the triangles
        view = {
            "projection": camera.projection(size, NEAR, FAR),
            "eye": camera.position,
            "noise": 0,
        }
        solids, pixels = in_view(scene.solids, camera, size)
        targets.start_numbers()
        Batches(self.programs, "number", solids, pixels).draw(**view)
        numbers = targets.read_numbers()
        labels = np.append(solids["label"], Label.SKY).astype(np.uint8)[
            np.minimum(numbers, len(solids))
        ]
        seen = np.bincount(numbers.ravel(), minlength=len(solids))[: len(solids)] > 0
        targets.start_picture()
        batches = Batches(self.programs, "surface", solids[seen], pixels[seen])
        self._draw_picture(scene, camera, size, batches, view, shadow_projection)
        return targets.read_picture(), labels

    def _draw_shadows(self, scene: Scene, camera: Camera) -> Matrix:
        """Fill the shadow map around what the camera looks at; return its projection."""
        ctx = self.context
        middle = np.array(camera.position) + 0.75 * SHADOW_REACH * camera.axes()[2]
        middle[2] = 3.0
        sun = np.array(scene.light.direction)
        projection = _sun_projection(sun, middle)
        self.shadow_target.use()
        ctx.clear(depth=1.0)
        if max(scene.light.sun) > 0:
            ctx.front_face = "ccw"
            ctx.polygon_offset = (2.0, 4.0)  # keeps surfaces from shading themselves
            solids = _casters(scene.solids, sun, middle)
            pixels = np.linalg.norm(solids["half"], axis=1) * SHADOW_SIDE / 2 / SHADOW_REACH
            casters = Batches(self.programs, "shadow", solids, pixels / 3)
            casters.draw(projection=projection, eye=tuple(middle + 1e5 * sun), noise=0)
            ctx.polygon_offset = (0.0, 0.0)
        return projection

    def _draw_picture(
        self,
        scene: Scene,
        camera: Camera,
        size: tuple[int, int],
        batches: Batches,
        view: dict[str, Any],
        shadow_projection: Matrix,
    ) -> None:
        ctx = self.context
        air = _air_uniforms(scene)
        contact = contact_map(scene.solids, camera.position[:2])
        texture = ctx.texture(contact.hidden.shape[::-1], 1, contact.hidden.tobytes())
        texture.repeat_x = texture.repeat_y = False
        self.shadow_map.use(1)
        texture.use(2)
        batches.draw(
            **view,
            **air,
            shadow_map=1,
            shadow_projection=shadow_projection,
            contact_map=2,
            contact_window=(*contact.corner, 1 / contact.size[0], 1 / contact.size[1]),
            wetness=scene.air.wetness,
            night=scene.air.night,
        )
        tangent = np.tan(np.deg2rad(camera.fov) / 2)
        corner_rays = camera.axes().T * np.array([tangent * size[1] / size[0], -tangent, 1.0])
        ctx.disable(moderngl.CULL_FACE)
        ctx.depth_func = "<="  # the sky lies exactly at the far end of the depth range
        set_uniforms(self.programs.get("sky"), corner_rays=corner_rays, noise=0, **air)
        self.backdrop.render(moderngl.TRIANGLES, vertices=3)
        ctx.depth_func = "<"


class _Targets:
    """Frame buffers of one picture size."""

    def __init__(self, ctx: Any, size: tuple[int, int]) -> None:
        wide = size[::-1]
        self.ctx = ctx
        self.size = size
        self.number_map = ctx.texture(wide, 1, dtype="u2")
        self.numbers = ctx.framebuffer([self.number_map], ctx.depth_renderbuffer(wide))
        self.nothing = np.full(size, NOTHING, dtype=np.uint16).tobytes()
        self.samples = ctx.framebuffer(
            [ctx.renderbuffer(wide, 4, samples=SAMPLES)],
            ctx.depth_renderbuffer(wide, samples=SAMPLES),
        )
        self.picture = ctx.framebuffer([ctx.renderbuffer(wide, 4)])

    def start_numbers(self) -> None:
        self.numbers.use()
        self.ctx.clear(depth=1.0)
        # moderngl clears integer targets to no certain value: write one that no solid has
        self.number_map.write(self.nothing, alignment=1)

    def start_picture(self) -> None:
        self.samples.use()
        self.ctx.clear(depth=1.0)

    def read_numbers(self) -> npt.NDArray[np.uint16]:
        return np.frombuffer(self.number_map.read(alignment=1), np.uint16).reshape(self.size)

    def read_picture(self) -> npt.NDArray[np.uint8]:
        self.ctx.copy_framebuffer(self.picture, self.samples)
        pixels = self.picture.read(components=3, alignment=1)
        return np.frombuffer(pixels, np.uint8).reshape(*self.size, 3).copy()


def _open_context() -> Any:
    """Open OpenGL without a window, through EGL where there is no display.

    Mesa's software driver reads its number of threads at this moment: with none of its own, a
    process may still be forked later, as data loaders do, without waiting for threads that are gone.
    """
    threads = os.environ.get("LP_NUM_THREADS")
    os.environ["LP_NUM_THREADS"] = "0"
    try:
        egl: dict[str, Any] = {"backend": "egl"}
        try:
            return moderngl.create_context(standalone=True, **egl)
        except Exception:
            return moderngl.create_context(standalone=True)
    finally:
        if threads is None:
            del os.environ["LP_NUM_THREADS"]
        else:
            os.environ["LP_NUM_THREADS"] = threads


def _air_uniforms(scene: Scene) -> dict[str, Any]:
    """Return the uniforms of air.glsl, colours as linear light."""
    air, light = scene.air, scene.light
    return {
        "zenith": tuple(c * c for c in air.zenith),
        "horizon": tuple(c * c for c in air.horizon),
        "sun_direction": light.direction,
        "sun_light": light.sun,
        "sky_light": light.sky,
        "gain": scene.sensor.gain,
        "clouds": air.clouds,
        "cloud_shift": air.cloud_shift,
        "fog": air.fog,
    }


def _casters(
    solids: Primitives, sun: npt.NDArray[np.float64], middle: npt.NDArray[np.float64]
) -> Primitives:
    """Return the solids that can throw a shadow into the shadow map."""
    offset = solids["centre"] - middle
    beside = np.linalg.norm(offset - (offset @ sun)[:, None] * sun, axis=1)
    reach = SHADOW_REACH * np.sqrt(2) + np.linalg.norm(solids["half"], axis=1)
    flat = solids["half"][:, 2] < 0.16  # paint and pavements: too low for a shadow
    casters: Primitives = solids[(beside < reach) & ~flat]
    return casters


def _sun_projection(sun: npt.NDArray[np.float64], middle: npt.NDArray[np.float64]) -> Matrix:
    """Return the matrix of a parallel projection along the sun's rays around a point."""
    side = np.cross(sun, [0.0, 0.0, 1.0])
    side /= np.linalg.norm(side)
    up = np.cross(side, sun)
    return np.stack(
        [
            np.append(side, -side @ middle) / SHADOW_REACH,
            np.append(up, -up @ middle) / SHADOW_REACH,
            np.append(-sun, sun @ middle) / SHADOW_DEPTH,
            np.array([0.0, 0.0, 0.0, 1.0]),
        ]
    )
