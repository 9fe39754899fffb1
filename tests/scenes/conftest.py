import pytest

from art_segplugin.scenes.camera import Camera
from art_segplugin.scenes.renderer_gl import GLRenderer
from art_segplugin.scenes.scene import Air, Light, Scene, Sensor


@pytest.fixture(scope="session")
def opengl():
    try:
        return GLRenderer()
    except Exception as error:
        pytest.skip(f"no OpenGL here: {error}")


@pytest.fixture(scope="session")
def plain_scene():
    """A scene of given solids under plain light from the left."""

    def build(builder):
        return Scene(
            solids=builder.primitives(),
            light=Light(azimuth=120, height=40, sun=(1, 1, 1), sky=(0.5, 0.5, 0.5)),
            air=Air((0.2, 0.3, 0.8), (0.8, 0.8, 0.9), 0.3, 0.0, 0.001, 0.0, 0.0),
            sensor=Sensor((1, 1, 1), 0.0, 0.0, 0.0, 0),
            camera=Camera((0, 0, 1.5)),
        )

    return build
