"""The losses that segmentation attacks are made of, against their equations written out."""

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import tiny_problem

from art_segplugin.attacks import (
    js_pgd,
    mce_bal_pgd,
    mce_pgd,
    named,
    pgd,
    spherical_pgd,
    tsallis_pgd,
)
from art_segplugin.attacks.mce import BalancedWeights
from art_segplugin.attacks.tsallis_pgd import TsallisWeights
from art_segplugin.core.losses import jensen_shannon, spherical
from art_segplugin.errors import InputError

EPS, STEP, STEPS = 0.05, 0.01, 12


def outputs(scale=4.0, n=2, classes=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = scale * torch.randn(n, classes, 6, 7, generator=generator, dtype=torch.float64)
    return logits.requires_grad_(), torch.randint(classes, (n, 6, 7), generator=generator)


def one_hot(labels, classes):
    return F.one_hot(labels, classes).movedim(3, 1).double()


def straight_js(logits, labels):
    """The mean of both divergences from the mixture, class by class."""
    p, e = logits.softmax(1), one_hot(labels, logits.shape[1])
    m = (p + e) / 2
    to_label = (e * -m.log()).sum(1)  # e log e is 0
    return ((p * (p / m).log()).sum(1) + to_label) / 2


def straight_tsallis(logits, labels, q):
    p = logits.softmax(1).gather(1, labels.unsqueeze(1)).squeeze(1)
    return -p.log() if q == 1 else (1 - p ** (1 - q)) / (1 - q)


def gradient(loss, logits):
    return torch.autograd.grad(loss.sum(), logits)[0]


# Jensen-Shannon


def test_jensen_shannon_is_the_mean_of_two_divergences():
    logits, labels = outputs()
    found, expected = jensen_shannon(logits, labels), straight_js(logits, labels)
    torch.testing.assert_close(found, expected, atol=1e-12, rtol=1e-12)
    torch.testing.assert_close(
        gradient(found, logits), gradient(expected, logits), atol=1e-12, rtol=1e-9
    )


def test_its_gradient_is_that_of_the_paper():
    logits, labels = outputs()
    p, e = logits.softmax(1), one_hot(labels, 5)
    of_label = (p * e).sum(1, keepdim=True)
    expected = 0.5 * of_label * (of_label / (1 + of_label)).log() * (e - p)
    torch.testing.assert_close(
        gradient(jensen_shannon(logits, labels), logits), expected.detach(), atol=1e-14, rtol=1e-9
    )


@settings(max_examples=80, deadline=None)
@given(st.floats(-300, 300), st.lists(st.floats(-5, 5), min_size=1, max_size=4))
def test_in_float32_it_is_bounded_and_as_exact_as_the_cross_entropy(ahead, others):
    """The label's logit is ahead by anything from -300 to 300."""
    exact = torch.tensor([ahead, *others], dtype=torch.float64).view(1, -1, 1, 1)
    rough, label = exact.float(), torch.zeros(1, 1, 1, dtype=torch.long)
    exact, rough = (logits.double().to(logits.dtype) for logits in (rough.double(), rough))
    for logits in (exact, rough):
        logits.requires_grad_()
    value, expected = jensen_shannon(rough, label), jensen_shannon(exact, label)
    assert 0 <= value.item() <= math.log(2) * (1 + 1e-6)
    torch.testing.assert_close(value.double(), expected, atol=1e-7, rtol=1e-5)
    torch.testing.assert_close(
        gradient(value, rough).double(), gradient(expected, exact), atol=1e-7, rtol=1e-4
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_label_that_is_ruled_out_or_certain_has_finite_values(dtype):
    logits = torch.tensor([[-math.inf, 0.0, 1.0], [500.0, 0.0, 1.0]], dtype=dtype)
    logits = logits.view(2, 3, 1, 1).requires_grad_()
    loss = jensen_shannon(logits, torch.zeros(2, 1, 1, dtype=torch.long))
    torch.testing.assert_close(loss.flatten(), torch.tensor([math.log(2), 0.0], dtype=dtype))
    assert gradient(loss, logits).abs().max() < 1e-30


# spherical


def test_spherical_is_minus_the_cosine_between_logits_and_label():
    logits, labels = outputs()
    found = spherical(logits, labels)
    expected = -F.cosine_similarity(logits, one_hot(labels, 5), dim=1)
    torch.testing.assert_close(found, expected, atol=1e-12, rtol=1e-12)
    torch.testing.assert_close(
        gradient(found, logits), gradient(expected, logits), atol=1e-12, rtol=1e-9
    )
    torch.testing.assert_close(spherical(1e6 * logits, labels), found)


def test_spherical_of_zeros_has_a_finite_gradient():
    logits = torch.zeros(1, 3, 1, 1, requires_grad=True)
    loss = spherical(logits, torch.ones(1, 1, 1, dtype=torch.long))
    assert loss.item() == 0
    assert gradient(loss, logits).flatten().tolist() == [0, -1, 0]


@pytest.mark.parametrize("loss", [jensen_shannon, spherical])
def test_half_precision_is_computed_in_float32(loss):
    logits, labels = outputs()
    exact = loss(logits.half().float(), labels)
    assert exact.dtype == torch.float32
    assert torch.equal(loss(logits.half(), labels), exact)


# attacks against loops that are written out


def straight_pgd(model, x, labels, start, objective):
    """Signed steps along the gradient of objective(logits, labels, valid, step), a number."""
    valid, x_adv = labels != 255, start
    for i in range(STEPS):
        x_adv = x_adv.detach().requires_grad_(True)
        value = objective(model(x_adv), labels.masked_fill(~valid, 0), valid, i)
        (direction,) = torch.autograd.grad(value, x_adv)
        moved = x_adv.detach() + STEP * direction.sign()
        x_adv = torch.maximum(torch.minimum(moved, x + EPS), x - EPS).clamp(0, 1)
    return x_adv.detach()


def masked(logits, labels, valid):
    return (logits.argmax(1) == labels) & valid


def straight_mce(logits, labels, valid, step):
    return F.cross_entropy(logits, labels, reduction="none")[masked(logits, labels, valid)].sum()


def straight_balanced(counts=None):
    def objective(logits, labels, valid, step):
        loss, right = (
            F.cross_entropy(logits, labels, reduction="none"),
            masked(logits, labels, valid),
        )
        total = 0.0
        for n in range(len(labels)):
            for y in range(logits.shape[1]):
                pixels = right[n] & (labels[n] == y)
                in_image = (labels[n] == y) & valid[n]
                if pixels.any():
                    count = in_image.sum() if counts is None else counts[y]
                    total = total + loss[n][pixels].sum() / count
        return total

    return objective


def straight_spherical(logits, labels, valid, step):
    of_label = logits.gather(1, labels.unsqueeze(1)).squeeze(1)
    return (-of_label / logits.square().sum(1).sqrt())[masked(logits, labels, valid)].sum()


def scheduled(q_start, q_end):
    def objective(logits, labels, valid, step):
        q = q_start + (q_end - q_start) * step / STEPS
        return straight_tsallis(logits, labels, q)[valid].sum()

    return objective


COUNTS = (900, 40.0, 7, 5000)
WRITTEN_OUT = {
    "mce": (mce_pgd, {}, straight_mce),
    "mce-bal": (mce_bal_pgd, {}, straight_balanced()),
    "mce-bal of a training set": (
        mce_bal_pgd,
        {"class_pixels": COUNTS},
        straight_balanced(COUNTS),
    ),
    "js": (js_pgd, {}, lambda z, y, valid, step: straight_js(z, y)[valid].sum()),
    "spherical": (spherical_pgd, {}, straight_spherical),
    "tsallis": (tsallis_pgd, {}, scheduled(-2, 1)),
    "tsallis of one q": (tsallis_pgd, {"q_start": -0.5, "q_end": -0.5}, scheduled(-0.5, -0.5)),
}


@pytest.mark.parametrize(("factory", "options", "objective"), WRITTEN_OUT.values(), ids=WRITTEN_OUT)
def test_attacks_are_loops_over_their_equations(factory, options, objective):
    model, x, labels = tiny_problem(n=3, dtype=torch.float64)
    noise = torch.empty_like(x).uniform_(-EPS, EPS, generator=torch.Generator().manual_seed(5))
    start = (x + noise).clamp(0, 1)
    expected = straight_pgd(model, x, labels, start, objective)
    found = factory(EPS, STEP, STEPS, **options)(model, x, labels, start=start)
    torch.testing.assert_close(found, expected, atol=1e-9, rtol=0)
    assert not torch.equal(found, pgd(EPS, STEP, STEPS)(model, x, labels, start=start))


@pytest.mark.parametrize("loss", ["mce", "mce-bal", "cos", "tsallis"])
def test_the_loss_that_steers_the_step_size_is_of_all_pixels_alike(loss):
    model, x, labels = tiny_problem(dtype=torch.float64)
    for iterate in named("apgd-4", loss=loss).build().iterates(model, x, labels):
        losses = F.cross_entropy(model(iterate.x_adv), labels, ignore_index=255, reduction="none")
        expected = losses.sum((1, 2)) / (labels != 255).sum((1, 2))
        torch.testing.assert_close(iterate.forward.loss, expected.detach())


# Tsallis


def test_tsallis_of_q_1_is_pgd_and_of_q_0_the_probability_of_the_label():
    model, x, labels = tiny_problem(dtype=torch.float64)
    options = {"eps": EPS, "step_size": STEP, "steps": 6, "random_start": False}
    plain = pgd(**options)
    one = tsallis_pgd(**options, q_start=1, q_end=1)
    assert torch.equal(one(model, x, labels), plain(model, x, labels))
    zero = tsallis_pgd(**options, q_start=0, q_end=0)
    probability = replace(
        plain, loss=lambda z, y: 1 - z.softmax(1).gather(1, y.unsqueeze(1)).squeeze(1)
    )
    torch.testing.assert_close(zero(model, x, labels), probability(model, x, labels))


@pytest.mark.parametrize("q", [-2.0, -0.5, 0.0, 0.9])
def test_the_gradient_of_tsallis_is_weighed_cross_entropy(q):
    logits, labels = outputs()
    ce = F.cross_entropy(logits, labels, reduction="none")
    weights = (-(1 - q) * ce).exp().detach()
    torch.testing.assert_close(
        gradient(straight_tsallis(logits, labels, q), logits),
        gradient(weights * ce, logits),
        atol=1e-12,
        rtol=1e-9,
    )


def test_tsallis_weights_run_from_q_start_to_q_end_and_do_not_underflow():
    """Every pixel as wrong as e^-60 at q = -2: p_y^3 is 0 in float32."""
    model, x, labels = tiny_problem()

    def wrong(images):
        return model(images).scatter(1, labels.masked_fill(labels == 255, 0).unsqueeze(1), -60.0)

    attack = tsallis_pgd(EPS, STEP, 4, random_start=False)
    valid = labels != 255
    for iterate in attack.iterates(wrong, x, labels):
        forward = iterate.forward
        if forward.weights is None:
            continue
        q = -2 + 3 * iterate.step / 4
        log_p = -forward.pixel_loss.double().masked_fill(~valid, math.inf)
        expected = ((1 - q) * (log_p - log_p.amax((1, 2), keepdim=True))).exp() * valid
        torch.testing.assert_close(forward.weights.double(), expected, atol=1e-4, rtol=1e-3)
        assert (forward.weights.amax((1, 2)) == 1).all()


@pytest.mark.parametrize("bad", [{"q_start": 1.5}, {"q_end": math.nan}])
def test_other_q_are_refused(bad):
    with pytest.raises(InputError, match="give a number up to 1"):
        tsallis_pgd(**bad)
    with pytest.raises(InputError):
        TsallisWeights(**bad)


# class-balanced weights


def test_weights_do_not_depend_on_the_batch():
    model, x, labels = tiny_problem(n=4, dtype=torch.float64)
    attack = mce_bal_pgd(EPS, STEP, 5, random_start=False)
    together = attack(model, x, labels)
    for i in range(4):
        alone = attack(model, x[i : i + 1], labels[i : i + 1])
        torch.testing.assert_close(together[i : i + 1], alone)


def test_shares_of_the_classes_are_as_good_as_counts_and_tensors_as_sequences():
    model, x, labels = tiny_problem(dtype=torch.float64)
    shares = torch.tensor([count / sum(COUNTS) for count in COUNTS])
    answers = [
        mce_bal_pgd(EPS, STEP, 5, random_start=False, class_pixels=given)(model, x, labels)
        for given in (COUNTS, shares)
    ]
    torch.testing.assert_close(*answers)


def test_a_weighting_counts_anew_for_other_labels():
    model, x, labels = tiny_problem()
    weighting = BalancedWeights()
    other = labels.roll(1, 0).roll(2, 1)
    for maps in (labels, other):
        forward = next(iter(pgd(steps=1).iterates(model, x, maps))).forward
        found, fresh = weighting(forward), BalancedWeights()(forward)
        assert torch.equal(found, fresh)


@pytest.mark.parametrize("bad", [(1, 0, 3, 4), (1, 2, 3, math.inf), (1, 2, -3, 4), [math.nan]])
def test_bad_counts_are_refused(bad):
    with pytest.raises(InputError, match="give a number above 0 for each class"):
        mce_bal_pgd(class_pixels=bad)


def test_counts_of_other_classes_are_refused():
    model, x, labels = tiny_problem()
    with pytest.raises(InputError, match="are 3 numbers and the model has 4 classes"):
        mce_bal_pgd(class_pixels=(1, 2, 3))(model, x, labels)


def test_an_image_that_is_all_void_stays_as_it_is():
    model, x, labels = tiny_problem(n=2, dtype=torch.float64)
    labels[1] = 255
    for name in ("mce-bal-pgd-3", "tsallispgd-3", "js-pgd-3"):
        x_adv = named(name, random_start=False).build()(model, x, labels)
        assert torch.equal(x_adv[1], x[1])
        assert not torch.equal(x_adv[0], x[0])
