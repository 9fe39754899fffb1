"""Street scenes with exact labels: endless, seeded, and open to any camera.

`build_scene` makes a street from a seed; `render` draws it from any camera, with OpenGL or the ray
caster. `art_segplugin.data.scenes` has data sets of them.
"""

from art_segplugin.scenes.camera import Camera
from art_segplugin.scenes.layout import build_scene
from art_segplugin.scenes.random_textures import randomise_textures
from art_segplugin.scenes.rendering import render
from art_segplugin.scenes.scene import Scene

__all__ = ["Camera", "Scene", "build_scene", "randomise_textures", "render"]
