from dataclasses import replace

import pytest
import torch
from training import by_hand
from training.toy import batch, plain_model

from art_segplugin.attacks import named
from art_segplugin.errors import InputError
from art_segplugin.training import FreeAdversarialTraining, WeightedCrossEntropy

EPS = 0.03


def free(eps=EPS, **values):
    return FreeAdversarialTraining(named("pgd-1", eps=eps), WeightedCrossEntropy(), **values)


def test_is_algorithm_1_over_three_batches():
    """Loss, step of eps along the sign, clip, carried to the next batch: as the paper writes it."""
    model, objective = plain_model(), free()
    delta = torch.zeros(4, 3, 12, 16, dtype=torch.float64)
    for seed in range(3):
        images = batch(seed=seed)
        delta = delta.detach().requires_grad_()
        x_adv = (images.images + delta).clamp(0, 1)
        expected = by_hand.mean_cross_entropy(model(x_adv), images.labels)
        (gradient,) = torch.autograd.grad(expected, delta)
        found = objective(model, images)
        found.backward()
        torch.testing.assert_close(found, expected)
        objective.updated()
        delta = (delta.detach() + EPS * gradient.sign()).clamp(-EPS, EPS)
        torch.testing.assert_close(objective.state()["perturbation"], delta, rtol=0, atol=0)
    assert delta.abs().max() == EPS


def test_begins_with_the_images_themselves():
    model, images = plain_model(), batch()
    clean = by_hand.mean_cross_entropy(model(images.images), images.labels)
    torch.testing.assert_close(free()(model, images), clean)


def test_the_gradients_scale_does_not_matter():
    """As that of a loss multiplied for float16, whose gradients may overflow too."""
    states = []
    for factor in (1.0, 65536.0):
        model, images, objective = plain_model(), batch(), free()
        (factor * objective(model, images)).backward()
        objective.updated()
        states.append(objective.state()["perturbation"])
    assert torch.equal(*states)
    objective(model, images)
    objective._used[-1][1].grad = torch.full_like(images.images, float("nan"))
    objective.updated()
    assert torch.equal(objective.state()["perturbation"], states[0])


def test_the_radius_grows_with_the_strength():
    model, objective = plain_model(), free()
    objective(model, batch(strength=0.5)).backward()
    objective.updated()
    assert objective.state()["perturbation"].abs().max() == 0.5 * EPS


def stepped(objective, model, images):
    objective(model, images).backward()
    objective.updated()


def test_goes_on_from_its_state():
    model, objective = plain_model(), free()
    assert objective.state() == {}
    stepped(objective, model, batch())
    other = free()
    other.restore(objective.state())
    assert torch.equal(other(model, batch(seed=1)), objective(model, batch(seed=1)))
    assert not torch.equal(free()(model, batch(seed=1)), objective(model, batch(seed=1)))
    fresh = free()
    fresh.restore({})
    assert fresh.state() == {}


def test_the_perturbation_belongs_to_the_place():
    """Parts of a step, as micro-batches are, make the state of the whole."""
    model, images = plain_model(), batch()
    whole, parts = free(), free()
    stepped(whole, model, images)
    for places in ([0, 1], [2, 3]):
        (parts.terms(model, images.part(places)) / 100).backward()
    parts.updated()
    for name, value in whole.state().items():
        assert torch.equal(parts.state()[name], value)


def test_a_shorter_batch_leaves_the_other_places_as_they_are():
    """As the last one of an epoch is; what is not in it waits for the next."""
    model, objective = plain_model(), free()
    stepped(objective, model, batch(4))
    before = objective.state()["perturbation"]
    stepped(objective, model, batch(4, seed=1).part([0, 1]))
    after = objective.state()
    assert after["places"].tolist() == [0, 1, 2, 3]
    assert torch.equal(after["perturbation"][2:], before[2:])
    assert not torch.equal(after["perturbation"][:2], before[:2])
    straight = free()
    straight.restore(after)
    following = batch(4, seed=2)
    assert torch.equal(objective(model, following), straight(model, following))
    assert not torch.equal(objective(model, following), free()(model, following))


def test_of_a_state_of_many_processes_each_keeps_its_own():
    """Or old perturbations of the others would be gathered along with their new ones."""
    model, everyone = plain_model(), free()
    stepped(everyone, model, batch(6))
    one = free()
    one.restore(everyone.state())
    mine = replace(batch(6, seed=1).part([2, 3]))
    stepped(one, model, mine)
    assert one.state()["places"].tolist() == [2, 3]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: free(replays=0), "replays is 0"),
        (
            lambda: FreeAdversarialTraining(named("pgd-1", norm=2), WeightedCrossEntropy()),
            "the norm is 2.0",
        ),
    ],
)
def test_bad_values_are_named(make, words):
    with pytest.raises(InputError, match=words):
        make()


def test_images_have_one_size():
    model, objective = plain_model(), free()
    stepped(objective, model, batch())
    images = batch()
    smaller = replace(images, images=images.images[..., :8], labels=images.labels[..., :8])
    with pytest.raises(InputError, match="images of different sizes"):
        objective(model, smaller)
