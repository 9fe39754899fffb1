"""OpenGL renderer: shadow map, label pass that blends nothing, anti-aliased image.

Runs without a window (EGL on Linux). A renderer belongs to the thread that made it.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import moderngl
import numpy as np
import numpy.typing as npt

from art_segplugin.scenes.camera import Camera, Matrix, in_view
from art_segplugin.scenes.contact import contact_map
from art_segplugin.scenes.meshes import SIDES, unit_mesh
from art_segplugin.scenes.noise import SIDE, noise_tile
from art_segplugin.scenes.primitives import Label, Primitives, Shape, Texture
from art_segplugin.scenes.scene import Scene

NEAR, FAR = 0.25, 600.0
SAMPLES = 4
SHADOW_SIDE = 1024
SHADOW_REACH = 42.0
SHADOW_DEPTH = 120.0
NOTHING = 65535

SHADERS = Path(__file__).parent / "shaders"
SOURCES = {
    "number": ("solid.vert", ("leaves.glsl", "number.frag")),
    "shadow": ("solid.vert", ("leaves.glsl", "shadow.frag")),
    "surface": ("solid.vert", ("leaves.glsl", "air.glsl", "materials.glsl", "surface.frag")),
    "sky": ("sky.vert", ("leaves.glsl", "air.glsl", "sky.frag")),
}
INSTANCE = np.dtype(
    [
        ("centre", "f4", 3), ("yaw", "f4"), ("half", "f4", 3), ("strength", "f4"),
        ("colour", "f4", 3), ("scale", "f4"), ("taper", "f4", 2), ("seed", "f4"), ("gloss", "f4"),
        ("number", "i4"),
    ]
)  # fmt: skip
INSTANCE_FORMAT = "4f 4f 4f 4f 1i/i"
INSTANCE_FIELDS = ("centre_yaw", "half_strength", "colour_scale", "taper_seed_gloss", "number")
DETAIL_PIXELS = (24.0, 6.0)
"""Smallest radius in pixels at which a round solid gets the finest and the middle mesh."""

DRAWN_LAST = (Texture.FACADE, Texture.BRICK_FACADE, Texture.ASPHALT, Texture.PAVING, Texture.GRASS)
"""Large and costly surfaces, much of which other things hide."""

DRAW_ORDER = (*(texture for texture in Texture if texture not in DRAWN_LAST), *DRAWN_LAST)


class Programs:
    """Programs and meshes of one context; programs are compiled when first used.

    Every texture has a program of its own: a graphics card would branch, but software OpenGL runs
    every branch, and a program that discards fragments loses the early depth test.
    """

    def __init__(self, context: Any) -> None:
        self.context = context
        self.meshes = {
            (shape, sides): context.buffer(unit_mesh(shape, sides).tobytes())
            for shape in Shape
            for sides in SIDES
        }
        self.compiled: dict[tuple[str, Texture], Any] = {}

    def get(self, task: str, texture: Texture = Texture.PLAIN) -> Any:
        """Return the program that does a task (a key of `SOURCES`) for a texture."""
        key = (task, texture)
        if key not in self.compiled:
            vertex, fragments = SOURCES[task]
            body = "".join((SHADERS / name).read_text() for name in fragments)
            self.compiled[key] = self.context.program(
                vertex_shader=(SHADERS / vertex).read_text(),
                fragment_shader=f"#version 330\n#define KIND {int(texture)}\n{body}",
            )
        return self.compiled[key]


class Batches:
    """Solids on the graphics card for one task.

    Args:
        programs: Programs and meshes of the context.
        task: Key of `SOURCES`.
        solids: What to draw, in the order in which to draw what is alike.
        pixels: Rough radius of each solid in pixels, shape (n,).
    """

    def __init__(
        self, programs: Programs, task: str, solids: Primitives, pixels: npt.NDArray[np.floating]
    ) -> None:
        self.programs = programs
        self.task = task
        rank = np.empty(len(Texture), np.intp)
        if task == "surface":
            rank[list(DRAW_ORDER)] = np.arange(len(Texture))
        else:  # geometry alone: only crowns, which have gaps, need another program
            rank[:] = DRAW_ORDER.index(Texture.PLAIN)
            rank[Texture.LEAVES] = DRAW_ORDER.index(Texture.LEAVES)
        detail = np.digitize(-pixels, np.negative(DETAIL_PIXELS))
        detail[solids["shape"] == Shape.BLOCK] = 0
        key = (rank[solids["texture"]] * len(Shape) + solids["shape"]) * len(SIDES) + detail
        order = np.argsort(key, kind="stable")
        rows = _instance_rows(solids, order)
        self.groups = []
        values, starts = np.unique(key[order], return_index=True)
        for value, same in zip(values, np.split(rows, starts)[1:], strict=True):
            place, shape, level = np.unravel_index(value, (len(Texture), len(Shape), len(SIDES)))
            buffer = programs.context.buffer(same.tobytes())
            self.groups.append(
                (DRAW_ORDER[place], Shape(int(shape)), SIDES[level], len(same), buffer)
            )

    def draw(self, **uniforms: Any) -> None:
        """Draw all solids into the frame buffer in use."""
        for texture in {texture: None for texture, *_ in self.groups}:
            set_uniforms(self.programs.get(self.task, texture), **uniforms)
        for texture, shape, sides, count, instances in self.groups:
            program = self.programs.get(self.task, texture)
            program["shape"].value = int(shape)
            array = self.programs.context.vertex_array(
                program,
                [
                    (self.programs.meshes[shape, sides], "3f 3f", "vertex", "normal"),
                    (instances, INSTANCE_FORMAT, *INSTANCE_FIELDS),
                ],
                skip_errors=True,  # some programs have no use for some fields
            )
            array.render(moderngl.TRIANGLES, instances=count)


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
            RGB image, uint8 of shape (h, w, 3), and label map, uint8 of shape (h, w).
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
        targets.start_image()
        batches = Batches(self.programs, "surface", solids[seen], pixels[seen])
        self._draw_image(scene, camera, size, batches, view, shadow_projection)
        return targets.read_image(), labels

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

    def _draw_image(
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
    """Frame buffers of one image size."""

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
        self.image = ctx.framebuffer([ctx.renderbuffer(wide, 4)])

    def start_numbers(self) -> None:
        self.numbers.use()
        self.ctx.clear(depth=1.0)
        # moderngl clears integer targets to no certain value: write one that no solid has
        self.number_map.write(self.nothing, alignment=1)

    def start_image(self) -> None:
        self.samples.use()
        self.ctx.clear(depth=1.0)

    def read_numbers(self) -> npt.NDArray[np.uint16]:
        return np.frombuffer(self.number_map.read(alignment=1), np.uint16).reshape(self.size)

    def read_image(self) -> npt.NDArray[np.uint8]:
        self.ctx.copy_framebuffer(self.image, self.samples)
        pixels = self.image.read(components=3, alignment=1)
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


def set_uniforms(program: Any, **values: Any) -> None:
    """Set uniforms; names that the compiler dropped as unused are skipped."""
    for name, value in values.items():
        if name in program:
            if isinstance(value, np.ndarray):
                value = tuple(value.T.ravel())  # OpenGL stores matrices by column
            program[name].value = value


def _instance_rows(solids: Primitives, order: npt.NDArray[np.intp]) -> npt.NDArray[np.void]:
    rows = np.empty(len(order), INSTANCE)
    for name in solids.dtype.names or ():
        if name in (INSTANCE.names or ()):
            rows[name] = solids[name][order]
    rows["number"] = order
    return rows
