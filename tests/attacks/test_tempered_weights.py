import math

import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from art_segplugin.attacks.segpgd import SegWeights
from art_segplugin.attacks.temperature_pgd import TemperedWeights
from art_segplugin.core.forward_pass import ForwardPass, fooled_pixels
from art_segplugin.core.losses import TemperedCrossEntropy
from art_segplugin.core.weightings import UNIFORM


def forward_pass(logits, labels, valid, *, step=0, steps=4, targeted=False):
    logits = logits.detach()
    return ForwardPass(
        step=step,
        steps=steps,
        labels=labels,
        valid=valid,
        fooled=fooled_pixels(logits, labels, valid, targeted=targeted),
        pixel_loss=logits.new_zeros(labels.shape),
        logits=logits,
    )


def random_pixels(seed, spread, classes=4, dtype=torch.float64):
    g = torch.Generator().manual_seed(seed)
    logits = spread * torch.randn(3, classes, 4, 5, generator=g, dtype=dtype)
    labels = torch.randint(0, classes, (3, 4, 5), generator=g)
    valid = torch.rand(labels.shape, generator=g) < 0.8
    valid[:, 0, 0] = True
    return logits.requires_grad_(True), labels.masked_fill(~valid, 0), valid


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 10_000),
    st.floats(0.1, 6),
    st.sampled_from([10.0, 2.0, 0.5, 0.1, 0.02]),
    st.sampled_from([None, "linear", 0.3]),
    st.booleans(),
)
def test_gradient_is_that_of_the_tempered_cross_entropy_up_to_a_factor_per_image(
    seed, spread, temperature, schedule, targeted
):
    logits, labels, valid = random_pixels(seed, spread)
    loss = TemperedCrossEntropy(temperature)
    base = UNIFORM if schedule is None else SegWeights(schedule)
    forward = forward_pass(logits, labels, valid, step=2, targeted=targeted)
    weights = TemperedWeights(loss, base)(forward)
    (ours,) = torch.autograd.grad(loss(logits, labels), logits, weights)
    counts = base(forward) * valid
    plain = F.cross_entropy(logits / temperature, labels, reduction="none")
    (exact,) = torch.autograd.grad(plain, logits, counts)
    wrong = counts * (
        1 - F.softmax(logits.detach() / temperature, 1).gather(1, labels[:, None])[:, 0]
    )
    largest = wrong.flatten(1).amax(1)
    for n in (largest > 1e-6).nonzero().flatten():  # 1 - p has no digits left below
        expected = exact[n] * (temperature / largest[n])
        torch.testing.assert_close(ours[n], expected, rtol=1e-6, atol=1e-7)


def test_weights_of_pixels_far_out_are_kept_in_proportion():
    """Log-odds of -1000 and -1001: both factors are 0 in float64, their ratio is e."""
    logits = torch.tensor([[1000.0, 1001.0, 1000.0, -9e4], [0.0, 0.0, 0.0, 0.0]])
    valid = torch.tensor([True, True, True, False]).view(1, 2, 2)  # the void pixel is wrong
    forward = forward_pass(logits.view(1, 2, 2, 2), torch.zeros(1, 2, 2, dtype=torch.long), valid)
    weights = TemperedWeights(TemperedCrossEntropy(1.0))(forward).flatten()
    torch.testing.assert_close(weights, torch.tensor([1.0, math.exp(-1), 1.0, 0.0]))


def test_no_weight_is_nan():
    logits, labels, valid = random_pixels(0, 2.0, dtype=torch.float32)
    logits = logits.detach()
    valid[0] = False
    logits[1, :, 1] = math.nan
    logits[2, :, 0, 0] = torch.tensor([math.inf, -math.inf, 0, 0])
    for base in (UNIFORM, SegWeights("linear"), SegWeights(0.0), SegWeights(1.0)):
        weights = TemperedWeights(TemperedCrossEntropy(0.02), base)(
            forward_pass(logits, labels, valid)
        )
        assert ((weights >= 0) & (weights <= 1)).all()
        assert not weights[0].any()
        assert not weights[1, 1].any()
        assert weights[1].max() == weights[2].max() == 1


def test_where_the_base_is_0_so_are_the_weights():
    logits, labels, valid = random_pixels(1, 2.0)
    forward = forward_pass(logits, labels, valid)
    fooled = forward.fooled
    weights = TemperedWeights(TemperedCrossEntropy(0.5), SegWeights("linear"))(forward)
    assert fooled.any()
    assert not weights[fooled].any()
    assert (weights[valid & ~fooled] > 0).all()
    forward.fooled = valid
    weights = TemperedWeights(TemperedCrossEntropy(0.5), SegWeights("linear"))(forward)
    assert torch.equal(weights, torch.zeros_like(weights))


def test_weights_begin_anew_with_their_base():
    class Counting:
        def __init__(self, calls=0):
            self.calls = calls

        def start(self):
            return Counting()

        def __call__(self, forward):
            self.calls += 1
            return torch.ones_like(forward.pixel_loss)

    used = TemperedWeights(TemperedCrossEntropy(0.5), Counting(7))
    assert used.start().base.calls == 0
