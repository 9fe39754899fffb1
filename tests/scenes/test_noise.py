import numpy as np

from art_segplugin.scenes.noise import SIDE, noise_tile, sample_noise


def test_texel_centres_give_the_tile():
    row, column = np.mgrid[:SIDE, :SIDE]
    centres = (np.stack([column, row], axis=-1) + 0.5) / SIDE
    np.testing.assert_allclose(sample_noise(centres), noise_tile() / 255, atol=1e-6)


def test_the_tile_repeats():
    at = np.random.default_rng(0).uniform(-2, 2, (50, 2))
    np.testing.assert_allclose(sample_noise(at), sample_noise(at + np.array([3, -5])), atol=1e-5)


def test_no_seam():
    tile = noise_tile().astype(int)
    inside = np.abs(np.diff(tile, axis=0)).max()
    assert np.abs(tile[0] - tile[-1]).max() <= inside


def test_both_channels_vary_around_the_middle():
    tile = noise_tile() / 255
    np.testing.assert_allclose(tile.mean((0, 1)), 0.5, atol=0.02)
    assert (tile.std((0, 1)) > 0.15).all()
