import numpy as np
import pytest

from art_segplugin_gui.qt.panes.content import faded


@pytest.fixture
def pair(side_of):
    rng = np.random.default_rng(3)
    labels = np.zeros((20, 30), np.uint8)
    image = rng.integers(0, 256, (20, 30, 3)).astype(np.uint8)
    exact = image.transpose(2, 0, 1).astype(np.float32) / 255
    exact = np.clip(exact + rng.uniform(-0.2, 0.2, exact.shape).astype(np.float32), 0, 1)
    rounded = np.rint(exact * 255).astype(np.uint8).transpose(1, 2, 0)
    adversarial = side_of(labels, labels, np.ascontiguousarray(rounded), exact=exact)
    return side_of(labels, labels, image), adversarial


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.99, 1.2, 1.5])
def test_a_share_of_the_perturbation_is_added_and_clipped(pair, share):
    clean, adversarial = pair
    x = clean.image.astype(np.float64)
    exact = adversarial.exact.transpose(1, 2, 0).astype(np.float64) * 255
    expected = np.clip(x + share * (exact - x), 0, 255)
    assert np.abs(faded(clean, adversarial, share) - expected).max() <= 0.51


def test_the_ends_are_the_pictures_themselves(pair):
    clean, adversarial = pair
    assert faded(clean, adversarial, 0) is clean.image
    assert faded(clean, adversarial, 1) is adversarial.image


def test_a_side_without_an_exact_image_does_not_fade(pair):
    clean, _ = pair
    assert faded(clean, clean, 0.5) is clean.image
