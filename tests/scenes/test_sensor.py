import numpy as np
import pytest

from art_segplugin.scenes.rendering import add_sensor_noise
from art_segplugin.scenes.scene import Sensor

GREY = np.full((64, 96, 3), 128, np.uint8)


def sensor(vignette=0.0, blur=0.0, noise=0.0, seed=0):
    return Sensor((1, 1, 1), vignette, blur, noise, seed)


def test_a_perfect_sensor_changes_nothing():
    np.testing.assert_array_equal(add_sensor_noise(GREY, sensor()), GREY)


def test_noise_has_its_strength_and_seed():
    noisy = add_sensor_noise(GREY, sensor(noise=4))
    assert noisy.astype(float).std() == pytest.approx(4.4, abs=0.7)
    np.testing.assert_array_equal(noisy, add_sensor_noise(GREY, sensor(noise=4)))
    assert (noisy != add_sensor_noise(GREY, sensor(noise=4, seed=1))).mean() > 0.5


def test_vignette_darkens_the_corners():
    shaded = add_sensor_noise(GREY, sensor(vignette=0.5))
    assert shaded[32, 48].tolist() == [128] * 3
    assert shaded[0, 0].tolist() == [64] * 3


def test_blur_spreads_a_point():
    point = np.zeros((720, 720, 3), np.uint8)
    point[360, 360] = 255
    blurred = add_sensor_noise(point, sensor(blur=0.5))
    assert 0 < blurred[360, 361, 0] < blurred[360, 360, 0] < 255
