import pytest
import torch
from training import by_hand
from training.toy import batch, plain_model

from art_segplugin.attacks import named
from art_segplugin.training import AdversarialLogitPairing, Supervised, WeightedCrossEntropy

EPS, STEP = 0.05, 0.04
PGD_2 = named("pgd-2", eps=EPS, step_size=STEP)
NOTHING = named("pgd-1", eps=0.0)


@pytest.mark.parametrize("weights", [None, torch.tensor([1.0, 2.0, 0.5])])
@pytest.mark.parametrize("scale", [1.0, 15.0])
def test_is_half_of_each_and_the_distance_of_the_logits(weights, scale):
    model, images = plain_model(), batch()
    labels, valid = images.labels, images.labels != 255
    loss = WeightedCrossEntropy(255, weights, scale)
    x_adv = by_hand.pgd(model, images, EPS, STEP, 2)
    clean, attacked = model(images.images), model(x_adv)
    between = ((clean - attacked) / scale).movedim(1, -1)[valid]  # (pixels, classes)
    expected = (
        0.5 * by_hand.mean_cross_entropy(clean, labels, weights)
        + 0.5 * by_hand.mean_cross_entropy(attacked, labels, weights)
        + 7.0 * (between**2).mean()
    )
    found = AdversarialLogitPairing(PGD_2, loss, weight=7.0)(model, images)
    by_hand.same_loss_and_gradients(model, found, expected)
    without = AdversarialLogitPairing(PGD_2, loss, weight=0.0)(model, images)
    assert found > without + 1e-4


def test_without_radius_it_is_the_clean_loss():
    model, images, loss = plain_model(), batch(), WeightedCrossEntropy()
    found = AdversarialLogitPairing(NOTHING, loss)(model, images)
    by_hand.same_loss_and_gradients(model, found, Supervised(loss)(model, images))


def test_the_margin_is_in_the_cross_entropies_only():
    model, images = plain_model(), batch()
    values = [
        AdversarialLogitPairing(PGD_2, WeightedCrossEntropy(255, None, 1.0, margin)).terms(
            model, images
        )
        for margin in (0.0, 0.5)
    ]
    assert (values[1] > values[0]).tolist() == [True, True, False]
    assert values[1][2] == values[0][2]
