"""Models that return more than one tensor that may be the logits."""

import warnings
from collections import OrderedDict, namedtuple
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from art_segplugin.errors import InputError
from art_segplugin.models import Segmenter
from art_segplugin.models.outputs import pixel_logits

AUX, MAIN = torch.randn(2, 5, 6, 8), torch.randn(2, 5, 6, 8)
FEATURES = torch.randn(2, 64, 3, 4)
Pair = namedtuple("Pair", ["features", "prediction"])


@dataclass
class Result:
    features: Tensor
    prediction: Tensor


@pytest.mark.parametrize("classes", [None, 5])
@pytest.mark.parametrize(
    ("output", "places"),
    [
        ([AUX, MAIN], [r"r\[0\] \(2, 5, 6, 8\)", r"r\[1\]"]),
        ((MAIN, AUX), [r"r\[0\]", r"output=lambda r: r\[1\]"]),
        ({"out": [AUX, MAIN]}, [r"r\['out'\]\[0\]", r"lambda r: r\['out'\]\[1\]"]),
        ({"seg": AUX, "deep": {"seg": MAIN}}, [r"r\['seg'\]", r"lambda r: r\['deep'\]\['seg'\]"]),
        (Result(AUX, MAIN), [r"a Result with 2 tensors", r"lambda r: r\.prediction"]),
        (Pair(AUX, MAIN), [r"a Pair with 2 tensors", r"lambda r: r\.prediction"]),
    ],
    ids=["list", "tuple", "out", "nested", "dataclass", "namedtuple"],
)
def test_what_may_be_either_is_refused_and_the_way_to_say_it_named(output, places, classes):
    with pytest.raises(InputError) as caught:
        pixel_logits(output, (6, 8), classes)
    for place in places:
        assert caught.match(place)


@pytest.mark.parametrize(
    ("output", "place"),
    [
        ([FEATURES, MAIN], r"r[1]"),
        ((MAIN, (FEATURES, FEATURES * 2)), "r[0]"),
        (OrderedDict(features=FEATURES, seg=MAIN), "r['seg']"),
        ({"seg": MAIN}, "r['seg']"),
        (Result(FEATURES, MAIN), "r.prediction"),
        (Pair(FEATURES, MAIN), "r.prediction"),
        ([MAIN, FEATURES[:, :1]], "r[0]"),
    ],
    ids=["list", "nested", "dict", "alone", "dataclass", "namedtuple", "edges"],
)
def test_the_number_of_classes_decides_and_it_is_said(output, place):
    with pytest.warns(UserWarning, match="was taken for the logits") as caught:
        assert pixel_logits(output, (6, 8), 5) is MAIN
    assert f"output=lambda r: {place} to" in str(caught[0].message)
    with pytest.raises(InputError):
        pixel_logits(output, (6, 8), 7)


def test_one_tensor_twice_is_one():
    assert pixel_logits([MAIN, MAIN], (6, 8)) is MAIN


def test_a_segmenter_decides_by_its_classes():
    """The auxiliary head sees other classes; the right head decides the prediction."""

    class Deep(nn.Module):
        def __init__(self):
            super().__init__()
            self.aux, self.main = nn.Conv2d(3, 9, 1), nn.Conv2d(3, 4, 1)

        def forward(self, x):
            return [self.aux(x), self.main(x)]

    torch.manual_seed(0)
    model, images = Deep(), torch.rand(2, 3, 6, 8)
    with pytest.warns(UserWarning, match=r"r\[1\] was taken"):
        assert torch.equal(Segmenter(model, classes=4)(images), model.main(images))
    with pytest.raises(
        InputError, match=r"2 tensors .* r\[0\] \(2, 9, 6, 8\), r\[1\] \(2, 4, 6, 8\)"
    ):
        Segmenter(model).validate(images)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        told = Segmenter(model, output=lambda r: r[1]).validate(images)
    assert torch.equal(told(images), model.main(images))
    with pytest.raises(InputError, match="2 tensors"):  # 4 of the 9 would be chosen too
        Segmenter(model, classes=4, channels=slice(0, 4))(images)


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (torch.randn(2, 6, 8, 5), r"classes come last: .* r\.permute\(0, 3, 1, 2\)"),
        (torch.randn(2, 5, 8, 6), r"exchanged: .* r\.mT"),
        (MAIN.argmax(1, keepdim=True), "torch.int64.*before the argmax"),
        (MAIN > 0, "torch.bool.*before the argmax"),
        (torch.complex(MAIN, AUX), "complex64.*real part"),
        (MAIN[0], r"shape \(5, 6, 8\).*unsqueeze\(1\).*unsqueeze\(0\)"),
        ({"a": 1}, r"mapping with 'a'.*r\['\.\.\.'\]"),
    ],
)
def test_what_would_be_enlarged_to_nonsense_is_refused(output, words):
    with pytest.raises(InputError, match=words):
        pixel_logits(output, (6, 8))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_becomes_single(dtype):
    assert pixel_logits(MAIN.to(dtype), (12, 16)).dtype == torch.float32
    assert pixel_logits(MAIN.double(), (12, 16)).dtype == torch.float64


def test_a_forward_writes_nothing_to_the_segmenter(monkeypatch):
    """Threads may share it; that the choice was said is kept elsewhere."""
    model = Segmenter(lambda images: [images, images[:, :2]], classes=2).eval()
    written = []
    monkeypatch.setattr(nn.Module, "__setattr__", lambda module, name, value: written.append(name))
    with pytest.warns(UserWarning, match=r"r\[1\] was taken for the logits") as told:
        model(torch.rand(3, 3, 4, 4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model(torch.rand(3, 3, 4, 4))
    assert len(told) == 1
    assert written == []


@pytest.mark.parametrize("channels", [slice(7, 9), slice(3, 6), slice(2, 2)])
def test_channels_that_the_model_has_not_are_refused(channels):
    model = Segmenter(nn.Conv2d(3, 5, 1), channels=channels)
    with pytest.raises(InputError, match="the model gives 5 channels: give a slice within them"):
        model(torch.rand(1, 3, 4, 4))


@pytest.mark.parametrize("channels", [slice(0, 5), slice(-2, None), slice(None, -1), slice(None)])
def test_channels_within_the_model(channels):
    network = nn.Conv2d(3, 5, 1)
    images = torch.rand(1, 3, 4, 4)
    assert torch.equal(Segmenter(network, channels=channels)(images), network(images)[:, channels])
