import pytest
import torch
from oracles import tiny_problem

from art_segplugin.attacks import apgd, pgd, segpgd
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.ensemble import Staged, WorstCase
from art_segplugin.core.modes import evaluation_mode
from art_segplugin.core.selectors import LowestAccuracy
from art_segplugin.core.steps import SteepestStep
from art_segplugin.core.threat_model import ThreatModel
from art_segplugin.errors import InputError


def test_leaves_no_trace_even_when_cancelled():
    model, x, labels = tiny_problem()
    model.train()
    model.head.eval()
    x_before, labels_before = x.clone(), labels.clone()
    buffers = {k: v.clone() for k, v in model.state_dict().items()}
    run = segpgd(0.1, 0.02, 10).iterates(model, x, labels)
    next(run)
    for _ in range(2):
        assert torch.is_grad_enabled()
        assert model.training
        assert model.body.training
        assert not model.head.training
        assert torch.equal(x, x_before)
        assert torch.equal(labels, labels_before)
        assert all(p.grad is None for p in model.parameters())
        assert all(torch.equal(v, buffers[k]) for k, v in model.state_dict().items())
        run.close()


def test_evaluation_mode_writes_no_flag_on_a_model_in_evaluation_mode():
    class Guarded(torch.nn.Linear):
        def __setattr__(self, name, value):
            assert name != "training" or not self.__dict__.get("sealed")
            super().__setattr__(name, value)

    layer = Guarded(1, 1).eval()
    layer.sealed = True
    with evaluation_mode(layer):
        assert not layer.training


def test_logits_are_freed_when_the_attack_goes_on():
    model, x, labels = tiny_problem()
    run = pgd(0.1, 0.02, 2).iterates(model, x, labels)
    first = next(run)
    assert torch.equal(first.forward.prediction, model(first.x_adv).argmax(1))
    next(run)
    with pytest.raises(RuntimeError, match="freed"):
        _ = first.forward.prediction


def test_call_returns_the_last_best_of_iterates():
    model, x, labels = tiny_problem()
    for attack in (segpgd(0.05, 0.02, 4), segpgd(0.05, 0.02, 4, restarts=3)):
        answer = attack(model, x, labels, generator=torch.Generator().manual_seed(1))
        run = list(attack.iterates(model, x, labels, generator=torch.Generator().manual_seed(1)))
        assert torch.equal(answer, run[-1].best)
        assert [i.step for i in run] == [*range(5)] * attack.restarts


def accuracy(model, x, labels):
    valid = labels != 255
    return ((model(x).argmax(1) == labels) & valid).flatten(1).sum(1)


def test_lowest_accuracy_wins_across_restarts():
    model, x, labels = tiny_problem(n=4)
    runs = list(
        pgd(0.03, 0.02, 3, restarts=6).iterates(
            model, x, labels, generator=torch.Generator().manual_seed(0)
        )
    )
    ends = [i for i in runs if i.step == 3]
    per_restart = torch.stack([accuracy(model, i.x_adv, labels) for i in ends])
    assert per_restart.min(0).values.ne(per_restart[-1]).any()  # else the test would show nothing
    assert torch.equal(accuracy(model, runs[-1].best, labels), per_restart.min(0).values)


def test_selector_chooses_within_a_restart():
    model, x, labels = tiny_problem()
    attack = GradientAttack(
        ThreatModel(0.05), SteepestStep(0.05), 6, select=LowestAccuracy(), random_start=True
    )
    runs = list(attack.iterates(model, x, labels))
    lowest = torch.stack([accuracy(model, i.x_adv, labels) for i in runs]).min(0).values
    assert torch.equal(accuracy(model, runs[-1].best, labels), lowest)
    assert runs[-1].best_success is not None


def test_works_inside_no_grad():
    model, x, labels = tiny_problem()
    attack = segpgd(0.05, 0.02, 3, random_start=False)
    with torch.no_grad():
        inside = attack(model, x, labels)
    assert torch.equal(inside, attack(model, x, labels))


def test_all_void_images_stay_finite_and_count_as_not_fooled():
    model, x, labels = tiny_problem()
    labels[0] = 255
    runs = list(segpgd(0.05, 0.02, 3, restarts=2).iterates(model, x, labels))
    assert runs[-1].best.isfinite().all()
    assert runs[-1].best_success[0] == 0
    assert all(i.forward.loss.isfinite().all() for i in runs)


def test_loss_share_of_fooled_pixels():
    model, x, labels = tiny_problem()
    forward = next(pgd(0.05, 0.02, 1, random_start=False).iterates(model, x, labels)).forward
    expected = []
    for n in range(len(x)):
        wrong = forward.pixel_loss[n][forward.fooled[n]].sum()
        expected.append(wrong / forward.pixel_loss[n].sum())
    torch.testing.assert_close(forward.loss_share_of_fooled, torch.stack(expected))


def test_other_bounds():
    model, x, labels = tiny_problem(dtype=torch.float64)
    options = {"steps": 3, "random_start": False}
    whole = pgd(8.0, 2.0, bounds=(0.0, 255.0), **options)
    scaled = whole(lambda images: model(images / 255), 255 * x, labels)
    torch.testing.assert_close(scaled / 255, pgd(8 / 255, 2 / 255, **options)(model, x, labels))


def test_nan_gives_no_success_and_does_not_spread():
    model, x, labels = tiny_problem()
    x[:, :, 3] = 0

    def broken(images):
        return model(images) + images.sqrt().sum(1, keepdim=True)  # infinite slope at 0

    for norm in (1, 2, "inf"):
        attack = pgd({1: 9.0, 2: 0.5, "inf": 0.05}[norm], 0.02, 3, norm=norm, random_start=False)
        assert attack(broken, x, labels).isfinite().all()
    nan = next(pgd(0.1, 0.1, 1).iterates(lambda images: model(images) * torch.nan, x, labels))
    assert not nan.forward.fooled.any()


@pytest.mark.parametrize("norm", [1, 2, "inf"])
def test_half_precision_stays_finite_and_counts_exactly(norm):
    model, x, labels = tiny_problem(size=(60, 70))
    attack = segpgd({1: 90.0, 2: 1.0, "inf": 0.05}[norm], 0.02, 2, norm=norm, restarts=2)
    mask = torch.zeros_like(labels, dtype=torch.bool)
    mask[:, :5] = True
    runs = list(attack.iterates(model.bfloat16(), x.bfloat16(), labels, mask=mask))
    assert runs[-1].best.isfinite().all()
    forward = runs[0].forward
    right = (forward.fooled.sum((1, 2)) / forward.valid.sum((1, 2))).float()
    assert torch.equal(forward.success_rate, right)
    assert forward.loss.isfinite().all()


@pytest.mark.parametrize("restarts", [1, 2])
def test_the_answer_does_not_depend_on_final_forward(restarts):
    model, x, labels = tiny_problem()
    attack = GradientAttack(
        ThreatModel(0.05), SteepestStep(0.05), 4, select=LowestAccuracy(), restarts=restarts
    )
    seeds = [torch.Generator().manual_seed(0) for _ in range(2)]
    ends = [
        list(attack.iterates(model, x, labels, generator=g, final_forward=f))[-1].best
        for g, f in zip(seeds, (True, False), strict=True)
    ]
    assert torch.equal(*ends)


def test_targeted_restarts_keep_the_most_pixels_on_target():
    model, x, labels = tiny_problem(n=4)
    wanted = torch.where(labels == 255, labels, (labels + 1) % 4)
    attack = pgd(0.03, 0.02, 3, restarts=5, targeted=True)
    runs = list(attack.iterates(model, x, wanted, generator=torch.Generator().manual_seed(0)))
    per_restart = torch.stack([accuracy(model, i.x_adv, wanted) for i in runs if i.step == 3])
    assert per_restart.max(0).values.ne(per_restart[-1]).any()
    assert torch.equal(accuracy(model, runs[-1].best, wanted), per_restart.max(0).values)


INFERENCE = [
    pgd(0.05, 0.02, 3),
    pgd(0.05, 0.02, 3, random_start=False),
    pgd(0.5, 0.2, 3, norm=2, random_start=False),
    pgd(9.0, 3.0, 3, norm=1, random_start=False),
    apgd(0.05, 4, random_start=False),
    WorstCase([pgd(0.05, 0.02, 2, random_start=False), segpgd(0.05, 0.02, 2, restarts=2)]),
    Staged([pgd(0.1, 0.02, 2), pgd(0.05, 0.02, 2)]),
]


@pytest.mark.parametrize("attack", INFERENCE)
@pytest.mark.parametrize("with_start", [False, True])
def test_tensors_made_in_inference_mode_are_as_good_as_others(attack, with_start):
    model, x, labels = tiny_problem()
    given = {"mask": labels != 2, "start": (x + 0.01).clamp(0, 1) if with_start else None}
    expected = attack(model, x, labels, **given, seeds=(1, 2))
    with torch.inference_mode():
        there = {name: None if value is None else value.clone() for name, value in given.items()}
        images, wanted = x.clone(), labels.clone()
        assert images.is_inference()
    runs = list(attack.iterates(model, images, wanted, **there, seeds=(1, 2)))
    assert torch.equal(runs[-1].best, expected)
    assert torch.equal(attack(model, images, wanted, **there, seeds=(1, 2)), expected)
    for tensor in (expected, runs[0].x_adv, runs[-1].best):
        assert not tensor.is_inference()


def test_radii_and_step_sizes_may_be_made_in_inference_mode():
    model, x, labels = tiny_problem()
    with torch.inference_mode():
        eps = torch.tensor([0.05, 0.02])
    x_adv = pgd(eps, eps / 2, 3)(model, x, labels)
    assert ((x_adv - x).abs().amax((1, 2, 3)) <= eps + 1e-6).all()


def test_a_model_made_in_inference_mode_is_named():
    _, x, labels = tiny_problem()
    with torch.inference_mode():
        model, *_ = tiny_problem()
    with pytest.raises(InputError, match="holds tensors made in inference mode"):
        pgd(0.05, 0.02, 2)(model, x, labels)
