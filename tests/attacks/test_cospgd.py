import pytest
import torch
import torch.nn.functional as F
from oracles import tiny_problem

from art_segplugin.attacks import ATTACKS, cospgd, pgd
from art_segplugin.attacks.cospgd import CosineWeights

EPS, STEP, STEPS = 0.05, 0.01, 20


def start_of(x):
    noise = torch.empty_like(x).uniform_(-EPS, EPS, generator=torch.Generator().manual_seed(5))
    return (x + noise).clamp(0, 1)


@pytest.mark.parametrize("targeted", [False, True])
def test_equals_the_cospgd_package(targeted):
    functions = pytest.importorskip("cospgd").functions
    model, x, labels = tiny_problem(size=(40, 48), dtype=torch.float64)
    labels[:, 0] = 0  # the package counts void pixels of 255 as class 3
    x_adv = start_of(x)
    for _ in range(STEPS):
        x_adv = x_adv.detach().requires_grad_(True)
        logits = model(x_adv)
        loss = functions.cospgd_scale(
            predictions=logits,
            labels=labels,
            loss=F.cross_entropy(logits, labels, reduction="none"),
            num_classes=4,
            targeted=targeted,
        )
        loss.sum().backward()
        x_adv = functions.step_inf(
            perturbed_image=x_adv,
            epsilon=EPS,
            data_grad=x_adv.grad,
            orig_image=x,
            alpha=STEP,
            targeted=targeted,
        )
    answer = cospgd(EPS, STEP, STEPS, targeted=targeted)(model, x, labels, start=start_of(x))
    assert (answer - x).abs().max() > EPS * 0.99
    torch.testing.assert_close(answer, x_adv, atol=1e-9, rtol=0)


@pytest.mark.parametrize("targeted", [False, True])
def test_weights_are_the_cosine_with_the_one_hot_label(targeted):
    model, x, labels = tiny_problem(dtype=torch.float64)
    attack = cospgd(EPS, STEP, 3, targeted=targeted)
    for iterate in attack.iterates(model, x, labels):
        forward = iterate.forward
        if forward.weights is None:
            continue
        one_hot = F.one_hot(forward.labels, 4).movedim(3, 1).double()
        cosine = F.cosine_similarity(forward.logits.softmax(1), one_hot, dim=1)
        expected = (1 - cosine if targeted else cosine) * forward.valid
        torch.testing.assert_close(forward.weights, expected, atol=1e-12, rtol=0)


def test_pixels_that_all_weigh_the_same_are_pgd():
    """Without a bias between classes every pixel has the same softmax, so only the sign is left."""
    _, x, labels = tiny_problem(dtype=torch.float64)

    def model(images):
        return (
            torch.zeros(len(images), 4, 12, 14, dtype=images.dtype)
            + 0 * images[:, :1]
            + (images - images.detach()).sum(1, keepdim=True)
            * torch.tensor([1.0, -1, 2, 0], dtype=images.dtype).view(1, 4, 1, 1)
        )

    options = {"eps": EPS, "step_size": STEP, "steps": 3, "random_start": False}
    assert torch.equal(cospgd(**options)(model, x, labels), pgd(**options)(model, x, labels))


def test_half_precision_weighs_in_float32():
    model, x, labels = tiny_problem()
    forward = next(iter(cospgd().iterates(lambda i: model(i.float()).half(), x, labels))).forward
    weights = CosineWeights()(forward) if forward.logits is not None else forward.weights
    assert weights.dtype == torch.float32
    assert ((weights >= 0) & (weights <= 1)).all()


def test_freed_logits_are_named():
    model, x, labels = tiny_problem()
    first, *_ = cospgd(steps=2).iterates(model, x, labels)
    with pytest.raises(RuntimeError, match="logits of a past iterate are freed"):
        CosineWeights()(first.forward)


def test_it_is_everywhere():
    import torchattacks

    from art_segplugin.wrappers import art
    from art_segplugin.wrappers import torchattacks as ours

    assert ATTACKS["cospgd"].title == "CosPGD"
    assert art.CosPGD.spec is ours.CosPGD.spec is ATTACKS["cospgd"]
    assert issubclass(ours.CosPGD, torchattacks.attack.Attack)
