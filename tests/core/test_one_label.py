"""One label per image: everything in the loop, with a classifier as a segmenter of one pixel."""

import pytest
import torch
import torch.nn.functional as F
from one_label import one_label_problem

from art_segplugin.attacks import pgd, segpgd
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.selectors import LowestAccuracy
from art_segplugin.core.steps import SteepestStep
from art_segplugin.core.threat_model import ThreatModel
from art_segplugin.core.types import NO_VOID
from art_segplugin.errors import InputError


def right(model, x, labels):
    return (model(x).argmax(1) == labels).flatten()


def test_pgd_is_what_a_classifier_would_get():
    model, x, labels = one_label_problem(dtype=torch.float64)
    labelled, y = x[:-1], labels[:-1].flatten()
    x_adv = labelled.clone()
    for _ in range(5):
        leaf = x_adv.clone().requires_grad_(True)
        F.cross_entropy(model(leaf).flatten(1), y, reduction="sum").backward()
        x_adv = x_adv + 0.01 * leaf.grad.sign()
        x_adv = (labelled + (x_adv - labelled).clamp(-0.03, 0.03)).clamp(0, 1)
    attack = pgd(0.03, 0.01, 5, random_start=False, ignore_index=NO_VOID)
    answer = attack(model, x, labels)
    torch.testing.assert_close(answer[:-1], x_adv, atol=1e-12, rtol=0)
    assert not right(model, answer[:-1], labels[:-1]).all()
    assert torch.equal(answer[-1], x[-1])  # void: nothing to attack


def test_forward_pass_is_that_of_one_pixel():
    model, x, labels = one_label_problem()
    attack = segpgd(0.05, 0.02, 3, random_start=False, ignore_index=NO_VOID)
    runs = list(attack.iterates(model, x, labels))
    for iterate in runs:
        forward = iterate.forward
        wrong = ~right(model, iterate.x_adv, labels)
        wrong[-1] = False
        assert forward.fooled.shape == forward.pixel_loss.shape == (6, 1, 1)
        assert torch.equal(forward.fooled.flatten(), wrong)
        assert torch.equal(forward.success_rate, wrong.float())
        expected = F.cross_entropy(
            model(iterate.x_adv).flatten(1),
            labels.flatten(),
            ignore_index=NO_VOID,
            reduction="none",
        )
        torch.testing.assert_close(forward.loss, expected)
        assert forward.weights is None or forward.weights[-1] == 0
    assert runs[-1].best_success.sum() > runs[0].best_success.sum() == 0


def test_restarts_keep_those_that_fool():
    model, x, labels = one_label_problem(n=24)
    attack = pgd(0.006, 0.006, 1, restarts=6, ignore_index=NO_VOID)
    runs = list(attack.iterates(model, x, labels, generator=torch.Generator().manual_seed(0)))
    fooled = torch.stack([i.forward.fooled.flatten() for i in runs if i.step == 1])
    assert (fooled.any(0) != fooled[-1]).any()  # else the test would show nothing
    assert torch.equal(runs[-1].best_success, fooled.any(0).float())
    assert torch.equal(~right(model, runs[-1].best, labels)[:-1], fooled.any(0)[:-1])


def test_selector_keeps_a_point_that_fooled():
    model, x, labels = one_label_problem(n=24)
    attack = GradientAttack(
        ThreatModel(0.03), SteepestStep(0.03), 5, select=LowestAccuracy(), ignore_index=NO_VOID
    )
    runs = list(attack.iterates(model, x, labels, generator=torch.Generator().manual_seed(1)))
    ever = torch.stack([i.forward.fooled.flatten() for i in runs]).any(0)
    assert torch.equal(runs[-1].best_success, ever.float())


@pytest.mark.parametrize("norm", [1, 2, "inf"])
def test_a_mask_has_the_size_of_the_images(norm):
    model, x, labels = one_label_problem()
    mask = torch.zeros(6, 7, 8, dtype=torch.bool)
    mask[:, :3] = True
    moved = pgd(0.5, 0.2, 3, norm=norm, ignore_index=NO_VOID)(model, x, labels, mask=mask) != x
    assert moved[:, :, :3].any()
    assert not moved[:, :, 3:].any()


def test_targeted():
    model, x, labels = one_label_problem()
    wanted = torch.where(labels == NO_VOID, labels, (labels + 1) % 4)
    attack = pgd(0.3, 0.05, 10, targeted=True, random_start=False, ignore_index=NO_VOID)
    answer = attack(model, x, wanted)
    assert right(model, answer, wanted).sum() > right(model, x, wanted).sum()


def of_many_classes(images):
    """257 logits of each image; class 255 is the brightness, the others are nothing."""
    logits = images.new_zeros(len(images), 257, 1, 1)
    logits[:, 255] = images.mean((1, 2, 3), keepdim=True)[:, 0]
    return logits


@pytest.mark.parametrize("ignore_index", [255, 0, NO_VOID])
def test_class_255_of_a_classifier_is_attacked(ignore_index):
    x, labels = torch.full((2, 3, 5, 5), 0.5), torch.tensor([255, 0]).view(2, 1, 1)
    attack = pgd(0.1, 0.02, 4, random_start=False, ignore_index=ignore_index)
    first, *_, last = attack.iterates(of_many_classes, x, labels)
    assert first.forward.valid.all()
    torch.testing.assert_close(last.best[0], x[0] - 0.08)
    torch.testing.assert_close(last.best[1], x[1] + 0.08)


def test_images_without_a_label_are_marked_by_a_negative_index_only():
    x, labels = torch.full((2, 3, 5, 5), 0.5), torch.tensor([255, -1]).view(2, 1, 1)
    attack = pgd(0.1, 0.02, 4, random_start=False, ignore_index=-1)
    answer = attack(of_many_classes, x, labels)
    torch.testing.assert_close(answer[0], x[0] - 0.08)
    assert torch.equal(answer[1], x[1])
    words = "hold class 255 and the model has 4 .* images without a label with a negative ignore_"
    model, x, _ = one_label_problem(n=2)
    with pytest.raises(InputError, match=words):
        pgd(0.1)(model, x, labels.abs())


def test_images_of_one_pixel_are_label_maps():
    """Else a crop of one pixel would count void as a class."""
    x, labels = torch.full((2, 3, 1, 1), 0.5), torch.tensor([255, 0]).view(2, 1, 1)
    answer = pgd(0.1, 0.02, 4, random_start=False)(of_many_classes, x, labels)
    assert torch.equal(answer[0], x[0])
    torch.testing.assert_close(answer[1], x[1] + 0.08)
