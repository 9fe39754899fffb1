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


@pytest.mark.parametrize("shape", [(1, H, W), (H, W), (1, 1, H, W), (CH, H, W), (1, CH, H, W)])
def test_forms_with_one_mask_for_all(shape):
    one = np.broadcast_to(PIXELS[0], shape)
    result = pixel_mask(one, X, channels_first=True)
    assert np.array_equal(result, np.stack([PIXELS[0]] * N))


def test_channels_last():
    x = X.transpose(0, 2, 3, 1)
    like_x = np.repeat(PIXELS[..., None], CH, -1)
    for mask in (like_x, like_x[..., :1], PIXELS):
        assert np.array_equal(pixel_mask(mask, x, channels_first=False), PIXELS)


def test_shapes_that_broadcast():
    columns = np.arange(W) % 2 == 0
    expected = np.broadcast_to(columns, (N, H, W))
    for shape in ((1, W), (1, 1, W), (N, 1, W), (N, 1, 1, W), (1, 1, 1, W), (N, CH, 1, W)):
        mask = np.broadcast_to(columns, shape)
        assert np.array_equal(pixel_mask(mask, X, channels_first=True), expected)


@pytest.mark.parametrize("shape", [(H, W, 1), (H, W, CH), (1, H, W, 1), (1, H, W, CH)])
def test_one_image_for_all_with_channels_last(shape):
    one = np.broadcast_to(PIXELS[0][..., None], shape)
    result = pixel_mask(one, X.transpose(0, 2, 3, 1), channels_first=False)
    assert np.array_equal(result, np.stack([PIXELS[0]] * N))


def test_as_many_images_as_channels_must_be_told_apart():
    x = np.zeros((CH, CH, H, W), np.float32)
    maps = np.random.default_rng(1).random((CH, H, W)) < 0.5
    with pytest.raises(InputError, match=r"give it as \(3, 1, 4, 5\) or \(1, 3, 4, 5\)"):
        pixel_mask(maps, x, channels_first=True)
    assert np.array_equal(pixel_mask(maps[:, None], x, channels_first=True), maps)
    same = np.stack([maps[0]] * CH)  # both readings say the same
    assert np.array_equal(pixel_mask(same, x, channels_first=True), same)


@pytest.mark.parametrize("mask", [np.ones((N, CH, H, W)), np.ones((CH, H, W))])
def test_channels_that_differ_are_refused(mask):
    mask[..., 0, 0, 0] = 0
    with pytest.raises(InputError, match="differs between channels"):
        pixel_mask(mask, X, channels_first=True)


@pytest.mark.parametrize("shape", [(N + 2, H, W), (N, W, H), (N, 2, H, W), (H,), (1, N, CH, H, W)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(InputError, match="the mask has shape"):
        pixel_mask(np.ones(shape), X, channels_first=True)


@pytest.mark.parametrize("value", [-1, np.nan])
def test_values_that_say_neither_yes_nor_no_are_refused(value):
    with pytest.raises(InputError, match="not >= 0"):
        pixel_mask(np.full((N, H, W), value), X, channels_first=True)
