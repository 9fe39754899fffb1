"""Our attacks on classifiers, with labels (n,), as torchattacks has them."""

from types import SimpleNamespace

import pytest
import torch
import torchattacks
from torch import nn

from art_segplugin import attacks
from art_segplugin.models import Classifier
from art_segplugin.wrappers.torchattacks import (
    SegFGSM,
    SegPGD,
    TemperaturePGD,
)

RECIPES = {
    TemperaturePGD: attacks.temperature_pgd,
    SegPGD: attacks.segpgd,
    SegFGSM: attacks.segfgsm,
}


every_attack = pytest.mark.parametrize("face", RECIPES)


every_mode = pytest.mark.parametrize("mode", ["by_label", "by_function", "random", "least_likely"])


def seeded(attack, *arguments, **options):
    torch.manual_seed(5)
    return attack(*arguments, **options)


def steps_of(face):
    return {} if face is SegFGSM else {"steps": 4}


@every_attack
@pytest.mark.parametrize(
    "options", [{}, {"norm": 2, "eps": 0.5}, {"restarts": 3}, {"random_start": True}], ids=str
)
@pytest.mark.parametrize("masked", [False, True])
def test_the_face_equals_the_core_bit_for_bit(classification, face, options, masked):
    core, model, x, labels = classification
    options = {**steps_of(face), **options}
    mask = torch.rand(8, 7, 8) < 0.5 if masked else None
    expected = seeded(RECIPES[face](**options), core, x, labels.view(-1, 1, 1), mask=mask)
    assert not torch.equal(expected, x)
    result = seeded(face(model, **options), x, labels, mask=mask)
    assert torch.equal(result, expected)
    assert (result.shape, result.dtype) == (x.shape, x.dtype)


@pytest.mark.parametrize(
    "pack",
    [lambda logits: logits[..., None, None], lambda logits: SimpleNamespace(logits=logits)],
)
def test_every_kind_of_output(classification, pack):
    _, model, x, labels = classification
    expected = seeded(TemperaturePGD(model, steps=3), x, labels)
    packed = TemperaturePGD(lambda images: pack(model(images)), steps=3)
    assert torch.equal(seeded(packed, x, labels), expected)


def test_a_model_of_ours(classification):
    core, model, x, labels = classification
    attack = TemperaturePGD(Classifier(core).eval(), steps=3)
    assert torch.equal(seeded(attack, x, labels), seeded(TemperaturePGD(model, steps=3), x, labels))


def test_temperature_1_is_the_pgd_of_torchattacks(classification):
    _, model, x, labels = classification
    options = {"eps": 0.1, "alpha": 0.03, "steps": 6, "random_start": False}
    theirs, ours = (
        make(model, **options, **more)
        for make, more in ((torchattacks.PGD, {}), (TemperaturePGD, {"temperature": 1}))
    )
    for mode in ("default", "targeted_by_label"):
        if mode != "default":
            labels = (labels + 1) % 4
            theirs.set_mode_targeted_by_label(quiet=True)
            ours.set_mode_targeted_by_label(quiet=True)
        expected, result = theirs(x, labels), ours(x, labels)
        # The loss is a mean there and a sum here, which flips the sign of a few tiny gradients.
        assert ((result - expected).abs() < 1e-6).double().mean() >= 0.999
        assert (result - x).abs().max() == pytest.approx(0.1, rel=1e-4)


def test_a_saturated_classifier_stops_pgd_but_not_temperature_pgd(classification):
    _, model, x, labels = classification
    two = model(x).detach().topk(2).values
    ahead = 200 / (two[:, 0] - two[:, 1]).min()  # e^-200 is 0 in float32
    for weights in model[0].net.head.parameters():
        weights.data *= ahead
    options = {"eps": 0.1, "alpha": 0.02, "steps": 10, "random_start": False}
    assert torch.equal(torchattacks.PGD(model, **options)(x, labels), x)
    adv_images = TemperaturePGD(model, **options)(x, labels)
    assert not (model(adv_images).argmax(1) == labels).any()


@every_attack
def test_class_255_is_a_class(face):
    """Labels of images have no void, so that no class of a large data set is left out."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(75, 300)).eval()
    x, labels = torch.rand(2, 3, 5, 5), torch.tensor([255, 254])
    attack = face(model, random_start=False)
    attack.set_mode_targeted_by_label(quiet=True)
    before, after = (
        nn.functional.cross_entropy(model(images), labels, reduction="none")
        for images in (x, attack(x, labels))
    )
    assert (after < before - 0.1).all()
    attack.set_mode_targeted_random(quiet=True)
    assert not (attack.get_target_label(x, labels) == labels).any()
    attack.set_mode_default()
    scores = attack.save([(x, model(x).argmax(1) * 0 + 255)], verbose=False, return_verbose=True)
    assert scores.rob_acc == 0  # not NaN, which it would be without a valid label


@every_attack
@every_mode
def test_targeted_modes(classification, face, mode):
    _, model, x, labels = classification
    attack = face(model, eps=0.1, random_start=False, **steps_of(face))
    chosen = (labels + 1) % 4
    arguments = (lambda images, labels: (labels + 1) % 4,) if mode == "by_function" else ()
    getattr(attack, f"set_mode_targeted_{mode}")(*arguments, quiet=True)
    given = chosen if mode == "by_label" else labels
    targets = seeded(attack.get_target_label, x, given)
    assert targets.shape == labels.shape
    assert not (targets == labels).any()
    if mode.startswith("by"):
        assert torch.equal(targets, chosen)
    adv_images = seeded(attack, x, given)
    before, after = (nn.functional.cross_entropy(model(i), targets) for i in (x, adv_images))
    assert after < before


@pytest.mark.parametrize("kth_min", [1, 2, 3])
def test_least_likely_targets_are_those_of_torchattacks(classification, kth_min):
    _, model, x, labels = classification
    ours, theirs = TemperaturePGD(model), torchattacks.PGD(model)
    for attack in (ours, theirs):
        attack.set_mode_targeted_least_likely(kth_min, quiet=True)
    expected = theirs.get_target_label(x, labels)
    assert torch.equal(ours.get_target_label(x, labels), expected)


def test_random_targets_are_uniform_over_the_other_classes(classification):
    _, model, x, labels = classification
    attack = TemperaturePGD(model)
    attack.set_mode_targeted_random(quiet=True)
    torch.manual_seed(0)
    draws = torch.stack([attack.get_target_label(x, labels) for _ in range(300)])
    shares = torch.bincount(((draws - labels) % 4).flatten(), minlength=4) / draws.numel()
    torch.testing.assert_close(shares, torch.tensor([0, 1 / 3, 1 / 3, 1 / 3]), rtol=0, atol=0.03)


def test_normalised_images(classification):
    core, model, x, labels = classification
    mean, std = (0.48, 0.45, 0.4), (0.22, 0.23, 0.25)
    expected = attacks.temperature_pgd(steps=3, random_start=False)(
        Classifier(core, mean=mean, std=std).eval(), x, labels.view(-1, 1, 1)
    )
    attack = TemperaturePGD(model, steps=3, random_start=False)
    attack.set_normalization_used(mean, std)
    adv_images = attack.inverse_normalize(attack(attack.normalize(x), labels))
    far = (adv_images - expected).abs() > 1e-6
    assert far.float().mean() < 0.01  # a sign may flip where undoing the normalisation rounds


@pytest.mark.gpu
def test_cuda_agrees_with_the_cpu(classification):
    _, model, x, labels = classification
    model, x = model.double(), x.double()
    attack = TemperaturePGD(model, random_start=False)
    expected = attack(x, labels)
    model.cuda()
    on_cuda = attack(x.cuda(), labels.cuda())
    assert on_cuda.is_cuda
    torch.testing.assert_close(on_cuda.cpu(), expected, rtol=0, atol=1e-9)
    assert torch.equal(attack(x, labels), on_cuda)
    both = torchattacks.MultiAttack([attack, torchattacks.PGD(model)])
    assert both(x, labels).is_cuda
