import pytest
import torch

from art_segplugin.cli.training import make_network
from art_segplugin.errors import InputError


def test_networks_by_name():
    name, options, module = make_network("resnet:width=8,stem_stride=1", 5, "classification")
    assert (name, options) == ("resnet", {"classes": 5, "width": 8, "stem_stride": 1})
    assert module(torch.rand(1, 3, 16, 16)).shape == (1, 5)
    assert make_network(None, 5, "segmentation")[0] == "small"


@pytest.mark.parametrize(
    ("spec", "task", "words"),
    [
        ("vgg", "classification", "the network is 'vgg'; for classification data give 'resnet'"),
        ("resnet", "segmentation", "for segmentation data give 'small'"),
        ("resnet:depth=3", "classification", "it has width, blocks, stem_stride: give"),
        ("resnet:width=4,foo=3", "classification", "'foo=3' is no option of the network 'resnet'"),
        ("", "classification", "the network is ''; for classification data give 'resnet'"),
        ("resnet:width=wide", "classification", "'width=wide' is no option of the network"),
        ("resnet:width=4.9", "classification", "'width=4.9' is no option"),
        ("resnet:width=nan", "classification", "'width=nan' is no option"),
        ("resnet:classes=3", "classification", "'classes=3' is no option"),
        ("resnet:width=0", "classification", "width is 0"),
    ],
)
def test_bad_networks_are_named(spec, task, words):
    with pytest.raises(InputError, match=words):
        make_network(spec, 5, task)
