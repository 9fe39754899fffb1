import numpy as np
import pytest

from art_segplugin.scenes.layout import build_scene
from art_segplugin.scenes.primitives import Label, Texture

FLAT = [Label.ROAD, Label.LANE_MARKING, Label.SIDEWALK, Label.TERRAIN]


@pytest.fixture(scope="module")
def scenes():
    return [build_scene([9, seed]) for seed in range(30)]


def test_a_seed_always_gives_the_same_scene(scenes):
    again = build_scene([9, 4])
    np.testing.assert_array_equal(again.solids, scenes[4].solids)
    assert (again.camera, again.light, again.air, again.sensor) == (
        scenes[4].camera, scenes[4].light, scenes[4].air, scenes[4].sensor,
    )  # fmt: skip


def test_scenes_vary(scenes):
    assert len({len(scene.solids) for scene in scenes}) > 25
    assert len({scene.camera for scene in scenes}) == 30
    fog = [scene.air.fog for scene in scenes]
    assert max(fog) > 5 * min(fog)
    assert {max(scene.light.sun) > 0 for scene in scenes} == {True, False}


def test_every_class_and_texture_occurs(scenes):
    solids = np.concatenate([scene.solids for scene in scenes])
    assert set(np.unique(solids["label"])) == {*Label} - {Label.SKY}
    assert set(np.unique(solids["texture"])) == {*Texture}


def test_solids_are_proper(scenes):
    for scene in scenes:
        assert (scene.solids["half"] > 0).all()
        assert (scene.solids["half"][:, 2] < 60).all()
        assert ((scene.solids["colour"] >= 0) & (scene.solids["colour"] <= 1)).all()
        assert ((scene.solids["taper"] >= 0) & (scene.solids["taper"] <= 1)).all()
        round_ones = scene.solids[scene.solids["shape"] == 1]
        np.testing.assert_array_equal(round_ones["taper"][:, 0], round_ones["taper"][:, 1])


def test_nothing_stands_where_the_camera_is(scenes):
    for scene in scenes:
        standing = scene.solids[~np.isin(scene.solids["label"], FLAT)]
        offset = np.array(scene.camera.position) - standing["centre"]
        cos, sin = np.cos(standing["yaw"]), np.sin(standing["yaw"])
        x, y, z = offset.T
        local = np.stack([cos * x + sin * y, cos * y - sin * x, z], axis=1)
        assert not (np.abs(local) < standing["half"] + 0.2).all(axis=1).any()


def test_a_drive_has_a_free_lane():
    scene = build_scene([9, 1], travel=100.0)
    x, y, z = scene.camera.position
    ahead = scene.solids[~np.isin(scene.solids["label"], FLAT)]
    still = ahead[(ahead["velocity"] == 0).all(axis=1) & (ahead["half"][:, 0] < 6)]
    low = still["centre"][:, 2] - still["half"][:, 2] < z
    along = (still["centre"][:, 0] > x) & (still["centre"][:, 0] < x + 100)
    assert (np.abs(still["centre"][low & along][:, 1] - y) > 0.8).all()
    assert scene.solids["centre"][:, 0].max() > 300
