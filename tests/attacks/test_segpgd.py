import math

import pytest
import torch
import torch.nn.functional as F
from oracles import straight_segpgd, tiny_problem

from art_segplugin.attacks import fgsm, pgd, segfgsm, segpgd
from art_segplugin.attacks.segpgd import SCHEDULES, SegWeights
from art_segplugin.errors import InputError

EPS, STEP, STEPS = 0.05, 0.01, 20

PAPER = {  # equation 6: t = 1 ... steps
    "linear": lambda t, steps: (t - 1) / (2 * steps),
    "log": lambda t, steps: 0.5 * math.log2(1 + (t - 1) / steps),
    "exp": lambda t, steps: 0.5 * (2 ** ((t - 1) / steps) - 1),
    "only-correct": lambda t, steps: 0.0,
    0.3: lambda t, steps: 0.3,
}


@pytest.mark.parametrize("schedule", PAPER)
@pytest.mark.parametrize("targeted", [False, True])
def test_weights_are_equation_4(schedule, targeted):
    model, x, labels = tiny_problem(dtype=torch.float64)
    attack = segpgd(EPS, STEP, 10, schedule=schedule, targeted=targeted)
    forwards = [iterate.forward for iterate in attack.iterates(model, x, labels)][:-1]
    assert any(f.fooled.any() for f in forwards)
    for t, forward in enumerate(forwards, start=1):
        share = PAPER[schedule](t, 10)
        expected = torch.where(forward.fooled, share, 1 - share).to(torch.float64)
        expected[~forward.valid] = 0
        torch.testing.assert_close(forward.weights, expected, atol=1e-6, rtol=0)


def test_all_schedules_are_tested():
    assert set(SCHEDULES) == {name for name in PAPER if isinstance(name, str)}


def test_fooled_pixels_never_count_more_than_the_others():
    for schedule in SCHEDULES:
        shares = [SegWeights(schedule).share_of_fooled(i, 40) for i in range(40)]
        assert shares[0] == 0
        assert shares == sorted(shares)
        assert shares[-1] < 0.5


@pytest.mark.parametrize("schedule", [None, [1], (0.5,), {}, math.nan, -0.1, 1j, b"linear"])
def test_what_is_no_schedule_is_named(schedule):
    unchecked = getattr(SegWeights.__init__, "__wrapped__", SegWeights.__init__)
    with pytest.raises(InputError) as caught:
        unchecked(SegWeights(), schedule)
    assert f"schedule is {schedule!r}; give one of linear" in str(caught.value)


def test_constant_weights_are_pgd():
    model, x, labels = tiny_problem(dtype=torch.float64)
    seg = segpgd(EPS, STEP, STEPS, schedule=0.5, random_start=False)(model, x, labels)
    torch.testing.assert_close(seg, pgd(EPS, STEP, STEPS, random_start=False)(model, x, labels))


def test_one_step_is_fgsm():
    model, x, labels = tiny_problem()
    one = {"eps": EPS, "step_size": EPS, "steps": 1, "random_start": False}
    assert torch.equal(segpgd(**one)(model, x, labels), segfgsm(EPS)(model, x, labels))
    assert torch.equal(pgd(**one)(model, x, labels), fgsm(EPS)(model, x, labels))


def test_fgsm_is_its_equation():
    model, x, labels = tiny_problem()
    leaf = x.clone().requires_grad_(True)
    F.cross_entropy(model(leaf), labels, ignore_index=255).backward()
    assert torch.equal(fgsm(EPS)(model, x, labels), (x + EPS * leaf.grad.sign()).clamp(0, 1))


def start_of(x):
    noise = torch.empty_like(x).uniform_(-EPS, EPS, generator=torch.Generator().manual_seed(5))
    return (x + noise).clamp(0, 1)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_equals_the_equations_written_straight(dtype):
    model, x, labels = tiny_problem(size=(40, 48), dtype=dtype)
    answer = segpgd(EPS, STEP, STEPS)(model, x, labels, start=start_of(x))
    expected = straight_segpgd(model, x, labels, start_of(x), EPS, STEP, STEPS)
    assert (answer - x).abs().max() > EPS * 0.99
    if dtype == torch.float64:
        torch.testing.assert_close(answer, expected, atol=1e-9, rtol=0)
    else:
        assert ((answer - expected).abs() <= 1e-6).double().mean() >= 0.999


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_equals_the_cospgd_package(dtype):
    functions = pytest.importorskip("cospgd").functions
    model, x, labels = tiny_problem(size=(40, 48), dtype=dtype)
    labels[:, 0] = 0  # the package knows no void pixels in its split into right and wrong
    x_adv = start_of(x)
    for i in range(STEPS):
        x_adv = x_adv.detach().requires_grad_(True)
        logits = model(x_adv)
        loss = functions.segpgd_scale(
            predictions=logits,
            labels=labels,
            loss=F.cross_entropy(logits, labels, reduction="none"),
            iteration=i,
            iterations=STEPS,
            targeted=False,
        )
        loss.sum().backward()
        x_adv = functions.step_inf(
            perturbed_image=x_adv,
            epsilon=EPS,
            data_grad=x_adv.grad,
            orig_image=x,
            alpha=STEP,
            targeted=False,
        )
    answer = segpgd(EPS, STEP, STEPS)(model, x, labels, start=start_of(x))
    if dtype == torch.float64:
        torch.testing.assert_close(answer, x_adv, atol=1e-9, rtol=0)
    else:
        assert ((answer - x_adv).abs() <= 1e-6).double().mean() >= 0.999
