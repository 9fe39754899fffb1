import pytest
import torch

from art_segplugin.attacks import named
from art_segplugin.errors import InputError
from art_segplugin.training import (
    OBJECTIVES,
    AdversarialLogitPairing,
    AdversarialTraining,
    FreeAdversarialTraining,
    Supervised,
    Trades,
    WeightedCrossEntropy,
    inner_attack,
    make_objective,
)

LOSS = WeightedCrossEntropy()


def test_every_name_makes_its_objective():
    kinds = {name: type(make_objective(name, LOSS)) for name in OBJECTIVES}
    assert kinds == {
        "cross-entropy": Supervised,
        "pgd-at": AdversarialTraining,
        "segpgd-at": AdversarialTraining,
        "alp": AdversarialLogitPairing,
        "trades": Trades,
        "free-at": FreeAdversarialTraining,
        "fast-at": AdversarialTraining,
    }


def test_usual_values_are_the_papers():
    assert make_objective("trades", LOSS).weight == 6.0
    assert make_objective("alp", LOSS).weight == 0.5
    assert make_objective("free-at", LOSS).repeats == 4
    assert make_objective("free-at", LOSS).eps == pytest.approx(8 / 255)
    assert make_objective("segpgd-at", LOSS).attack.named.name == "segpgd-7"


def test_arguments_arrive():
    assert make_objective("trades", LOSS, weight=0.0).weight == 0
    assert make_objective("alp", LOSS, weight=3.0).weight == 3
    assert make_objective("free-at", LOSS, replays=8).repeats == 8
    assert make_objective("segpgd-at", LOSS, half=True).half
    attack = named("segpgd-3", eps=0.1)
    assert make_objective("pgd-at", LOSS, attack).attack.named.options["eps"] == 0.1


@pytest.mark.parametrize(
    ("name", "attack", "step"),
    [
        ("pgd-at", "pgd-10", 0.02),
        ("pgd-at", "pgd-1", 0.1),
        ("segpgd-at", None, 0.2 / 7),
        ("fast-at", None, 0.125),
    ],
)
def test_steps_of_the_inner_attack_cross_the_ball(name, attack, step):
    built = inner_attack(name, attack, 0.1).build()
    assert built.step.size == pytest.approx(step)
    assert built.threat_model.eps == 0.1
    assert built.random_start


def test_given_step_sizes_win():
    assert inner_attack("fast-at", eps=0.1, step_size=0.1).build().step.size == 0.1
    assert inner_attack("pgd-at", "pgd-3", 0.1, 0.01).build().step.size == 0.01


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: make_objective("pgd", LOSS), "objective 'pgd' is unknown; choose from cross-"),
        (lambda: make_objective("alp", LOSS, half=True), "half is for pgd-at, segpgd-at"),
        (lambda: make_objective("pgd-at", LOSS, weight=1.0), "weight is for alp, trades"),
        (lambda: make_objective("alp", LOSS, weight=-1.0), "weight is -1.0"),
        (lambda: make_objective("alp", LOSS, weight=float("nan")), "weight is nan"),
        (lambda: make_objective("alp", LOSS, replays=2), "replays is for free-at"),
        (lambda: make_objective("free-at", LOSS, replays=0), "replays is 0"),
        (
            lambda: make_objective("fast-at", LOSS, named("pgd-7")),
            "fast-at has no attack to choose, and 'pgd-7' is given",
        ),
        (
            lambda: make_objective("cross-entropy", LOSS, named("pgd-1")),
            "cross-entropy has no attack to choose",
        ),
        (lambda: make_objective("trades", LOSS, named("segpgd-7")), "has a loss of its own"),
        (lambda: inner_attack("cross-entropy"), "cross-entropy has no attack"),
        (lambda: inner_attack("free-at", "pgd-7"), "free-at has no attack to choose"),
        (lambda: inner_attack("fast-at", "pgd-7"), "fast-at has no attack to choose"),
        (lambda: inner_attack("free-at", step_size=0.1), "steps of length eps"),
        (
            lambda: inner_attack("pgd-at", "apgd-10", 0.1, 0.02),
            "'apgd-10' has no step size to choose",
        ),
        (lambda: inner_attack("pgd-at", "fgsm", step_size=0.02), "step_size is 0.02 and 'fgsm'"),
        (lambda: inner_attack("segpgd-at", "segfgsm", step_size=0.02), "'segfgsm' has no step"),
        (lambda: inner_attack("pgd-at", "square"), "'square' is unknown"),
        (lambda: inner_attack("pgd-at", eps=-1.0), "eps is -1.0"),
    ],
)
def test_what_does_not_fit_is_named(make, words):
    with pytest.raises(InputError, match=words):
        make()


def test_a_loss_of_its_own_in_every_objective():
    weights = torch.tensor([1.0, 2.0])
    for name in OBJECTIVES:
        objective = make_objective(name, WeightedCrossEntropy(9, weights, 1.0, 0.5))
        assert objective.loss.ignore_index == 9
        assert '"margin": 0.5' in objective.name
