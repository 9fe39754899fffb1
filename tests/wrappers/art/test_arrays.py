import numpy as np
import pytest
import torch

from art_segplugin.errors import InputError
from art_segplugin.wrappers.art.arrays import check_images, float_copy, from_images, to_images

CPU = torch.device("cpu")


@pytest.mark.parametrize("channels_first", [True, False])
@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor])
def test_there_and_back(channels_first, kind):
    x = kind(np.random.default_rng(0).random((2, 3, 4, 5), dtype=np.float32))
    images = to_images(x, CPU, channels_first=channels_first)
    assert images.is_contiguous()
    back = from_images(images, x, channels_first=channels_first)
    assert type(back) is type(x)
    assert (back == x).all()
    assert back.shape == x.shape


def test_types_of_floats():
    assert to_images(np.zeros((1, 3, 2, 2)), CPU, channels_first=True).dtype == torch.float32
    assert (
        to_images(np.zeros((1, 3, 2, 2), np.uint8), CPU, channels_first=True).dtype == torch.float32
    )
    double = torch.zeros(1, 3, 2, 2, dtype=torch.float64)
    assert to_images(double, CPU, channels_first=True).dtype == torch.float64
    assert float_copy(double).dtype == torch.float64
    assert float_copy(double.byte()).dtype == torch.float32
    assert float_copy(double.numpy()).dtype == np.float32


@pytest.mark.parametrize("data", [np.zeros(3, np.float32), torch.zeros(3)])
def test_a_copy_shares_nothing(data):
    copy = float_copy(data)
    copy += 1
    assert not data.any()


def test_a_single_image_is_refused():
    with pytest.raises(InputError, match=r"x has shape \(3, 4, 5\).*\(n, h, w, ch\)"):
        check_images(np.zeros((3, 4, 5)), channels_first=False)


@pytest.mark.parametrize("channels_first", [True, False])
@pytest.mark.parametrize(
    ("zeros", "dtype"),
    [
        (np.zeros, np.float32),
        (np.zeros, np.float64),
        (np.zeros, ">f4"),
        (torch.zeros, torch.float32),
        (torch.zeros, torch.float64),
    ],
)
def test_images_share_no_memory_with_what_was_given(channels_first, zeros, dtype):
    x = zeros((1, 2, 2, 2), dtype=dtype)
    to_images(x, CPU, channels_first=channels_first).add_(1)
    assert not x.any()


def test_read_only_and_reversed_arrays_are_taken():
    x = np.random.default_rng(0).random((2, 3, 4, 5), dtype=np.float32)[:, :, ::-1]
    x.flags.writeable = False
    assert np.array_equal(to_images(x, CPU, channels_first=True), x)


def test_the_graph_of_a_tensor_is_kept():
    x = torch.zeros(1, 3, 2, 2, requires_grad=True)
    to_images(x, CPU, channels_first=True).sum().backward()
    assert (x.grad == 1).all()
