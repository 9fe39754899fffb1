from pathlib import Path

import pytest
import torch

from art_segplugin.attacks import named
from art_segplugin.cli import training
from art_segplugin.cli.train import TrainArgs
from art_segplugin.errors import InputError
from art_segplugin.training import OBJECTIVES
from art_segplugin.training.free import FreeAdversarialTraining


def typed(**options):
    return TrainArgs(out=Path("run"), **options)


def made(words, ignore_index=255, weights=None, **head):
    return training.objective_maker(words, ("a", "b"), ignore_index, **head)(weights)


def test_cross_entropy_has_no_attack_and_no_judge():
    words = typed()
    assert training.training_attack(words) is None
    assert training.validation_attack(words) is None
    assert made(words).name.startswith("cross-entropy")


def test_the_attack_is_the_judge():
    words = typed(objective="pgd-at", attack="pgd-4", eps="4/255")
    expected = named("pgd-4", eps=4 / 255, step_size=2 / 255)
    assert training.training_attack(words).described() == expected.described()
    assert training.validation_attack(words) == training.training_attack(words)
    objective = made(words, ignore_index=7)
    assert objective.attack.described()["ignore_index"] == 7
    assert objective.attack.eps == 4 / 255


@pytest.mark.parametrize(("name", "step"), [("free-at", None), ("fast-at", 10 / 255)])
def test_one_step_is_judged_by_more(name, step):
    words = typed(objective=name)
    assert training.validation_attack(words).name == "pgd-7"
    assert training.validation_attack(words).described()["eps"] == 8 / 255
    if step:
        assert training.training_attack(words).described()["step_size"] == pytest.approx(step)


def test_another_judge_has_the_radius_and_its_own_steps():
    judge = training.validation_attack(
        typed(objective="trades", eps="0.5/255", step_size="0.2/255", val_attack="pgd-10")
    )
    assert judge.described()["eps"] == 0.5 / 255
    assert judge.described()["step_size"] == 0.125 / 255
    assert (
        training.validation_attack(typed(val_attack="pgd-3", eps="1/255")).described()["eps"]
        == 1 / 255
    )
    assert training.validation_attack(typed(objective="fast-at", val_attack="fgsm")).name == "fgsm"


def test_only_an_attack_has_a_radius_that_rises():
    training.check_eps_warmup(typed(eps_warmup=0.0))
    training.check_eps_warmup(typed(objective="free-at", eps_warmup=0.5))
    with pytest.raises(InputError, match="leave --eps-warmup out, or give --objective pgd-at"):
        training.check_eps_warmup(typed(eps_warmup=0.5))


def test_steps_may_cross_the_whole_ball():
    words = typed(objective="pgd-at", eps="4/255", step_size="8/255")
    assert training.training_attack(words).described()["step_size"] == 8 / 255


def test_measured_weights_multiply_those_by_frequency(monkeypatch):
    measured, asked = torch.tensor([2.0, 0.5]), []
    monkeypatch.setattr(training, "measured_weights", lambda *a: asked.append(a) or measured)
    words = typed(objective="alp", class_robustness=Path("d.json"))
    both = made(words, weights=torch.tensor([1.0, 3.0]))
    assert both.loss.class_weights.tolist() == [2.0, 1.5]
    assert made(words).loss.class_weights.tolist() == [2.0, 0.5]
    assert asked[0] == (Path("d.json"), ("a", "b"), 1.0)


def test_what_was_given_is_what_is_used():
    assert made(typed(objective="segpgd-at", half=True)).half
    assert made(typed(objective="trades", weight=2.0)).weight == 2
    free = made(typed(objective="free-at", replays=3))
    assert isinstance(free, FreeAdversarialTraining)
    assert free.repeats == 3
    for name in OBJECTIVES:
        loss = made(typed(objective=name), scale=20.0, margin=0.3).loss
        assert (loss.scale, loss.margin) == (20, 0.3)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"objective": "mart"}, "objective 'mart' is unknown; choose from cross-"),
        ({"objective": "pgd-at", "eps": "eight"}, "'eight' is no number"),
        ({"objective": "pgd-at", "eps": "0"}, "eps is 0; expected a radius > 0, such as 8/255"),
        ({"objective": "free-at", "eps": "0/255"}, "eps is 0/255; expected"),
        ({"objective": "pgd-at", "step_size": "0"}, "the step size is 0; expected one > 0"),
        ({"objective": "pgd-at", "step_size": "nan"}, "step_size is nan; give a finite number"),
        (
            {"objective": "alp", "eps": "4/255", "step_size": "9/255"},
            "at most twice the radius 4/255",
        ),
        ({"objective": "fast-at", "step_size": "17/255"}, "at most twice the radius 8/255"),
        ({"objective": "pgd-at", "attack": "pgd-0"}, "steps is 0"),
        ({"objective": "pgd-at", "attack": "cw"}, "attack 'cw' is unknown"),
        ({"objective": "pgd-at", "eps": "8"}, "did you mean 8/255"),
        ({"objective": "pgd-at", "weight": 2.0}, "weight is for alp, trades"),
        ({"objective": "free-at", "step_size": "0.1"}, "leave the step size out"),
        ({"objective": "free-at", "replays": 0}, "replays is 0"),
        ({"class_robustness": Path("d.json")}, "give --objective pgd-at, segpgd-at, alp"),
        ({"attack": "pgd-7"}, "give --objective pgd-at"),
        ({"eps": "8/255"}, "give --objective pgd-at"),
        ({"val_attack": "pgd-2", "step_size": "0.1"}, "give --objective pgd-at"),
        ({"half": True}, "half is for pgd-at"),
        ({"objective": "alp", "strength": 2.0}, "give a diagnosis.json too"),
    ],
)
def test_what_does_not_fit_is_named(words, message):
    with pytest.raises(InputError, match=message):
        made(typed(**words))


def test_an_unknown_judge_is_named():
    with pytest.raises(InputError, match="attack 'cw' is unknown"):
        training.validation_attack(typed(objective="pgd-at", val_attack="cw"))
