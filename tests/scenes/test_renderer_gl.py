import numpy as np
import pytest

from art_segplugin.scenes import raycaster
from art_segplugin.scenes.camera import Camera
from art_segplugin.scenes.layout import build_scene
from art_segplugin.scenes.primitives import Builder, Label, Shape

SIZE = (180, 240)


@pytest.mark.parametrize("seed", range(4))
def test_labels_agree_with_the_ray_caster(opengl, seed):
    scene = build_scene([9, seed])
    _, drawn = opengl.render(scene, scene.camera, SIZE)
    _, cast = raycaster.render(scene, scene.camera, SIZE)
    assert (drawn == cast).mean() >= 0.99


@pytest.mark.parametrize(
    "camera",
    [
        Camera((60, -40, 35), yaw=100, pitch=-35, fov=60),
        Camera((30, 0, 2), yaw=180, roll=40, fov=75),
        Camera((20, 0, 80), pitch=-90, fov=40),
    ],
)
def test_labels_agree_from_any_camera(opengl, camera):
    scene = build_scene([9, 5])
    picture, drawn = opengl.render(scene, camera, SIZE)
    plain, cast = raycaster.render(scene, camera, SIZE)
    assert (drawn == cast).mean() >= 0.98  # from above there are many more outlines
    assert np.abs(picture.astype(int) - plain).mean() < 60


def test_every_shape_and_texture_is_drawn(opengl):
    scene = build_scene([9, 1])
    for shape in Shape:
        only = scene.solids[scene.solids["shape"] == shape]
        alone = type(scene)(only, scene.light, scene.air, scene.sensor, scene.camera)
        _, labels = opengl.render(alone, scene.camera, SIZE)
        assert (labels != Label.SKY).any()


def test_an_empty_view_is_sky(opengl):
    scene = build_scene([9, 0])
    picture, labels = opengl.render(scene, Camera((0, 0, 60), pitch=60), SIZE)
    assert (labels == Label.SKY).all()
    assert picture.std() > 0


def test_the_picture_is_anti_aliased_and_labels_are_not(opengl, plain_scene):
    builder = Builder()
    builder.at(10, 0).block(Label.SIGN, (0, 0, 0), (1, 3, 3), (1, 0, 0))
    tilted = Camera((0, 0, 0), roll=10, fov=60)
    picture, labels = opengl.render(plain_scene(builder), tilted, SIZE)
    assert set(np.unique(labels)) == {Label.SIGN, Label.SKY}
    # red goes through few values inside the sign and in the sky, and many on the outline
    blue = picture[..., 2].astype(int)
    inside = blue[labels == Label.SIGN]
    assert np.percentile(inside, 50) == np.percentile(inside, 5)
    between = (inside > np.percentile(inside, 50) + 10).sum()
    outline = (np.diff(labels.astype(int), axis=1) != 0).sum()
    assert between > 0.2 * outline


def test_shadows_darken_the_ground(opengl):
    for seed in range(20):
        scene = build_scene([9, seed])
        if min(scene.light.sun) > 1 and scene.air.wetness == 0:
            break
    down = Camera((25, 0, 60), pitch=-90, fov=30)
    picture, labels = opengl.render(scene, down, SIZE)
    plain, _ = raycaster.render(scene, down, SIZE)
    road = labels == Label.ROAD
    assert picture[road].mean() < plain[road].mean()
