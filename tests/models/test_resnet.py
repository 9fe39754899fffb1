import pytest
import torch

from art_segplugin.errors import InputError
from art_segplugin.models.resnet import SmallResNet


@pytest.mark.parametrize("options", [{}, {"width": 4, "blocks": 1, "stem_stride": 1}])
@pytest.mark.parametrize("size", [(32, 32), (28, 28), (9, 17)])
def test_one_logit_a_class(options, size):
    network = SmallResNet(5, **options)
    logits = network(torch.rand(2, 3, *size))
    assert logits.shape == (2, 5)
    assert logits.isfinite().all()
    logits.sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_no_strided_convolution_of_one_pixel():
    """Its backward pass breaks the process on CPUs where there are few channels."""
    for module in SmallResNet(10, width=4).modules():
        if isinstance(module, torch.nn.Conv2d) and module.kernel_size == (1, 1):
            assert module.stride == (1, 1)


def test_its_size():
    assert sum(p.numel() for p in SmallResNet(10).parameters()) == 696_618
    # Doubled width, full resolution: about the 2.8 million parameters of a ResNet-18 without its
    # fourth stage.
    full = SmallResNet(10, width=64, stem_stride=1)
    assert sum(p.numel() for p in full.parameters()) == 2_777_674


def test_each_block_starts_as_its_shortcut():
    torch.manual_seed(0)
    block = SmallResNet(3, width=4).stages[1].eval()  # the second block of the first stage
    x = torch.rand(2, 4, 6, 6)
    assert torch.equal(block(x), x)


@pytest.mark.parametrize(
    "options", [{"classes": 1}, {"width": 0}, {"blocks": 0}, {"stem_stride": 0}]
)
def test_bad_options_are_named(options):
    ((name, value),) = options.items()
    with pytest.raises(InputError, match=f"{name} is {value}; expected at least"):
        SmallResNet(**{"classes": 3} | options)
