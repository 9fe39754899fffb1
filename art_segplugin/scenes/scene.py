"""What a scene is: solids, light, air, and the camera and sensor that look at it."""

from dataclasses import dataclass, replace

import numpy as np

from art_segplugin.scenes.camera import Camera
from art_segplugin.scenes.primitives import Primitives, Vector


@dataclass(frozen=True)
class Light:
    """Sun and sky light.

    Attributes:
        azimuth: Direction towards the sun in degrees, counter-clockwise from the street axis.
        height: Height of the sun over the horizon in degrees.
        sun: RGB strength of the direct light, 0 under an overcast sky.
        sky: RGB strength of the light from all sides.
    """

    azimuth: float
    height: float
    sun: Vector
    sky: Vector

    @property
    def direction(self) -> Vector:
        """Unit vector from the ground towards the sun."""
        azimuth, height = np.deg2rad([self.azimuth, self.height])
        return (
            float(np.cos(azimuth) * np.cos(height)),
            float(np.sin(azimuth) * np.cos(height)),
            float(np.sin(height)),
        )


@dataclass(frozen=True)
class Air:
    """Sky and weather.

    Attributes:
        zenith: sRGB colour of the sky overhead, 0..1.
        horizon: sRGB colour of the sky at the horizon; distant things fade into it.
        clouds: Share of the sky under clouds, 0..1.
        cloud_shift: Where in the endless cloud pattern the sky lies, 0..1.
        fog: Extinction in 1/m; 0.001 is a clear day, 0.03 thick fog.
        wetness: 0 dry .. 1 mirroring asphalt.
        night: 0 day .. 1 lamps and windows lit.
    """

    zenith: Vector
    horizon: Vector
    clouds: float
    cloud_shift: float
    fog: float
    wetness: float
    night: float


@dataclass(frozen=True)
class Sensor:
    """What the camera electronics do to an image.

    Attributes:
        gain: RGB factors on the light: exposure times white balance.
        vignette: Loss of light in the corners, 0..1.
        blur: Standard deviation of the lens blur in pixels of a 360-line image.
        noise: Standard deviation of the noise in levels of 255.
        seed: Seed of the noise.
    """

    gain: Vector
    vignette: float
    blur: float
    noise: float
    seed: int


@dataclass(frozen=True, eq=False)
class Scene:
    """A street, frozen at one instant.

    Attributes:
        solids: Array of `PRIMITIVE` records of shape (n,).
        light: Sun and sky light.
        air: Sky and weather.
        sensor: Noise, blur and gain of the camera.
        camera: The view the scene was made for; any other may be rendered.
    """

    solids: Primitives
    light: Light
    air: Air
    sensor: Sensor
    camera: Camera

    def at(self, seconds: float) -> "Scene":
        """Return the scene with everything that moves at another time."""
        solids = self.solids.copy()
        solids["centre"][:, :2] += np.float32(seconds) * solids["velocity"]
        return replace(self, solids=solids)
