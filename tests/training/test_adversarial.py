import pytest
import torch
from torch import nn
from training import by_hand
from training.toy import batch, objective_maker, plain_model, run

from art_segplugin.attacks import named, pgd, segpgd
from art_segplugin.core.modes import evaluation_mode
from art_segplugin.errors import InputError
from art_segplugin.models import Classifier
from art_segplugin.training import (
    AdversarialTraining,
    Supervised,
    TrainingBatch,
    WeightedCrossEntropy,
)

EPS, STEP = 0.05, 0.04
PGD_2 = named("pgd-2", eps=EPS, step_size=STEP)
WEIGHTS = torch.tensor([1.0, 2.0, 0.5])


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_is_the_loss_of_the_attacked_images(weights):
    model, images = plain_model(), batch()
    objective = AdversarialTraining(PGD_2, WeightedCrossEntropy(255, weights))
    x_adv = by_hand.pgd(model, images, EPS, STEP, 2)
    expected = by_hand.mean_cross_entropy(model(x_adv), images.labels, weights)
    by_hand.same_loss_and_gradients(model, objective(model, images), expected)
    clean = by_hand.mean_cross_entropy(model(images.images), images.labels, weights)
    assert expected > clean + 0.01


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_half_is_the_sum_of_two_means(weights):
    """As SegPGD-AT adds them up; the two halves have unlike numbers of valid pixels."""
    model, images = plain_model(), batch(5)
    images.labels[1, :6] = 255
    objective = AdversarialTraining(PGD_2, WeightedCrossEntropy(255, weights), half=True)
    odd, even = [1, 3], [0, 2, 4]
    x_adv = by_hand.pgd(model, images.part(odd), EPS, STEP, 2)
    expected = by_hand.mean_cross_entropy(
        model(x_adv), images.labels[odd], weights
    ) + by_hand.mean_cross_entropy(model(images.images[even]), images.labels[even], weights)
    by_hand.same_loss_and_gradients(model, objective(model, images), expected)


def test_segpgd_at_attacks_with_segpgd():
    model, images = plain_model(), batch()
    objective = objective_maker("segpgd-at", attack="segpgd-3", eps=EPS)(None)
    start = torch.cat(
        [
            images.images[i]
            + EPS * torch.empty(1, 3, 12, 16, dtype=torch.float64).uniform_(
                -1, 1, generator=torch.Generator().manual_seed(seed)
            )
            for i, seed in enumerate(images.seeds)
        ]
    )  # fmt: skip
    attack = segpgd(EPS, 2 * EPS / 3, 3)
    with evaluation_mode(model):
        x_adv = attack(model, images.images, images.labels, start=start)
    expected = by_hand.mean_cross_entropy(model(x_adv), images.labels)
    by_hand.same_loss_and_gradients(model, objective(model, images), expected)
    plain = objective_maker("pgd-at", attack="pgd-3", eps=EPS)(None)(model, images)
    assert abs(plain - expected) > 1e-6  # the weights of SegPGD do something


def test_fast_at_is_one_step_of_one_and_a_quarter_from_a_random_start():
    model, images = plain_model(), batch()
    x_adv = by_hand.pgd(model, images, EPS, 1.25 * EPS, 1)
    expected = by_hand.mean_cross_entropy(model(x_adv), images.labels)
    objective = objective_maker("fast-at", eps=EPS)(None)
    by_hand.same_loss_and_gradients(model, objective(model, images), expected)
    on_the_edge = ((x_adv - images.images).abs() > EPS * 0.999).double().mean()
    assert 0.5 < on_the_edge < 1  # a step of 1.25 eps does not reach it from everywhere


@pytest.mark.parametrize("half", [False, True])
def test_an_attack_of_no_radius_is_none(half):
    model, images = plain_model(), batch()
    loss = WeightedCrossEntropy()
    nothing = AdversarialTraining(named("pgd-2", eps=0.0), loss, half=half)
    parts = [[1, 3], [0, 2]] if half else [[0, 1, 2, 3]]
    clean = sum(Supervised(loss)(model, images.part(part)) for part in parts)
    by_hand.same_loss_and_gradients(model, nothing(model, images), clean)


def test_the_radius_grows_with_the_strength():
    model, images = plain_model(), batch(strength=0.25)
    objective = AdversarialTraining(PGD_2, WeightedCrossEntropy())
    x_adv = by_hand.pgd(model, images, 0.25 * EPS, 0.25 * STEP, 2)
    expected = by_hand.mean_cross_entropy(model(x_adv), images.labels)
    by_hand.same_loss_and_gradients(model, objective(model, images), expected)


def test_the_attack_sees_neither_class_weights_nor_margin():
    """What it is given is the same whatever the loss of the update."""
    seen = []
    for loss in (WeightedCrossEntropy(), WeightedCrossEntropy(255, WEIGHTS, 1.0, 0.3)):
        model = plain_model()
        model.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].detach()))
        AdversarialTraining(PGD_2, loss)(model, batch())
    assert len(seen) == 6
    assert torch.equal(seen[2], seen[5])


def test_void_has_the_index_of_the_data():
    losses = []
    for index in (255, 9):
        images = batch()
        model = plain_model()
        model.ignore_index = index
        images.labels[images.labels == 255] = index
        losses.append(AdversarialTraining(PGD_2, WeightedCrossEntropy(index))(model, images))
    assert torch.equal(*losses)


def test_an_attack_of_two_seeds_differs():
    model, images = plain_model(), batch()
    objective = AdversarialTraining(PGD_2, WeightedCrossEntropy())
    other = TrainingBatch(images.images, images.labels, images.places, (7, 8, 9, 10))
    assert objective(model, images) != objective(model, other)


def test_another_attack_does_not_resume_the_run(tmp_path):
    list(run(tmp_path, objective=objective_maker("pgd-at", attack="pgd-2"), steps=2)[1])
    with pytest.raises(InputError, match="holds a run with objective"):
        next(run(tmp_path, objective=objective_maker("pgd-at"), steps=2, resume=True)[1])


def test_the_best_checkpoint_is_chosen_under_attack(tmp_path):
    maker = objective_maker("pgd-at", attack="pgd-2")
    states = list(run(tmp_path, objective=maker, withstand=PGD_2)[1])
    assert list(states[-1].scores) == ["miou", "robust_miou"]
    assert states[-1].scores["robust_miou"] < states[-1].scores["miou"]
    assert states[-1].best == max(s.scores["robust_miou"] for s in states if s.scores)


def test_it_makes_a_classifier_robust():
    """Many weak features that eps turns round together, and one strong one that it cannot."""
    torch.manual_seed(0)
    labels = torch.randint(0, 2, (128, 1, 1))
    sign = (2 * labels.view(-1, 1, 1) - 1).float()
    images = torch.full((128, 3, 4, 4), 0.5)
    images[:, :2] += 0.03 * sign[:, None]  # always right, turned round by eps = 0.05
    strong = 0.25 * sign.view(-1) * (1 - 2 * (torch.rand(128) < 0.1).float())
    images[:, 2, 0, 0] += strong  # right in 9 of 10, and robust

    def robust_accuracy(objective):
        torch.manual_seed(1)
        net = nn.Sequential(nn.Flatten(), nn.Linear(48, 2))
        model = Classifier(net, classes=2)
        optimiser = torch.optim.Adam(net.parameters(), 0.05)
        for step in range(60):
            seeds = tuple(range(1000 * step, 1000 * step + 128))
            loss = objective(model, TrainingBatch(images, labels, tuple(range(128)), seeds))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        x_adv = pgd(0.05, 0.02, 10)(model, images, labels)
        return (model(x_adv).argmax(1) == labels).float().mean().item()

    loss = WeightedCrossEntropy(-100)
    assert robust_accuracy(Supervised(loss)) < 0.5
    attack = named("pgd-4", eps=0.05, step_size=0.025)
    assert robust_accuracy(AdversarialTraining(attack, loss)) > 0.85
