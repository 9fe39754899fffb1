import numpy as np
import pytest
import torch

from art_segplugin.errors import InputError
from art_segplugin.wrappers.art.masks import pixel_mask

N, CH, H, W = 2, 3, 4, 5
X = np.zeros((N, CH, H, W), np.float32)
PIXELS = np.random.default_rng(0).random((N, H, W)) < 0.5


@pytest.mark.parametrize("dtype", [bool, np.float32, np.int64])
@pytest.mark.parametrize(
    "shaped",
    [lambda m: m, lambda m: m[:, None], lambda m: np.repeat(m[:, None], CH, 1), torch.from_numpy],
    ids=["(n,h,w)", "(n,1,h,w)", "like x", "tensor"],
)
def test_forms_with_one_mask_per_image(shaped, dtype):
    result = pixel_mask(shaped(PIXELS.astype(dtype)), X, channels_first=True)
    assert result.dtype == torch.bool
    assert np.array_equal(result, PIXELS)


@pytest.mark.parametrize("shape", [(1, H, W), (H, W), (1, 1, H, W), (1, CH, H, W)])
def test_forms_with_one_mask_for_all(shape):
    one = np.broadcast_to(PIXELS[0], shape)
    result = pixel_mask(one, X, channels_first=True)
    assert np.array_equal(result, np.stack([PIXELS[0]] * N))


def test_channels_last():
    x = X.transpose(0, 2, 3, 1)
    like_x = np.repeat(PIXELS[..., None], CH, -1)
    for mask in (like_x, like_x[..., :1], PIXELS):
        assert np.array_equal(pixel_mask(mask, x, channels_first=False), PIXELS)


def test_channels_that_differ_are_refused():
    mask = np.ones_like(X)
    mask[0, 0, 0, 0] = 0
    with pytest.raises(InputError, match="differs between channels"):
        pixel_mask(mask, X, channels_first=True)


@pytest.mark.parametrize("shape", [(N + 1, H, W), (N, W, H), (N, 2, H, W), (H,)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(InputError, match="the mask has shape"):
        pixel_mask(np.ones(shape), X, channels_first=True)


def test_negative_values_are_refused():
    with pytest.raises(InputError, match="negative"):
        pixel_mask(-np.ones((N, H, W)), X, channels_first=True)
