"""Street scenes with exact labels: endless, seeded, and open to any camera."""

from art_segplugin.data.scenes.camera import Camera
from art_segplugin.data.scenes.dataset import SceneDataset
from art_segplugin.data.scenes.drive import CameraDrive
from art_segplugin.data.scenes.layout import build_scene
from art_segplugin.data.scenes.rendering import render
from art_segplugin.data.scenes.scene import Scene

__all__ = ["Camera", "CameraDrive", "Scene", "SceneDataset", "build_scene", "render"]
