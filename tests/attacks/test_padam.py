import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from one_label import one_label_problem
from oracles import tiny_problem
from torch import nn

from art_segplugin.attacks import ATTACKS, named, padam_ce, padam_cos, pgd
from art_segplugin.attacks.padam import cosine_distance
from art_segplugin.core.steps import AdamStep
from art_segplugin.core.threat_model import ThreatModel
from art_segplugin.errors import InputError

EPS, STEP, STEPS = 0.05, 0.01, 25


def start_of(x):
    noise = torch.empty_like(x).uniform_(-EPS, EPS, generator=torch.Generator().manual_seed(5))
    return (x + noise).clamp(0, 1)


def cos_loss(logits, labels):
    one_hot = F.one_hot(labels, 4).movedim(3, 1).to(logits)
    return 1 - F.cosine_similarity(logits, one_hot, dim=1)


def straight_padam(model, x, labels, start, loss, *, targeted):
    """torch's Adam over the perturbation of each image alone, on the mean loss of valid pixels."""
    answers = []
    for n in range(len(x)):
        image, label = x[n : n + 1], labels[n : n + 1]
        valid = label != 255
        delta = (start[n : n + 1] - image).clone().requires_grad_()
        adam = torch.optim.Adam([delta], lr=STEP, amsgrad=True, maximize=True)
        for _ in range(STEPS):
            adam.zero_grad()
            pixel_loss = loss(model(image + delta), label.masked_fill(~valid, 0))
            mean = pixel_loss[valid].mean()
            (-mean if targeted else mean).backward()
            adam.step()
            with torch.no_grad():
                delta.clamp_(-EPS, EPS)
                delta.copy_((image + delta).clamp(0, 1) - image)
        answers.append(image + delta.detach())
    return torch.cat(answers)


@pytest.mark.parametrize("targeted", [False, True])
@pytest.mark.parametrize(
    ("attack", "loss"),
    [(padam_ce, lambda z, y: F.cross_entropy(z, y, reduction="none")), (padam_cos, cos_loss)],
)
def test_equals_torch_adam_and_a_clamp(attack, loss, targeted):
    model, x, labels = tiny_problem(dtype=torch.float64)
    start = start_of(x)
    answer = attack(EPS, STEP, STEPS, targeted=targeted)(model, x, labels, start=start)
    expected = straight_padam(model, x, labels, start, loss, targeted=targeted)
    assert (answer - start).abs().max() > EPS * 0.9
    torch.testing.assert_close(answer, expected, atol=1e-9, rtol=0)


@pytest.mark.parametrize("amsgrad", [False, True])
def test_the_step_is_torch_adam_for_any_gradients(amsgrad):
    """Gradients are given, so that only the step rule is looked at; sizes and betas are others."""
    torch.manual_seed(0)
    x = 0.2 + 0.6 * torch.rand(2, 3, 4, 5, dtype=torch.float64)
    gradients = torch.randn(12, 2, 3, 4, 5, dtype=torch.float64)
    gradients[4:8] *= 1e-7  # where epsilon counts, and where amsgrad differs
    forward = next(pgd().iterates(*tiny_problem())).forward
    pixels = forward.valid.flatten(1).sum(1).view(2, 1, 1, 1)
    rule = AdamStep(0.01, betas=(0.8, 0.95), epsilon=1e-6, amsgrad=amsgrad)
    step = rule.start(ThreatModel(0.04).around(x), 12)
    moved = x.clone()
    adam = torch.optim.Adam(
        [moved], lr=0.01, betas=(0.8, 0.95), eps=1e-6, amsgrad=amsgrad, maximize=True
    )
    ours = x
    for gradient in gradients:
        ours = step(ours, gradient * pixels, forward)
        moved.grad = gradient
        adam.step()
        moved.copy_((x + (moved - x).clamp(-0.04, 0.04)).clamp(0, 1))
        torch.testing.assert_close(ours, moved, atol=1e-12, rtol=0)


def test_the_first_step_is_that_of_pgd():
    """m / sqrt(v) is then the sign of the gradient, up to epsilon."""
    model, x, labels = tiny_problem(dtype=torch.float64)
    options = {"eps": EPS, "step_size": STEP, "steps": 1, "random_start": False}
    torch.testing.assert_close(
        padam_ce(**options)(model, x, labels), pgd(**options)(model, x, labels), atol=1e-4, rtol=0
    )


def test_an_image_does_not_depend_on_the_others_in_its_batch():
    model, x, labels = tiny_problem(n=3, dtype=torch.float64)
    labels[1, 3:] = 255  # another number of valid pixels
    attack = padam_ce(EPS, STEP, 6, random_start=False)
    together = attack(model, x, labels)
    alone = [attack(model, x[n : n + 1], labels[n : n + 1]) for n in range(3)]
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-12, rtol=0)


finite = st.floats(-30, 30, width=32)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(finite, finite, finite), min_size=1, max_size=5), st.integers(0, 2))
def test_cosine_distance_is_the_cosine_with_the_one_hot_label(rows, label):
    logits = torch.tensor(rows, dtype=torch.float64).T.reshape(1, 3, len(rows), 1)
    labels = torch.full((1, len(rows), 1), label)
    one_hot = F.one_hot(labels, 3).movedim(3, 1).double()
    loss = cosine_distance(logits, labels)
    torch.testing.assert_close(loss, 1 - F.cosine_similarity(logits, one_hot, dim=1, eps=1e-12))
    assert ((loss >= -1e-12) & (loss <= 2 + 1e-12)).all()
    assert cosine_distance(logits.half(), labels).dtype == torch.float32


def test_the_cosine_keeps_a_gradient_where_the_softmax_has_none():
    logits = torch.tensor([300.0, 10, -20]).view(1, 3, 1, 1).requires_grad_()
    labels = torch.zeros(1, 1, 1, dtype=torch.long)
    (flat,) = torch.autograd.grad(F.cross_entropy(logits, labels), logits)
    (kept,) = torch.autograd.grad(cosine_distance(logits, labels).sum(), logits)
    assert not flat.any()
    assert kept.all()


@pytest.mark.parametrize("norm", [1, 2])
def test_other_norms_are_refused(norm):
    with pytest.raises(InputError, match="PAdam is made for inf"):
        padam_cos(norm=norm)
    region = ThreatModel(1.0, norm).around(torch.zeros(1, 3, 2, 2))
    with pytest.raises(InputError, match="give it the norm inf"):
        AdamStep(0.1).start(region, 3)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"betas": (0.9, 1.0)}, "betas are"),
        ({"betas": (-0.1, 0.9)}, "betas are"),
        ({"epsilon": 0.0}, "epsilon is 0.0"),
        ({"size": -1.0}, "step_size is -1.0"),
    ],
)
def test_bad_values_are_named(values, words):
    with pytest.raises(InputError, match=words):
        AdamStep(**{"size": 0.1, **values})


def test_classes_for_both_toolboxes():
    from art_segplugin.wrappers import art
    from art_segplugin.wrappers import torchattacks as ours

    assert art.PAdamCE.spec is ours.PAdamCE.spec is ATTACKS["padam-ce"]
    assert art.PAdamCos.spec is ours.PAdamCos.spec is ATTACKS["padam-cos"]
    model, x, labels = tiny_problem()
    x_adv = ours.PAdamCos(model, eps=EPS, alpha=STEP, steps=3)(x, labels)
    assert 0 < (x_adv - x).abs().max() <= EPS * 1.0001


def test_a_step_size_that_is_not_given_follows_the_radius_everywhere():
    """Also in ART's random radii, whose other attacks with steps of a size have a schedule, too."""
    art_estimators = pytest.importorskip("art.estimators.classification")
    from art_segplugin.wrappers import art

    assert padam_ce(2 / 255).step.size == 0.5 / 255
    assert padam_ce().step.size == 2 / 255
    assert named("padam-ce", eps=2 / 255).described()["step_size"] == 0.5 / 255
    model, x, labels = one_label_problem()
    estimator = art_estimators.PyTorchClassifier(
        nn.Sequential(model, nn.Flatten()),
        nn.CrossEntropyLoss(),
        x.shape[1:],
        4,
        clip_values=(0, 1),
    )
    attack = art.PAdamCE(estimator, eps=EPS, max_iter=2, random_eps=True, verbose=False)
    moved = attack.generate(x.numpy(), labels.flatten().clamp(min=0).numpy()) - x.numpy()
    assert 0 < abs(moved).max() <= EPS * 1.0001
