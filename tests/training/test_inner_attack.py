from dataclasses import replace

import pytest
import torch
from training import by_hand
from training.toy import batch, plain_model

from art_segplugin.attacks import named
from art_segplugin.core.losses import KLDivergence
from art_segplugin.core.threat_model import ThreatModel
from art_segplugin.errors import InputError
from art_segplugin.training.inner_attack import InnerAttack

EPS = 0.05


def random_starts(threat_model, images, seeds):
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    return threat_model.around(images).random_point(generators)


@pytest.mark.parametrize("norm", [1, 2, "inf"])
def test_the_start_of_an_image_does_not_depend_on_its_company(norm):
    threat_model, images = ThreatModel(EPS, norm), batch(4)
    together = random_starts(threat_model, images.images, images.seeds)
    alone = images.part([2])
    assert torch.equal(random_starts(threat_model, alone.images, alone.seeds), together[[2]])
    assert (together != images.images).flatten(1).any(1).all()
    assert (threat_model.distance(together, images.images) <= EPS + 1e-12).all()
    assert together.min() >= 0
    assert together.max() <= 1


def test_starts_are_uniform_in_the_ball():
    images = torch.full((8, 3, 16, 16), 0.5)
    starts = random_starts(ThreatModel(EPS), images, tuple(range(8))) - images
    assert starts.std() == pytest.approx(EPS / 3**0.5, rel=0.03)
    assert starts.abs().max() <= EPS + 1e-6
    assert abs(starts.mean()) < 0.002
    assert not torch.equal(starts[0], starts[1])


def test_the_attacked_image_does_not_depend_on_its_company():
    model, images = plain_model(), batch(4)
    attack = InnerAttack(named("pgd-3", eps=EPS, step_size=0.02), 255)
    together = attack(model, images)
    apart = [attack(model, images.part([i])) for i in range(4)]
    torch.testing.assert_close(torch.cat(apart), together, rtol=0, atol=1e-12)
    torch.testing.assert_close(together, by_hand.pgd(model, images, EPS, 0.02, 3))


def test_strength_makes_radius_and_step_smaller():
    built = InnerAttack(named("pgd-3", eps=0.04, step_size=0.02), 255).build(0.25)
    assert built.threat_model.eps == pytest.approx(0.01)
    assert built.step.size == pytest.approx(0.005)
    assert InnerAttack(named("fgsm", eps=0.04), 255).build(0.5).threat_model.eps == 0.02


def test_without_a_random_start_it_begins_at_the_image():
    model, images = plain_model(), batch(2)
    seen = []
    model.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].detach()))
    InnerAttack(named("pgd-1", eps=EPS, random_start=False), 255)(model, images)
    assert torch.equal(seen[0], images.images)
    InnerAttack(named("pgd-1", eps=EPS), 255)(model, images)
    assert not torch.equal(seen[1], images.images)


def test_it_takes_the_models_void():
    attack = InnerAttack(named("pgd-1", eps=EPS, ignore_index=255), 9)
    assert attack.build().ignore_index == 9
    assert attack.described()["ignore_index"] == 9


def test_the_loss_is_replaceable():
    model, images = plain_model(), batch(2)
    attack = InnerAttack(named("pgd-2", eps=EPS, step_size=EPS), 255)
    with torch.no_grad():
        reference = model.eval()(images.images)
    model.train()
    x_adv = attack(model, images, KLDivergence(reference))
    valid = images.labels != 255
    by_hands = by_hand.pgd(
        model,
        images,
        EPS,
        EPS,
        2,
        lambda logits: by_hand.divergences(reference, logits)[valid].sum(),
    )
    torch.testing.assert_close(x_adv, by_hands, rtol=0, atol=1e-12)
    assert not torch.equal(x_adv, attack(model, images))


def test_a_temperature_sweep_begins_at_the_starts_too():
    model, images = plain_model(torch.float32), batch(2, dtype=torch.float32)
    attack = InnerAttack(named("temperature-sweep-1", eps=EPS), 255)
    again = attack(model, images)
    assert torch.equal(attack(model, images), again)
    other = replace(images, seeds=(7, 8))
    assert not torch.equal(attack(model, other), again)


@pytest.mark.parametrize("name", ["segpgd-3", "apgd-3", "temperature-pgd-3"])
def test_attacks_with_a_loss_of_their_own_keep_it(name):
    attack = InnerAttack(named(name, eps=EPS), 255)
    with pytest.raises(InputError, match=f"the attack is '{name}', which has a loss of its own"):
        attack.build(loss=KLDivergence(torch.zeros(1, 1, 1, 1)))


def test_restarts_would_all_begin_at_one_point():
    with pytest.raises(InputError, match="restarts is 3 in 'pgd-2'"):
        InnerAttack(named("pgd-2", restarts=3), 255)
