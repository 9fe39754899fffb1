import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from art_segplugin.scenes.camera import Camera

angles = st.floats(-80, 80)
cameras = st.builds(
    Camera,
    st.tuples(st.floats(-9, 9), st.floats(-9, 9), st.floats(0, 9)),
    yaw=st.floats(-180, 180), pitch=angles, roll=angles, fov=st.floats(20, 100),
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(cameras)
def test_axes_are_a_right_handed_frame(camera):
    right, up, forward = camera.axes()
    np.testing.assert_allclose(camera.axes() @ camera.axes().T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(np.cross(right, up), -forward, atol=1e-12)


def test_directions():
    right, up, forward = Camera((0, 0, 0)).axes()
    np.testing.assert_allclose([right, up, forward], [[0, -1, 0], [0, 0, 1], [1, 0, 0]], atol=1e-12)
    assert Camera((0, 0, 0), yaw=90).axes()[2] @ (0, 1, 0) == pytest.approx(1)
    assert Camera((0, 0, 0), pitch=90).axes()[2] @ (0, 0, 1) == pytest.approx(1)
    assert Camera((0, 0, 0), roll=90).axes()[1] @ (0, -1, 0) == pytest.approx(1)


@settings(max_examples=40, deadline=None)
@given(cameras, st.floats(1, 100), st.integers(0, 5), st.integers(0, 7))
def test_a_point_on_a_ray_projects_to_its_pixel(camera, distance, row, column):
    size = (6, 8)
    point = np.array(camera.position) + distance * camera.rays(size)[row, column]
    x, y, z, w = camera.projection(size, 0.1, 500) @ np.append(point, 1)
    assert (x / w + 1) * 4 == pytest.approx(column + 0.5, abs=1e-3)
    assert (y / w + 1) * 3 == pytest.approx(row + 0.5, abs=1e-3)
    assert -1 <= z / w <= 1


def test_impossible_fields_of_view_are_refused():
    with pytest.raises(ValueError, match=r"fov is 0 degrees; expected 1\.\.150"):
        Camera((0, 0, 0), fov=0)
