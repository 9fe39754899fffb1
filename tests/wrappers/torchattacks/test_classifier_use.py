"""Our attacks on classifiers as people use them, and misuse them."""

import warnings

import pytest
import torch
import torchattacks
from torch import nn

from art_segplugin.errors import InputError
from art_segplugin.wrappers.torchattacks import (
    SegFGSM,
    SegMultiAttack,
    SegPGD,
    TemperaturePGD,
    for_segmentation,
)

every_attack = pytest.mark.parametrize("face", [TemperaturePGD, SegPGD, SegFGSM])


def steps_of(face):
    return {} if face is SegFGSM else {"steps": 4}


@every_attack
def test_saved_and_loaded(classification, face, tmp_path, capsys):
    _, model, x, labels = classification
    dataset = torch.utils.data.TensorDataset(x, labels)
    attack = face(model, random_start=False, **steps_of(face))
    scores = attack.save(
        torch.utils.data.DataLoader(dataset, batch_size=3),
        tmp_path / "adv.pt",
        return_verbose=True,
        save_predictions=True,
    )
    adv_images = attack(x, labels)
    predicted = model(adv_images).argmax(1)
    assert scores.rob_acc == pytest.approx(100 * (predicted == labels).double().mean().item())
    assert f"/ Accuracy: {scores.rob_acc:.2f} %" in capsys.readouterr().out
    ((loaded, classes, predictions),) = face.load(tmp_path / "adv.pt", load_predictions=True)
    assert torch.equal(loaded, adv_images)
    assert torch.equal(classes, labels)
    assert torch.equal(predictions, predicted)
    ((theirs, _),) = torchattacks.PGD.load(tmp_path / "adv.pt")
    assert torch.equal(theirs, adv_images)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("normalised", [False, True])
def test_multi_attack_of_torchattacks(classification, order, normalised):
    _, model, x, labels = classification
    members = [
        TemperaturePGD(model, eps=0.01, alpha=0.005, steps=2, random_start=False),
        torchattacks.PGD(model, eps=0.02, steps=3, random_start=False),
    ][::order]
    both = torchattacks.MultiAttack(members)
    images = x
    if normalised:
        both.set_normalization_used([0.5] * 3, [0.2] * 3)
        images = both.normalize(x)
    each = torch.stack([model(a(images, labels)).argmax(1) != labels for a in members])
    adv_images = both(images, labels)
    assert torch.equal(model(adv_images).argmax(1) != labels, each.any(0))
    assert each.any()
    assert not each.all()
    rob_acc, *_ = both.save([(images, labels)], verbose=False, return_verbose=True)
    assert rob_acc == pytest.approx(100 * (~each.any(0)).double().mean().item())


@every_attack
def test_modes_and_gradients_are_left_as_they_were(classification, face):
    _, model, x, labels = classification
    model.train()
    model[0].net.body[1].eval()
    before = [module.training for module in model.modules()]
    adv_images = face(model, **steps_of(face))(x, labels)
    assert [module.training for module in model.modules()] == before
    assert all(p.grad is None for p in model.parameters())
    assert not adv_images.requires_grad


def test_one_attack_for_both_kinds_of_labels(classification):
    """What labels the last call had does not matter."""
    core, _, x, labels = classification
    net = core.net

    def model(images):  # answers as it is asked
        return net(images) if asked == "pixels" else net(images).mean((2, 3))

    attack = TemperaturePGD(model, steps=2, random_start=False)
    maps = net(x).argmax(1)
    asked = "pixels"
    expected = attack(x, maps)
    asked = "images"
    one_each = attack(x, labels)
    asked = "pixels"
    assert torch.equal(attack(x, maps), expected)
    assert not torch.equal(one_each, expected)


def test_no_images_give_no_images(classification):
    _, model, x, labels = classification
    attack = TemperaturePGD(model, steps=1)
    assert attack(x[:0], labels[:0]).shape == (0, 3, 7, 8)
    scores = attack.save([(x, labels), (x[:0], labels[:0])], verbose=False, return_verbose=True)
    assert scores.rob_acc >= 0


def test_probabilities_are_warned_of(classification):
    _, model, x, labels = classification
    with pytest.warns(UserWarning, match="looks like probabilities") as caught:
        TemperaturePGD(nn.Sequential(model, nn.Softmax(1)).eval(), steps=3)(x, labels)
    assert len(caught) == 1


@pytest.mark.parametrize(("scale", "warned"), [(1, 1), (15, 0)])
def test_cosines_that_are_not_scaled_are_warned_of(classification, scale, warned):
    _, model, x, labels = classification

    class Cosines(nn.Module):
        def forward(self, images):
            return scale * nn.functional.normalize(model(images), dim=1)

    cosines = Cosines().eval()
    labels = cosines(x).argmax(1)
    labels[0] = (labels[0] + 1) % 4
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        TemperaturePGD(cosines, steps=3, random_start=False)(x, labels)
    assert sum("looks like cosines" in str(warning.message) for warning in caught) == warned


BAD = {
    r"labels are torch.int64 of shape \(7,\); .* \(8, 7, 8\) for .*, or \(8,\), one per image": (
        lambda x, y: (x, y[1:])
    ),
    r"labels are torch.int64 of shape \(8, 4\)": (lambda x, y: (x, nn.functional.one_hot(y, 4))),
    "labels are torch.float32": lambda x, y: (x, y.float()),
    "labels hold -1; give classes from 0 on.$": lambda x, y: (x, y * 0 - 1),
    "labels hold 4 and the model has the classes 0 to 3.$": lambda x, y: (x, y * 0 + 4),
    "labels hold 255 and the model has": lambda x, y: (x, y * 0 + 255),
    "images go from .* to 255": lambda x, y: (x / x.max() * 255, y),
    "called without labels": lambda x, y: (x, None),
}


@every_attack
@pytest.mark.parametrize("words", BAD)
def test_bad_inputs_are_named(classification, face, words):
    _, model, x, labels = classification
    with pytest.raises(InputError, match=words) as caught:
        face(model, **steps_of(face))(*BAD[words](x, labels))
    assert str(caught.value).endswith(".")


def test_models_and_labels_that_do_not_fit(classification):
    core, model, x, labels = classification
    with pytest.raises(InputError, match=r"tensor \(8, 4, 7, 8\) for one label per image"):
        TemperaturePGD(core.net, steps=1)(x, labels)
    with pytest.raises(InputError, match=r"shape \(1, 4\).*is this a segmentation model"):
        TemperaturePGD(model, steps=1)(x, torch.zeros(8, 7, 8, dtype=torch.int64))
    with pytest.raises(InputError, match="one logit per class"):
        TemperaturePGD(lambda images: model(images)[:, :0], steps=1)(x, labels * 0)


def test_attacks_on_label_maps_only(classification):
    """torchattacks' own attack, and its `MultiAttack`, are there for the others."""
    _, model, x, labels = classification
    ours = TemperaturePGD(model, steps=1)
    for attack in (for_segmentation(torchattacks.PGD)(model), SegMultiAttack([ours, ours])):
        with pytest.raises(InputError, match=r"labels are .* of shape \(8,\)"):
            attack(x, labels)
