import pickle

import pytest
import torch
import torchattacks
from oracles import tiny_problem

from art_segplugin.errors import InputError
from art_segplugin.wrappers.torchattacks import SegFGSM, SegMultiAttack, SegPGD, for_segmentation


def accuracy(model, images, labels):
    valid = labels != 255
    right = (model(images).argmax(1) == labels) & valid
    return right.flatten(1).sum(1) / valid.flatten(1).sum(1)


def test_the_worst_case_of_each_image():
    model, x, labels = tiny_problem(n=6)
    first = SegFGSM(model, eps=torch.tensor([0.0, 0.1, 0.0, 0.1, 0.02, 0.02]))
    second = for_segmentation(torchattacks.PGD)(model, eps=0.04, random_start=False)
    attack = SegMultiAttack([first, second])
    assert isinstance(attack, torchattacks.MultiAttack)
    adv_images = attack(x, labels)
    each = torch.stack([accuracy(model, a(x, labels), labels) for a in (first, second)])
    assert len(set(each.argmin(0).tolist())) == 2  # each wins somewhere
    assert torch.equal(accuracy(model, adv_images, labels), each.amin(0))


def test_never_better_than_the_clean_image():
    model, x, labels = tiny_problem()
    labels = torch.where(labels == 255, 255, (model(x).argmax(1) + 1) % 4)  # all wrong
    helping = for_segmentation(torchattacks.PGD)(model, random_start=False)
    helping.set_mode_targeted_by_function(lambda images, labels: labels, quiet=True)
    assert (accuracy(model, helping(x, labels), labels) > 0).all()
    assert torch.equal(SegMultiAttack([helping, helping])(x, labels), x)


def test_normalisation_of_the_attacks_is_adopted():
    model, x, labels = tiny_problem()
    attacks = [SegPGD(model, steps=2, random_start=False), SegFGSM(model)]
    for attack in attacks:
        attack.set_normalization_used([0.5] * 3, [0.2] * 3)
    both = SegMultiAttack(attacks)
    normalised = attacks[0].normalize(x)
    adv_images = both(normalised, labels)
    expected = torch.stack([accuracy(model, a(normalised, labels), labels) for a in attacks])
    assert torch.equal(accuracy(model, adv_images, labels), expected.amin(0))
    assert both._normalization_applied is attacks[0]._normalization_applied is True


def test_verbose_pickle_and_save(capsys, tmp_path):
    model, x, labels = tiny_problem()
    attack = SegMultiAttack([SegFGSM(model, eps=0.1), SegFGSM(model)], verbose=True)
    adv_images = attack(x, labels)
    wrong = 100 * (1 - accuracy(model, adv_images, labels).mean())
    assert capsys.readouterr().out == f"Wrong pixels: {wrong:.2f} % | {wrong:.2f} %\n"
    copy = pickle.loads(pickle.dumps(attack))  # of our own making
    assert torch.equal(copy(x, labels), adv_images)
    scores = copy.save([(x, labels)], tmp_path / "adv.pt", return_verbose=True)
    assert scores.rob_acc == pytest.approx(100 - wrong.item(), abs=1e-3)
    ((loaded, _),) = SegMultiAttack.load(tmp_path / "adv.pt")
    assert torch.equal(loaded, adv_images)


def normalised(attack):
    attack.set_normalization_used([0.5] * 3, [0.2] * 3)
    return attack


@pytest.mark.parametrize(
    ("attacks", "words"),
    [
        (lambda m: [], "0 attacks were given"),
        (lambda m: [SegPGD(m)], "1 attacks were given"),
        (lambda m: [SegPGD(m), torchattacks.PGD(m)], r"attacks\[1\] is a PGD, .* for_segmentation"),
        (lambda m: [SegPGD(m), SegPGD(m, ignore_index=0)], r"ignore_index \[0, 255\]"),
        (lambda m: [SegPGD(m), normalised(SegPGD(m))], "normalised differently"),
    ],
)
def test_attacks_that_do_not_fit_are_named(attacks, words):
    with pytest.raises(InputError, match=words):
        SegMultiAttack(attacks(tiny_problem()[0]))


def test_labels_are_no_targets():
    model, x, labels = tiny_problem()
    attack = SegMultiAttack([SegPGD(model, steps=1), SegPGD(model, steps=1)])
    attack.attacks[1].set_mode_targeted_by_label(quiet=True)
    with pytest.raises(InputError, match=r"attacks\[1\] aims at the labels"):
        attack(x, labels)


def test_one_model():
    with pytest.raises(ValueError, match="different model"):
        SegMultiAttack([SegPGD(tiny_problem()[0]), SegPGD(tiny_problem()[0])])
