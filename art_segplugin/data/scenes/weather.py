"""Light, sky and the camera's electronics for a kind of day."""

from random import Random

from art_segplugin.data.scenes.scene import Air, Light, Sensor

WEATHERS = {"clear": 5, "cloudy": 5, "overcast": 4, "fog": 2, "rain": 2, "dusk": 2}


def sample_weather(rng: Random) -> tuple[Light, Air]:
    """Draw a kind of day, then the light and air of such a day."""
    kind = rng.choices(tuple(WEATHERS), tuple(WEATHERS.values()))[0]
    azimuth, height = rng.uniform(0, 360), rng.uniform(22, 65)
    warm = rng.uniform(0.0, 0.12)
    sun, clouds, fog, wetness, night = 1.0, 0.25, 0.0008, 0.0, 0.0
    zenith = (0.3, 0.5, rng.uniform(0.75, 0.85))
    horizon = (0.78, 0.86, 0.93)
    sky = (0.62, 0.7, 0.82)
    if kind == "clear":
        clouds = rng.uniform(0.0, 0.35)
    elif kind == "cloudy":
        sun, clouds = rng.uniform(0.6, 0.95), rng.uniform(0.4, 0.7)
        horizon, fog = (0.82, 0.87, 0.9), 0.0015
    elif kind == "overcast":
        sun, clouds, fog = 0.0, rng.uniform(0.85, 1.1), 0.002
        zenith, horizon, sky = (0.68, 0.71, 0.75), (0.84, 0.86, 0.87), (1.0, 1.02, 1.06)
    elif kind == "fog":
        sun, clouds, fog = 0.0, 0.0, rng.uniform(0.008, 0.022)
        zenith, horizon, sky = (0.8, 0.82, 0.84), (0.82, 0.84, 0.85), (0.95, 0.97, 1.0)
    elif kind == "rain":
        sun, clouds, fog, wetness = 0.0, rng.uniform(0.9, 1.1), 0.005, rng.uniform(0.5, 1.0)
        zenith, horizon, sky = (0.55, 0.58, 0.62), (0.72, 0.74, 0.76), (0.72, 0.75, 0.8)
    else:
        sun, clouds, height, warm = 0.75, rng.uniform(0.2, 0.6), rng.uniform(6, 13), 0.42
        night = rng.uniform(0.4, 1.0)
        zenith, horizon, sky = (0.3, 0.38, 0.58), (0.9, 0.68, 0.5), (0.42, 0.44, 0.55)
    strength = 2.1 * sun
    sun_light = (
        strength * (1 + 0.3 * warm),
        strength * (0.96 - 0.6 * warm),
        strength * (0.9 - 1.2 * warm),
    )
    light = Light(azimuth, height, sun_light, sky)
    air = Air(zenith, horizon, clouds, rng.random(), fog, wetness, night)
    return light, air


def sample_sensor(rng: Random, light: Light) -> Sensor:
    """Draw a camera whose exposure roughly suits the light, as automatic exposure does."""
    lit = 0.55 * max(light.sun) * max(light.direction[2], 0.25) + 0.8 * max(light.sky)
    exposure = 0.95 / lit * rng.uniform(0.78, 1.25)
    tint, green = rng.uniform(-0.08, 0.08), rng.uniform(-0.03, 0.03)
    gain = (exposure * (1 + tint), exposure * (1 + green), exposure * (1 - tint))
    return Sensor(
        gain=gain,
        vignette=rng.uniform(0.0, 0.3),
        blur=rng.uniform(0.2, 0.6),
        noise=rng.uniform(1.0, 5.0),
        seed=rng.getrandbits(32),
    )
