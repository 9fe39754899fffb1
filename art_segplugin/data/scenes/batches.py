"""Solids on the graphics card: one draw call per texture, shape and level of detail."""

from pathlib import Path
from typing import Any

import moderngl
import numpy as np
import numpy.typing as npt

from art_segplugin.data.scenes.meshes import SIDES, unit_mesh
from art_segplugin.data.scenes.primitives import Primitives, Shape, Texture

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
