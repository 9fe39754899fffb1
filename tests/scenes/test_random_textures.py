from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import chi2_contingency, ks_2samp

from art_segplugin.data.scenes import SceneDataset
from art_segplugin.errors import InputError
from art_segplugin.scenes import raycaster
from art_segplugin.scenes.camera import Camera
from art_segplugin.scenes.layout import build_scene
from art_segplugin.scenes.primitives import Label, Primitives, Texture
from art_segplugin.scenes.random_textures import WEIGHTS, randomise_textures

SIZE = (90, 120)
DRAWN = ("texture", "colour", "strength", "scale", "seed", "gloss")
KEPT = ("centre", "yaw", "half", "taper", "shape", "label", "velocity")


def redrawn(seed, stream=0):
    scene = build_scene([9, seed])
    return scene, randomise_textures(scene, np.random.default_rng([seed, stream]))


def solids_of_many(count=30) -> tuple[Primitives, Primitives]:
    pairs = [redrawn(seed) for seed in range(count)]
    before, after = zip(*((old.solids, new.solids) for old, new in pairs), strict=True)
    return np.concatenate(before), np.concatenate(after)


@pytest.fixture(scope="module")
def many():
    return solids_of_many()


@pytest.fixture(scope="module", params=["numpy", "moderngl"])
def draw(request):
    if request.param == "numpy":
        return raycaster.render
    return request.getfixturevalue("opengl").render


@pytest.mark.parametrize("seed", range(4))
def test_labels_stay_and_pictures_do_not(draw, seed):
    scene, new = redrawn(seed)
    old_picture, old_labels = draw(scene, scene.camera, SIZE)
    picture, labels = draw(new, scene.camera, SIZE)
    assert np.array_equal(labels, old_labels)
    assert np.abs(picture.astype(int) - old_picture).mean() > 20


def test_gaps_in_crowns_stay_gaps(draw):
    scene, new = redrawn(4)
    crowns = scene.solids[scene.solids["texture"] == Texture.LEAVES]
    towards = crowns[np.argmin(np.abs(crowns["centre"][:, 0] - 25))]["centre"]
    yaw = np.rad2deg(np.arctan2(towards[1], towards[0]))
    near = Camera((0, 0, float(towards[2])), yaw=float(yaw), fov=25)
    labels = draw(scene, near, SIZE)[1]
    assert np.array_equal(draw(new, near, SIZE)[1], labels)
    closed = scene.solids.copy()
    closed["texture"] = Texture.PLAIN
    assert not np.array_equal(draw(replace(scene, solids=closed), near, SIZE)[1], labels)


def test_what_is_drawn_and_what_is_kept():
    scene, new = redrawn(2)
    before = scene.solids.copy()
    assert set(DRAWN) | set(KEPT) == set(before.dtype.names)
    for name in KEPT:
        assert np.array_equal(new.solids[name], before[name])
    for name in DRAWN:
        assert (new.solids[name] != before[name]).mean() > 0.5
    assert (new.light, new.sensor, new.camera) == (scene.light, scene.sensor, scene.camera)
    for name in ("fog", "wetness", "night"):
        assert getattr(new.air, name) == getattr(scene.air, name)
    assert new.air.zenith != scene.air.zenith
    assert new.air.horizon != scene.air.horizon
    assert scene.solids.tobytes() == build_scene([9, 2]).solids.tobytes()


def test_gaps_are_kept_and_given_to_nothing_else(many):
    before, after = many
    gaps = before["texture"] == Texture.LEAVES
    assert gaps.any()
    assert np.array_equal(after["texture"] == Texture.LEAVES, gaps)
    assert np.array_equal(after["scale"][gaps], before["scale"][gaps])
    assert set(np.unique(after["texture"][~gaps])) == set(WEIGHTS)


def test_ranges(many):
    _, after = many
    for name, low, high in (
        ("colour", 0, 1), ("strength", 0, 1), ("gloss", 0, 1), ("seed", 0, 1), ("scale", 0.05, 5),
    ):  # fmt: skip
        assert low <= after[name].min() < after[name].max() <= high


def test_the_drawing_does_not_look_at_what_it_draws_on():
    scene, new = redrawn(3)
    gaps = scene.solids["texture"] == Texture.LEAVES
    rng = np.random.default_rng(0)
    others = scene.solids.copy()
    others[~gaps] = rng.permutation(others[~gaps])
    others["label"] = rng.permutation(others["label"])
    others["colour"] = rng.random(others["colour"].shape)
    others["texture"][~gaps] = Texture.GLASS
    again = randomise_textures(replace(scene, solids=others), np.random.default_rng([3, 0]))
    for name in DRAWN:
        assert np.array_equal(again.solids[name], new.solids[name])


def test_textures_and_colours_are_independent_of_the_class(many):
    before, after = many
    closed = before["texture"] != Texture.LEAVES
    label, texture = after["label"][closed], after["texture"][closed]
    table = np.zeros((len(Label) - 1, len(Texture)))
    np.add.at(table, (label, texture), 1)
    table = table[:, table.any(axis=0)]
    assert len(table[0]) == len(WEIGHTS)
    assert chi2_contingency(table).pvalue > 1e-3
    expected = np.array(list(WEIGHTS.values())) / sum(WEIGHTS.values())
    order = np.argsort(list(WEIGHTS))
    assert np.allclose(table.sum(axis=0) / table.sum(), expected[order], atol=0.01)
    for kind in np.unique(after["label"]):
        own = after["label"] == kind
        for channel in after["colour"].T:
            assert ks_2samp(channel[own], channel[~own]).pvalue > 1e-4
        for name in ("strength", "scale", "gloss"):
            values, mine = after[name][closed], label == kind
            assert ks_2samp(values[mine], values[~mine]).pvalue > 1e-4


def test_the_same_test_finds_real_textures_dependent(many):
    before, _ = many
    red = before["colour"][:, 0]
    road = before["label"] == Label.ROAD
    assert ks_2samp(red[road], red[~road]).pvalue < 1e-12


def test_crowns_are_plain_as_often_as_their_share(many):
    before, after = many
    crowns = after[before["texture"] == Texture.LEAVES]
    plain, foliage = WEIGHTS[Texture.PLAIN], WEIGHTS[Texture.FOLIAGE]
    assert (crowns["strength"] == 0).mean() == pytest.approx(plain / (plain + foliage), abs=0.05)


def test_the_parts_of_one_thing_differ():
    scene, new = redrawn(1)
    assert len(np.unique(new.solids["colour"], axis=0)) == len(scene.solids)


def test_data_set_of_random_textures():
    real = SceneDataset(2, "val", SIZE, seed=5)
    data = SceneDataset(2, "val", SIZE, seed=5, textures="random")
    for index in range(2):
        one, other = real[index], data[index]
        assert other.name == f"{one.name}-random-textures"
        assert torch.equal(one.labels, other.labels)
        assert (one.image - other.image).abs().mean() > 0.08
    again = SceneDataset(9, "val", SIZE, seed=5, textures="random")[1]
    assert torch.equal(again.image, data[1].image)


def test_splits_seeds_and_indices_share_no_texture():
    scenes = [
        SceneDataset(3, split, seed=seed, textures="random").scene(index)
        for split in ("train", "val", "test") for seed in (0, 1) for index in range(3)
    ]  # fmt: skip
    assert len({scene.solids["colour"][:50].tobytes() for scene in scenes}) == len(scenes)
    assert len({scene.air.zenith for scene in scenes}) == len(scenes)


def test_an_unknown_kind_of_textures_is_refused():
    with pytest.raises(InputError, match="textures is 'style'; expected one of real, random"):
        SceneDataset(1, textures="style")
