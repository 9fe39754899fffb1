from itertools import pairwise

import pytest
import torch
from training import by_hand
from training.toy import batch, plain_model

from art_segplugin.attacks import named
from art_segplugin.core.modes import evaluation_mode
from art_segplugin.errors import InputError
from art_segplugin.training import Supervised, Trades, WeightedCrossEntropy

EPS, STEP = 0.05, 0.04
PGD_2 = named("pgd-2", eps=EPS, step_size=STEP)


def attacked(model, images):
    with torch.no_grad(), evaluation_mode(model):
        reference = model(images.images)
    valid = images.labels != 255
    return by_hand.pgd(
        model,
        images,
        EPS,
        STEP,
        2,
        lambda logits: by_hand.divergences(reference, logits)[valid].sum(),
    )


@pytest.mark.parametrize("weights", [None, torch.tensor([1.0, 2.0, 0.5])])
def test_is_the_cross_entropy_and_the_divergence_per_valid_pixel(weights):
    """Gradients go through both answers, that to the clean images too."""
    model, images = plain_model(), batch()
    valid = images.labels != 255
    x_adv = attacked(model, images)
    clean = model(images.images)
    divergence = by_hand.divergences(clean, model(x_adv))[valid].mean()
    expected = by_hand.mean_cross_entropy(clean, images.labels, weights) + 6.0 * divergence
    found = Trades(PGD_2, WeightedCrossEntropy(255, weights))(model, images)
    by_hand.same_loss_and_gradients(model, found, expected)
    assert divergence > 1e-4


def test_the_attack_increases_the_divergence():
    model, images = plain_model(), batch()
    seen = []
    handle = model.register_forward_hook(lambda m, inputs, logits: seen.append(logits.detach()))
    Trades(named("pgd-10", eps=EPS, step_size=0.01), WeightedCrossEntropy())(model, images)
    handle.remove()
    reference, *path = seen[:11]
    sizes = [by_hand.divergences(reference, logits).mean().item() for logits in path]
    final = by_hand.divergences(reference, seen[-1]).mean().item()
    assert final > 3 * sizes[0]
    assert all(later > earlier for earlier, later in pairwise(sizes))


def test_without_radius_it_is_the_clean_loss():
    model, images, loss = plain_model(), batch(), WeightedCrossEntropy()
    found = Trades(named("pgd-1", eps=0.0), loss)(model, images)
    by_hand.same_loss_and_gradients(model, found, Supervised(loss)(model, images))


def test_the_margin_is_in_the_cross_entropy_only():
    model, images = plain_model(), batch()
    values = [
        Trades(PGD_2, WeightedCrossEntropy(255, None, 1.0, margin)).terms(model, images)
        for margin in (0.0, 0.5)
    ]
    assert values[1][0] > values[0][0]
    assert values[1][1] == values[0][1]


def test_half_precision_learns_from_both_terms():
    """What is computed without a graph first must not be what the update is computed from."""
    gradients = []
    for half in (False, True):
        model, images = plain_model(torch.float32), batch(dtype=torch.float32)
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            loss = Trades(PGD_2, WeightedCrossEntropy())(model, images)
        assert loss.dtype == torch.float32
        loss.backward()
        gradients.append([parameter.grad for parameter in model.parameters()])
    for exact, rounded in zip(*gradients, strict=True):
        assert (exact - rounded).norm() < 0.1 * exact.norm()


@pytest.mark.parametrize(
    ("attack", "words"),
    [
        (named("segpgd-2"), "the attack is 'segpgd-2', which has a loss of its own; give pgd-10"),
        (named("pgd-2", random_start=False), "random_start is False in 'pgd-2'; TRADES needs True"),
    ],
)
def test_refuses_attacks_that_cannot_increase_it(attack, words):
    with pytest.raises(InputError, match=words):
        Trades(attack, WeightedCrossEntropy())
