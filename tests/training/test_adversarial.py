import pytest
import torch
import torch.nn.functional as F
from training.toy import Toy, network, run

from art_segplugin.attacks import named, pgd
from art_segplugin.core.modes import evaluation_mode
from art_segplugin.errors import InputError
from art_segplugin.models import Classifier, Segmenter
from art_segplugin.training import AdversarialTraining, CrossEntropy

PGD_2 = named("pgd-2", eps=0.05, step_size=0.04)


def batch():
    sample = Toy()[0]
    return sample.image[None], sample.labels[None]


@pytest.mark.parametrize("weights", [None, torch.tensor([1.0, 2.0, 0.5])])
def test_is_the_loss_of_the_attacked_images(weights):
    model, (images, labels) = Segmenter(network(), classes=3).train(), batch()
    objective = AdversarialTraining(PGD_2, class_weights=weights)
    torch.manual_seed(0)
    loss = objective(model, images, labels, torch.Generator().manual_seed(5))

    seed = int(torch.randint(2**62, (), generator=torch.Generator().manual_seed(5)))
    twin = Segmenter(network(), classes=3).train()
    with evaluation_mode(twin):
        start = torch.Generator().manual_seed(seed)
        x_adv = pgd(0.05, 0.04, 2)(twin, images, labels, generator=start)
    torch.manual_seed(0)
    logits = twin(x_adv)
    expected = F.cross_entropy(logits, labels, weights, ignore_index=255)
    assert loss.requires_grad
    torch.testing.assert_close(loss, expected)
    clean = F.cross_entropy(model.eval()(images), labels, weights, ignore_index=255)
    attacked = F.cross_entropy(model(x_adv), labels, weights, ignore_index=255)
    assert attacked > clean + 0.01


def test_void_has_the_index_of_the_data():
    model, (images, labels) = Segmenter(network(), classes=3, ignore_index=9), batch()
    renamed = labels.masked_fill(labels == 255, 9)
    losses = [
        AdversarialTraining(PGD_2, index)(model.eval(), images, maps, torch.Generator())
        for index, maps in ((255, labels), (9, renamed))
    ]
    assert torch.equal(*losses)


def test_a_killed_run_ends_as_an_unbroken_one(tmp_path):
    def objective(weights):
        return AdversarialTraining(PGD_2, class_weights=weights)

    whole, steps = run(tmp_path / "whole", objective=objective)
    states = list(steps)
    for state in run(tmp_path / "broken", objective=objective)[1]:
        if state.step == 6:
            break
    resumed, rest = run(tmp_path / "broken", objective=objective, resume=True)
    list(rest)
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)
    assert list(states[-1].scores) == ["miou", "robust_miou"]
    assert states[-1].scores["robust_miou"] < states[-1].scores["miou"]
    assert states[-1].best == max(s.scores["robust_miou"] for s in states if s.scores)


def test_another_attack_does_not_resume_the_run(tmp_path):
    def objective(attack):
        return lambda weights: AdversarialTraining(attack, class_weights=weights)

    list(run(tmp_path, objective=objective(PGD_2), steps=2)[1])
    with pytest.raises(InputError, match="holds a run with objective"):
        next(run(tmp_path, objective=objective(named("pgd-3")), steps=2, resume=True)[1])


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
        net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 2))
        model = Classifier(net, classes=2)
        optimiser = torch.optim.Adam(net.parameters(), 0.05)
        for step in range(100):
            loss = objective(model, images, labels, torch.Generator().manual_seed(step))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        x_adv = pgd(0.05, 0.02, 10)(model, images, labels)
        return (model(x_adv).argmax(1) == labels).float().mean().item()

    assert robust_accuracy(CrossEntropy()) < 0.5
    attack = named("pgd-4", eps=0.05, step_size=0.025)
    assert robust_accuracy(AdversarialTraining(attack)) > 0.85
