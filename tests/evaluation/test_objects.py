import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings

from art_segplugin.errors import InputError
from art_segplugin.evaluation.regions import objects_by_size


def component_sizes(labels):
    """Area of the object of each pixel, by walking from neighbour to neighbour."""
    height, width = labels.shape
    areas = torch.zeros_like(labels)
    for start in range(height * width):
        origin = divmod(start, width)
        if areas[origin]:
            continue
        found, edge = {origin}, [origin]
        while edge:
            row, column = edge.pop()
            for r in range(max(row - 1, 0), min(row + 2, height)):
                for c in range(max(column - 1, 0), min(column + 2, width)):
                    if (r, c) not in found and labels[r, c] == labels[row, column]:
                        found.add((r, c))
                        edge.append((r, c))
        for pixel in found:
            areas[pixel] = len(found)
    return areas


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 8), st.integers(1, 8), st.floats(0.02, 0.9))
def test_objects_are_connected_components_corners_included(seed, height, width, small):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 4, (2, height, width), generator=generator)
    labels[labels == 3] = 255
    found_small, found_large = objects_by_size(labels, small, background=(1,))
    object_pixels = (labels != 255) & (labels != 1)
    areas = torch.stack([component_sizes(one) for one in labels])
    assert torch.equal(found_small, object_pixels & (areas < small * height * width))
    assert torch.equal(found_large, object_pixels & (areas >= small * height * width))


def test_an_object_of_exactly_the_share_is_large():
    labels = torch.full((1, 10, 10), 255)
    labels[0, 0, :5] = 0  # 5 of 100 pixels
    labels[0, 5, :4] = 0
    small, large = objects_by_size(labels, 0.05)
    assert large.sum() == 5
    assert small.sum() == 4


@pytest.mark.parametrize("small", [0, 1, -0.1, 5, float("nan")])
def test_no_share(small):
    with pytest.raises(InputError, match="give a share between 0 and 1"):
        objects_by_size(torch.zeros(1, 4, 4, dtype=torch.int64), small)
