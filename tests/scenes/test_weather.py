from random import Random

import numpy as np
import pytest

from art_segplugin.scenes.layout import sample_sensor, sample_weather


@pytest.fixture(scope="module")
def days():
    return [sample_weather(Random(seed)) for seed in range(200)]


def test_light_and_air_are_possible(days):
    for light, air in days:
        assert min(light.sun) >= 0
        assert min(light.sky) > 0
        assert np.linalg.norm(light.direction) == pytest.approx(1)
        assert light.direction[2] > 0, "the sun is up"
        assert 0 < air.fog < 0.05
        assert all(0 <= part <= 1 for part in (*air.zenith, *air.horizon, air.wetness, air.night))


def test_all_kinds_of_days_occur(days):
    assert any(air.fog > 0.007 for _, air in days)
    assert any(air.wetness > 0 for _, air in days)
    assert any(air.night > 0 for _, air in days)
    assert any(max(light.sun) == 0 for light, _ in days)
    assert any(air.clouds < 0.2 and max(light.sun) > 1 for light, air in days)


def test_exposure_follows_the_light(days):
    for light, _ in days:
        sensor = sample_sensor(Random(0), light)
        assert 0.2 < max(sensor.gain) * (max(light.sky) + max(light.sun)) < 4
