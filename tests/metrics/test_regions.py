import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from art_segplugin.errors import InputError
from art_segplugin.metrics import boundary, foreground, interior


def label_maps(seed, height, width, classes=3):
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randint(0, classes, (2, height, width), generator=generator)
    labels = coarse[:, torch.arange(height) // 2][:, :, torch.arange(width) // 3]
    labels[torch.rand(labels.shape, generator=generator) < 0.15] = 255
    return labels


def by_loops(labels, width, ignore_index=255):
    n, height, length = labels.shape
    found = torch.zeros(labels.shape, dtype=torch.bool)
    for i in range(n):
        for r in range(height):
            for c in range(length):
                own = int(labels[i, r, c])
                near = labels[
                    i, max(r - width, 0) : r + width + 1, max(c - width, 0) : c + width + 1
                ]
                others = [v for v in near.flatten().tolist() if v not in (own, ignore_index)]
                found[i, r, c] = own != ignore_index and bool(others)
    return found


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 7), st.integers(1, 9), st.integers(0, 10))
def test_boundary_is_that_of_a_loop_over_the_pixels(seed, height, width, reach):
    labels = label_maps(seed, height, width)
    expected = by_loops(labels, reach)
    assert torch.equal(boundary(labels, reach), expected)
    assert torch.equal(interior(labels, reach), (labels != 255) & ~expected)


def test_a_straight_edge():
    labels = torch.zeros(1, 1, 8, dtype=torch.int64)
    labels[..., 4:] = 7
    assert boundary(labels, 1)[0, 0].long().tolist() == [0, 0, 0, 1, 1, 0, 0, 0]
    assert boundary(labels)[0, 0].long().tolist() == [0, 0, 1, 1, 1, 1, 0, 0]
    assert interior(labels)[0, 0].long().tolist() == [1, 1, 0, 0, 0, 0, 1, 1]
    labels[..., 3:5] = 255  # void in between: no class, yet it can be looked across
    assert not boundary(labels, 1).any()
    assert boundary(labels, 3)[0, 0].long().tolist() == [0, 0, 1, 0, 0, 1, 0, 0]


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32])
def test_any_integer_and_any_void(dtype):
    labels = label_maps(1, 6, 9)
    expected = boundary(labels)
    assert expected.any()
    assert torch.equal(boundary(labels.to(dtype)), expected)
    assert torch.equal(interior(labels.to(dtype)), interior(labels))
    assert torch.equal(foreground(labels.to(dtype), [1]), foreground(labels, [1]))
    other = labels.masked_fill(labels == 255, -1)
    assert torch.equal(boundary(other, ignore_index=-1), expected)
    assert torch.equal(foreground(other, {0}, ignore_index=-1), foreground(labels, {0}))
    # Not void with ignore_index -1, which 8-bit labels cannot hold.
    assert interior(labels.to(torch.uint8), 0, ignore_index=-1).all()


def test_large_class_numbers_are_told_apart():
    labels = torch.tensor([[[2**24, 2**24 + 1]]])
    assert boundary(labels, 1).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sets(st.integers(-1, 3)))
def test_foreground_is_all_but_background_and_void(seed, background):
    labels = label_maps(seed, 5, 6)
    expected = [[[v != 255 and v not in background for v in r] for r in i] for i in labels.tolist()]
    assert foreground(labels, background).tolist() == expected


def test_void_one_class_empty_and_one_pixel_images():
    void, one_class = torch.full((1, 4, 4), 255), torch.full((1, 4, 4), 2)
    for region in (boundary(void), interior(void), foreground(void, [0]), boundary(one_class)):
        assert region.dtype == torch.bool
        assert not region.any()
    assert interior(one_class).all()
    assert not foreground(one_class, [2]).any()
    pixel = torch.tensor([[[1]], [[255]]])  # the labels of a classifier
    assert not boundary(pixel).any()
    assert interior(pixel).flatten().tolist() == [True, False]
    for shape in ((0, 4, 4), (2, 0, 4)):
        nothing = torch.zeros(shape, dtype=torch.int64)
        assert boundary(nothing).shape == interior(nothing).shape == shape


def test_bad_input_is_named():
    labels = torch.zeros(1, 2, 2, dtype=torch.int64)
    for region in (boundary, interior, lambda y: foreground(y, [0])):
        for bad in (labels[0], labels.float(), labels > 0):
            with pytest.raises(InputError, match="labels are"):
                region(bad)
    for width in (-1, 1.5):
        with pytest.raises(InputError, match=f"width is {width}"):
            boundary(labels, width)
