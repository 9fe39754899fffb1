import numpy as np
import pytest

from art_segplugin.scenes.meshes import SIDES, unit_mesh
from art_segplugin.scenes.primitives import Shape

VOLUMES = {Shape.BLOCK: 8.0, Shape.CYLINDER: 2 * np.pi, Shape.ELLIPSOID: 4 / 3 * np.pi}


@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize("shape", Shape)
def test_meshes_are_closed_and_face_outwards(shape, sides):
    corners = unit_mesh(shape, sides)[:, :3].astype(np.float64).reshape(-1, 3, 3)
    # by the divergence theorem the volume is right only if every triangle is there and turned well
    volume = np.linalg.det(corners).sum() / 6
    assert volume == pytest.approx(VOLUMES[shape], rel=0.12 if sides < 12 else 0.03)
    flux = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]).sum(axis=0)
    np.testing.assert_allclose(flux, 0, atol=1e-5)


@pytest.mark.parametrize("shape", Shape)
def test_gradients_point_outwards(shape):
    mesh = unit_mesh(shape, SIDES[0])
    assert ((mesh[:, :3] * mesh[:, 3:]).sum(axis=1) > 0.9).all()
