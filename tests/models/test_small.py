import pytest
import torch

from art_segplugin.errors import InputError
from art_segplugin.models.small import SmallSegNet


def test_stays_within_the_parameter_budget():
    assert sum(p.numel() for p in SmallSegNet(21).parameters()) <= 900_000


@pytest.mark.parametrize("size", [(32, 32), (33, 61), (48, 40)])
@pytest.mark.parametrize("training", [True, False])
def test_logits_have_the_size_of_the_image(size, training):
    network = SmallSegNet(5, width=6).train(training)
    logits = network(torch.rand(2, 3, *size))
    assert logits.shape == (2, 5, *size)
    assert logits.isfinite().all()


def test_its_start_can_be_drawn_again():
    torch.manual_seed(0)
    network = SmallSegNet(3, width=6)
    drawn = [value.clone() for value in network.state_dict().values()]
    torch.manual_seed(0)
    network.reset_parameters()
    first = [value.clone() for value in network.state_dict().values()]
    network(torch.rand(2, 3, 32, 32))  # moves the running statistics
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 1
    torch.manual_seed(0)
    network.reset_parameters()
    again = network.state_dict().values()
    assert all(torch.equal(*pair) for pair in zip(first, again, strict=True))
    for one, other in zip(drawn, again, strict=True):
        if one.ndim == 4:
            torch.testing.assert_close(one.std(), other.std(), rtol=0.3, atol=0)
        else:
            assert torch.equal(one, other)


def test_every_pixel_reaches_the_logits():
    torch.manual_seed(0)
    network = SmallSegNet(3).eval()
    images = torch.rand(1, 3, 40, 56, requires_grad=True)
    (gradient,) = torch.autograd.grad(network(images).square().sum(), images)
    assert (gradient.abs().sum(1) > 0).all()


def test_a_one_pixel_line_moves_the_logits_most_where_it_stands():
    torch.manual_seed(0)
    network = SmallSegNet(3).eval()
    images = torch.rand(1, 3, 64, 64)
    changed = images.clone()
    changed[..., 40] = 1 - changed[..., 40]
    with torch.no_grad():
        difference = (network(changed) - network(images)).abs().sum((0, 1, 2))
    assert abs(int(difference.argmax()) - 40) <= 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": 0}, "classes is 0"),
        ({"classes": 3, "width": 10}, "width is 10"),
        ({"classes": 3, "width": 0}, "width is 0"),
    ],
)
def test_refuses_impossible_options(options, message):
    with pytest.raises(InputError, match=message):
        SmallSegNet(**options)


def test_refuses_images_it_cannot_reduce():
    with pytest.raises(InputError, match="31x64 pixels; SmallSegNet needs at least 32"):
        SmallSegNet(3, width=6)(torch.rand(1, 3, 31, 64))
