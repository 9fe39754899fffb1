import copy
import math
import pickle

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from art_segplugin.errors import InputError
from art_segplugin.heads import HypersphereConv2d, HypersphereLinear, hypersphere_head

GEOMETRIES = [
    {"kernel_size": 1},
    {"kernel_size": 1, "stride": 2, "padding": 1},
    {"kernel_size": 3, "padding": 1},
    {"kernel_size": (3, 2), "stride": (2, 1), "padding": (0, 2), "dilation": (1, 3)},
    {"kernel_size": 3, "padding": "same", "dilation": 2},
    {"kernel_size": 2, "padding": "same"},
    {"kernel_size": 3, "padding": 1, "padding_mode": "reflect"},
    {"kernel_size": 3, "padding": (1, 2), "padding_mode": "replicate"},
]


def by_angles(features, weight, scale):
    """Straight from the definition, one vector at a time, in Python's floats."""
    rows = []
    for z in features.flatten(0, -2).tolist():
        length = math.sqrt(math.fsum(v * v for v in z))
        for w in weight.tolist():
            dot = math.fsum(a * b for a, b in zip(z, w, strict=True))
            product = length * math.sqrt(math.fsum(v * v for v in w))
            rows.append(scale * dot / product if product else 0.0)  # nothing but padding
    return torch.tensor(rows, dtype=torch.float64).view(*features.shape[:-1], len(weight))


def patches(features, head):
    """Every patch that the kernel covers as a vector: (n, h', w', length)."""
    padding = head._reversed_padding_repeated_twice
    mode = "constant" if head.padding_mode == "zeros" else head.padding_mode
    padded = F.pad(features, padding, mode)
    (kh, kw), (sh, sw), (dh, dw) = head.kernel_size, head.stride, head.dilation
    rows = range(0, padded.shape[2] - dh * (kh - 1), sh)
    columns = range(0, padded.shape[3] - dw * (kw - 1), sw)
    cut = [
        [
            padded[:, :, y : y + dh * (kh - 1) + 1 : dh, x : x + dw * (kw - 1) + 1 : dw].flatten(1)
            for x in columns
        ]
        for y in rows
    ]
    return torch.stack([torch.stack(row, 1) for row in cut], 1)


@pytest.mark.parametrize("shape", [(5,), (4, 5), (2, 3, 4, 5)])
def test_linear_is_the_cosine_of_the_angle(shape):
    torch.manual_seed(0)
    head = HypersphereLinear(5, 3, scale=7.5)
    features = torch.randn(shape)
    expected = by_angles(features.view(-1, shape[-1]), head.weight, 7.5).view(*shape[:-1], 3)
    torch.testing.assert_close(head(features).double(), expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(head.cosines(head(features)) * 7.5, head(features))


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("channels_last", [True, False])
def test_convolution_is_the_cosine_of_every_patch(geometry, channels_last):
    torch.manual_seed(0)
    head = HypersphereConv2d(4, 3, **geometry, scale=2.0)
    features = torch.randn(2, 4, 7, 8)
    expected = by_angles(patches(features, head), head.weight.flatten(1), 2.0).permute(0, 3, 1, 2)
    if channels_last:
        features = features.to(memory_format=torch.channels_last)
    torch.testing.assert_close(head(features).double(), expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(head(features[0]).double(), expected[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_gradients_of_the_convolution(geometry):
    torch.manual_seed(0)
    head = HypersphereConv2d(2, 3, **geometry, dtype=torch.float64)
    features = torch.randn(1, 2, 5, 5, dtype=torch.float64, requires_grad=True)

    def logits(features, weight):
        return torch.func.functional_call(head, {"weight": weight}, features)

    assert torch.autograd.gradcheck(logits, (features, head.weight), fast_mode=True)


def test_gradients_of_the_linear_layer():
    torch.manual_seed(0)
    head = HypersphereLinear(4, 3, dtype=torch.float64)
    features = torch.randn(2, 4, dtype=torch.float64, requires_grad=True)

    def logits(features, weight):
        return torch.func.functional_call(head, {"weight": weight}, features)

    assert torch.autograd.gradcheck(logits, (features, head.weight))
    assert torch.autograd.gradgradcheck(logits, (features, head.weight))
    # Lengths do not count, so that no gradient points along a vector itself.
    by_features, by_weight = torch.autograd.grad(
        logits(features, head.weight)[:, 0].sum(), (features, head.weight)
    )
    assert by_features.abs().max() > 0.1
    assert (by_features * features).sum(1).abs().max() < 1e-9
    assert (by_weight * head.weight).sum(1).abs().max() < 1e-9


@given(
    seed=st.integers(0, 2**31),
    kernel=st.sampled_from([1, 3]),
    features_by=st.floats(1e-6, 1e6),
    weights_by=st.lists(st.floats(1e-6, 1e6), min_size=3, max_size=3),
    scale=st.floats(0.5, 1000),
)
@settings(deadline=None, max_examples=40)
def test_only_directions_count(seed, kernel, features_by, weights_by, scale):
    torch.manual_seed(seed)
    conv = HypersphereConv2d(5, 3, kernel, scale=scale)
    linear = HypersphereLinear(5, 3, scale=scale)
    factors = torch.tensor(weights_by)
    for head, features in ((conv, torch.randn(2, 5, 4, 4)), (linear, torch.randn(6, 5))):
        before = head(features)
        assert before.abs().max() <= scale * (1 + 1e-5)
        with torch.no_grad():
            head.weight *= factors.view(-1, *[1] * (head.weight.ndim - 1))
        after = head(features_by * features)
        torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-5 * scale)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("kernel", [None, 1, 3])
def test_features_without_a_direction(dtype, kernel):
    torch.manual_seed(0)
    if kernel is None:
        head, features = HypersphereLinear(4, 3, 1000.0), torch.zeros(2, 4)
    else:
        head, features = HypersphereConv2d(4, 3, kernel, scale=1000.0), torch.zeros(2, 4, 5, 5)
    head, features = head.to(dtype), features.to(dtype).requires_grad_()
    logits = head(features)
    assert logits.dtype == dtype
    assert not logits.any()
    by_features, by_weight = torch.autograd.grad(logits.sum(), (features, head.weight))
    assert not by_features.any()
    assert not by_weight.any()


def test_weights_without_a_direction():
    head = HypersphereLinear(4, 3)
    nn.init.zeros_(head.weight)
    features = torch.randn(2, 4, requires_grad=True)
    gradients = torch.autograd.grad(head(features).sum(), (features, head.weight))
    assert not any(gradient.any() for gradient in gradients)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("kernel", [None, 1, 3])
@pytest.mark.parametrize("length", [1.0, 200.0])
def test_half_precision(dtype, kernel, length):
    """Squares of 200 overflow in float16, so that the lengths must be taken in float32."""
    torch.manual_seed(0)
    if kernel is None:
        head, features = HypersphereLinear(64, 3), length * torch.randn(8, 64)
    else:
        head, features = HypersphereConv2d(64, 3, kernel), length * torch.randn(2, 64, 4, 4)
    features.requires_grad_()
    exact = head(features)
    # Projections are rounded to 8 or 11 bits: at most a few hundredths of s = 15.
    tolerance = {"rtol": 0.02, "atol": 0.06}
    with torch.autocast("cpu", dtype):
        mixed = head(features)
    assert mixed.dtype == dtype
    torch.testing.assert_close(mixed.float(), exact, **tolerance)
    wanted = torch.autograd.grad(exact.square().sum(), features)[0]
    found = torch.autograd.grad(mixed.float().square().sum(), features)[0]
    assert F.cosine_similarity(found.flatten(), wanted.flatten(), dim=0) > 0.999
    half = copy.deepcopy(head).to(dtype)(features.detach().to(dtype))
    torch.testing.assert_close(half.float(), exact, **tolerance)


def test_copies_pickles_and_weights():
    torch.manual_seed(0)
    features = torch.randn(2, 4, 3, 3)
    head = HypersphereConv2d(4, 3, 1, scale=9.0)
    for twin in (copy.deepcopy(head), pickle.loads(pickle.dumps(head))):
        assert torch.equal(twin(features), head(features))
        assert twin.scale == 9.0
    other = HypersphereConv2d(4, 3, 1, scale=9.0)
    assert list(head.state_dict()) == ["weight"]
    other.load_state_dict(nn.Conv2d(4, 3, 1, bias=False).state_dict())
    assert not torch.equal(other(features), head(features))
    other.load_state_dict(head.state_dict())
    assert torch.equal(other(features), head(features))


def test_heads_print_what_they_are():
    assert repr(HypersphereLinear(4, 3)) == "HypersphereLinear(4, 3, scale=15)"
    printed = repr(HypersphereConv2d(4, 3, 3, padding=1, scale=2.5))
    assert printed.startswith("HypersphereConv2d(4, 3, kernel_size=(3, 3)")
    assert printed.endswith("scale=2.5)")


def test_finding_the_head():
    head = HypersphereLinear(4, 3)
    assert hypersphere_head(nn.Sequential(nn.Linear(4, 4), nn.Sequential(head))) is head
    assert hypersphere_head(head) is head
    assert hypersphere_head(nn.Linear(4, 3)) is None


@pytest.mark.parametrize("scale", [0, -1.0, 1.1e4, math.inf, math.nan, "15", True, None])
def test_refuses_other_scales(scale):
    with pytest.raises(InputError, match=r"scale is .*; give a finite number > 0"):
        HypersphereLinear(4, 3, scale)
    with pytest.raises(InputError, match=r"scale is .*; give a finite number > 0"):
        HypersphereConv2d(4, 3, 1, scale=scale)
