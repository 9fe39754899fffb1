import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from one_label import one_label_problem
from oracles import LinearSegmenter, tiny_problem
from torch import nn

from art_segplugin.attacks import apgd, named, pgd
from art_segplugin.core.losses import difference_of_logits_ratio
from art_segplugin.core.selectors import HighestLoss
from art_segplugin.errors import InputError


def test_dlr_is_equation_6():
    logits = torch.tensor([[4.0, 1.0, 2.0, 0.5]]).view(1, 4, 1, 1)
    losses = [
        difference_of_logits_ratio(logits, torch.tensor([[[label]]])).item() for label in range(4)
    ]
    # (4 - 1) / spread of first and third; the rival of class 0 is class 2, of all others class 0.
    assert losses == pytest.approx([-(4 - 2) / 3, (4 - 1) / 3, (4 - 2) / 3, (4 - 0.5) / 3])


def test_dlr_does_not_know_the_scale_and_its_sign_is_the_answer():
    torch.manual_seed(0)
    logits, labels = torch.randn(2, 5, 6, 7).double(), torch.randint(0, 5, (2, 6, 7))
    loss = difference_of_logits_ratio(logits, labels)
    torch.testing.assert_close(difference_of_logits_ratio(1e4 * logits + 3, labels), loss)
    assert torch.equal(loss > 0, logits.argmax(1) != labels)
    assert loss.dtype == torch.float64
    assert difference_of_logits_ratio(logits.half(), labels).dtype == torch.float32


def test_dlr_of_equal_logits_has_a_gradient_that_is_no_larger_than_others():
    logits = torch.zeros(1, 4, 2, 2, requires_grad=True)
    loss = difference_of_logits_ratio(logits, torch.ones(1, 2, 2, dtype=torch.long))
    assert torch.equal(loss, torch.zeros(1, 2, 2))
    (gradient,) = torch.autograd.grad(loss.sum(), logits)
    assert gradient.abs().max() == 1


def test_dlr_wants_3_classes():
    model, x, labels = tiny_problem(classes=2)
    with pytest.raises(InputError, match="3 or more classes, the model has 2"):
        apgd(loss="dlr")(model, x, labels)


@pytest.mark.parametrize("loss", ["ce", "dlr"])
@pytest.mark.parametrize("steps", [10, 50])
def test_fools_every_pixel_that_can_be_fooled(loss, steps):
    torch.manual_seed(0)
    model = LinearSegmenter().eval()
    x = 0.3 + 0.4 * torch.rand(2, 3, 6, 7)
    labels = model(x).argmax(1)
    need = model.smallest_linf(x)
    eps = need.median().item()
    x_adv = named(f"apgd-{steps}", eps=eps, loss=loss).build()(model, x, labels)
    fooled = model(x_adv).argmax(1) != labels
    assert not fooled[need > eps * 1.0001].any()
    assert fooled[need < eps * 0.95].all()


def test_dlr_attacks_where_the_cross_entropy_has_no_gradient():
    """Logits times 10,000: the softmax rounds to 1 and the gradient of its logarithm to 0."""
    core, x, labels = one_label_problem()

    def saturated(images):
        return 1e4 * core(images)

    options = {"eps": 0.06, "steps": 10, "random_start": False, "ignore_index": -100}
    right = {
        loss: (saturated(apgd(**options, loss=loss)(saturated, x, labels)).argmax(1) == labels)
        for loss in ("ce", "dlr")
    }
    labelled = labels != -100
    assert right["ce"][labelled].all()
    assert not right["dlr"][labelled].all()


@pytest.mark.parametrize("select", [None, HighestLoss()])
def test_the_answer_never_gets_worse(select):
    model, x, labels = tiny_problem(dtype=torch.float64)
    attack = apgd(0.03, 30)
    attack = attack if select is None else replace(attack, select=select)
    runs = list(attack.iterates(model, x, labels))
    losses = torch.stack(
        [F.cross_entropy(model(r.best), labels, ignore_index=255, reduction="none") for r in runs]
    ).mean((2, 3))
    success = torch.stack([r.best_success for r in runs])
    if select is None:
        assert (success[1:] >= success[:-1]).all()
        tied = success[1:] == success[:-1]
        assert (losses[1:] >= losses[:-1])[tied].all()
    else:
        assert (losses[1:] >= losses[:-1] - 1e-12).all()
    assert (losses[-1] > losses[0]).all()


def test_needs_no_step_size_where_pgd_has_a_bad_one():
    model, x, labels = tiny_problem(n=4)
    options = {"eps": 0.03, "steps": 30, "random_start": False}
    fooled = {
        step_size: (model(attack(model, x, labels)).argmax(1) != labels)[labels != 255].float()
        for step_size, attack in {
            None: apgd(**options),
            1e-4: pgd(**options, step_size=1e-4),
            0.06: pgd(**options, step_size=0.06),
        }.items()
    }
    assert fooled[None].mean() > max(fooled[1e-4].mean(), fooled[0.06].mean())


@pytest.fixture(scope="module")
def digits():
    """A small net trained for a second, and 60 digits."""
    datasets = pytest.importorskip("sklearn.datasets")
    torch.manual_seed(0)
    data = datasets.load_digits()
    x = torch.tensor(data.images / 16, dtype=torch.float32)[:, None]
    y = torch.tensor(data.target, dtype=torch.long)
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(net.parameters(), 0.01)
    for _ in range(100):
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
    return net.eval(), x[:60], y[:60]


@pytest.mark.parametrize(("norm", "eps"), [("Linf", 0.15), ("L2", 0.8)])
@pytest.mark.parametrize(("loss", "steps"), [("ce", 20), ("ce", 100), ("dlr", 100)])
def test_as_strong_as_the_apgd_of_torchattacks_from_the_same_start(digits, norm, eps, loss, steps):
    """From 100 steps on, when the checkpoints are the same, most answers are the same as well.

    In L2 some are better: what the bounds cut off is given to other coordinates, where theirs clip.
    """
    torchattacks = pytest.importorskip("torchattacks")
    net, x, y = digits
    torch.manual_seed(3)
    theirs = torchattacks.APGD(net, norm, eps, steps, loss=loss)
    _, _, their_loss, _ = theirs.attack_single_run(x, y)
    torch.manual_seed(3)  # their first draw
    start = 2 * torch.rand(x.shape) - 1 if norm == "Linf" else torch.randn(x.shape)
    order = math.inf if norm == "Linf" else 2
    start = start / torch.linalg.vector_norm(start, order, (1, 2, 3), keepdim=True)
    attack = apgd(eps, steps, norm, ignore_index=-100, loss=loss)
    model, labels = nn.Sequential(net, nn.Unflatten(1, (10, 1, 1))), y[:, None, None]
    start = (x + eps * start).clamp(0, 1)
    x_adv = replace(attack, select=HighestLoss())(model, x, labels, start=start)
    our_loss = attack.loss(model(x_adv), labels).detach().flatten()
    if loss == "dlr":  # beyond 1, where the label is not even third, a few images are the mean
        our_loss, their_loss = our_loss.clamp(max=1), their_loss.clamp(max=1)
    assert our_loss.mean() > 0.99 * their_loss.mean() > 0
    ahead = our_loss - their_loss
    same = ahead > -0.01 if norm == "L2" else ahead.abs() < 0.01
    assert steps < 100 or same.float().mean() > 0.8
