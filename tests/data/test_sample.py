import pytest
import torch

from art_segplugin.data.sample import Sample


def test_a_sample_may_have_no_labels():
    assert Sample("a", torch.zeros(3, 4, 5), None).labels is None


def test_the_image_as_a_whole_may_have_a_class():
    labels = torch.ones(1, 1).long()
    assert Sample("a", torch.zeros(3, 4, 5), labels).labels is labels


@pytest.mark.parametrize("image", [torch.zeros(4, 5), torch.zeros(3, 4, 5, dtype=torch.uint8)])
def test_other_images_are_refused(image):
    with pytest.raises(
        ValueError, match=r"image of sample 'a' .* expected float32 of shape \(channels, "
    ):
        Sample("a", image, None)


@pytest.mark.parametrize(
    "labels",
    [torch.zeros(5, 4).long(), torch.zeros(4, 5), torch.zeros(1, 1), torch.zeros(1).long()],
)
def test_other_labels_are_refused(labels):
    with pytest.raises(
        ValueError,
        match=r"labels of sample 'a' .* expected int64 of shape \(4, 5\), or \(1, 1\)",
    ):
        Sample("a", torch.zeros(3, 4, 5), labels)
