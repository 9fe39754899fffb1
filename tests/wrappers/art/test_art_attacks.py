"""ART's own attacks that can work on a segmenter, unmodified."""

import random

import numpy as np
import pytest
from art.attacks.evasion import (
    BasicIterativeMethod,
    FastGradientMethod,
    FeatureAdversariesPyTorch,
    MomentumIterativeMethod,
    ProjectedGradientDescentNumpy,
    SquareAttack,
)

from art_segplugin.errors import InputError
from art_segplugin.wrappers.art import AccuracyBelow, NegativeLoss, square_attack

EPS = 0.1
GRADIENT_ATTACKS = {
    "FGM": lambda e: FastGradientMethod(e, eps=EPS),
    "PGD": lambda e: ProjectedGradientDescentNumpy(
        e, eps=EPS, eps_step=0.03, max_iter=4, num_random_init=0, verbose=False
    ),
    "BIM": lambda e: BasicIterativeMethod(e, eps=EPS, eps_step=0.03, max_iter=4, verbose=False),
    "MIM": lambda e: MomentumIterativeMethod(e, eps=EPS, eps_step=0.03, max_iter=4, verbose=False),
}


def wrong(problem, x, y):
    return problem.estimator.compute_losses(x, y)["zero_one"].mean()


@pytest.mark.parametrize("attack", GRADIENT_ATTACKS.values(), ids=GRADIENT_ATTACKS)
@pytest.mark.parametrize("labels", ["indices", "one-hot", "none"])
def test_gradient_attacks(problem, attack, labels):
    y = problem.estimator.predict(problem.x, output="labels")
    one_hot = np.eye(4, dtype=np.float32)[y].transpose(0, 3, 1, 2)
    given = {"indices": y, "one-hot": one_hot, "none": None}[labels]
    adversarial = attack(problem.estimator).generate(problem.x, given)
    assert np.abs(adversarial - problem.x).max() <= EPS + 1e-6
    assert wrong(problem, adversarial, y) > 0.3


@pytest.mark.parametrize("attack", GRADIENT_ATTACKS.values(), ids=GRADIENT_ATTACKS)
def test_gradient_attacks_towards_a_target(problem, attack):
    target = np.full_like(problem.y, 2)
    face = attack(problem.estimator)
    face.set_params(targeted=True)
    adversarial = face.generate(problem.x, target)
    before, after = (problem.estimator.compute_loss(x, target) for x in (problem.x, adversarial))
    assert (after < before - 0.02).all()


def test_void_pixels_do_not_steer_pgd(problem):
    """Labels with void pixels are taken as they are; here only the last rows count."""
    y = problem.y.copy()
    y[:, :-2] = 255
    adversarial = GRADIENT_ATTACKS["PGD"](problem.estimator).generate(problem.x, y)
    moved = (adversarial != problem.x).any(1)
    assert not moved[:, :-5].any()  # the net sees 2 pixels far
    assert moved[:, -2:].any()


def test_summary_writer_of_art_pgd(problem, tmp_path):
    attack = ProjectedGradientDescentNumpy(
        problem.estimator, max_iter=2, summary_writer=str(tmp_path), verbose=False
    )
    attack.generate(problem.x, problem.y)
    assert list(tmp_path.rglob("events*"))


def test_feature_adversaries(problem):
    """Without the graph of the activations it would return x unchanged, and no error."""
    attack = FeatureAdversariesPyTorch(
        problem.estimator, delta=0.2, layer=-1, max_iter=10, step_size=0.05, verbose=False
    )
    source, guide = problem.x[:1], problem.x[1:]
    adversarial = attack.generate(source, guide)
    features = [problem.estimator.get_activations(x, -1) for x in (source, adversarial, guide)]
    before, after = (np.square(f - features[2]).sum() for f in features[:2])
    assert after < 0.7 * before
    assert np.abs(adversarial - source).max() <= 0.2 + 1e-6


@pytest.mark.parametrize("norm", [np.inf, 2])
def test_square_attack(problem, norm):
    np.random.seed(0)
    y = problem.estimator.predict(problem.x, output="labels")
    attack = SquareAttack(
        problem.estimator,
        norm=norm,
        adv_criterion=AccuracyBelow(0.5),
        loss=NegativeLoss(problem.estimator),
        max_iter=40,
        eps=0.3 if norm == np.inf else 3.0,
        p_init=0.3,
        verbose=False,
    )
    adversarial = attack.generate(problem.x, y)
    distance = np.linalg.norm((adversarial - problem.x).reshape(2, -1), ord=norm, axis=1)
    assert (distance <= attack.eps * (1 + 1e-5)).all()
    assert wrong(problem, adversarial, y) > 0.1


def test_square_attack_stops_when_the_criterion_is_met(problem):
    y = (problem.estimator.predict(problem.x, output="labels") + 1) % 4
    attack = SquareAttack(
        problem.estimator,
        adv_criterion=AccuracyBelow(0.5),
        loss=NegativeLoss(problem.estimator),
        p_init=0.3,
        verbose=False,
    )
    assert np.array_equal(attack.generate(problem.x, y), problem.x)


@pytest.mark.parametrize(
    ("norm", "shape"),
    [
        (np.inf, (3, 24, 30)),
        (np.inf, (3, 30, 24)),
        ("inf", (3, 20, 20)),
        (2, (3, 20, 20)),
        (2, (3, 24, 30)),
    ],
)
def test_square_attack_with_all_it_asks_for(problem, norm, shape):
    """By ART's default, squares of 0.8 of the area do not fit into images that are not square."""
    np.random.seed(0)
    random.seed(0)
    x = np.random.default_rng(0).random((3, *shape), dtype=np.float32)
    estimator = problem.with_options(input_shape=shape)
    y = estimator.predict(x, output="labels")
    y[:, 0] = 255
    options = {
        "norm": norm,
        "eps": 5.0 if norm == 2 else 0.3,
        "max_iter": 30,
        "verbose": False,
    }
    adversarial = square_attack(estimator, 0.8, batch_size=2, **options).generate(x, y)
    distance = np.linalg.norm((adversarial - x).reshape(3, -1), ord=float(norm), axis=1)
    assert (distance <= options["eps"] * (1 + 1e-5)).all()
    assert (estimator.compute_loss(adversarial, y) > estimator.compute_loss(x, y) + 0.003).all()


def test_square_attack_that_cannot_be(problem):
    with pytest.raises(InputError, match="no clip_values"):
        square_attack(problem.with_options(clip_values=None))
    with pytest.raises(InputError, match="did you mean 8/255"):
        square_attack(problem.estimator, eps=8)
    with pytest.raises(InputError, match="threshold is 2"):
        square_attack(problem.estimator, 2)
    for norm, size in ((1, (20, 20)), (2, (30, 24)), (2, (8, 20))):
        with pytest.raises(InputError, match="at least 10 rows and no more rows than columns"):
            square_attack(problem.with_options(input_shape=(3, *size)), norm=norm)


def test_attacks_of_art_leave_the_mode_alone(problem):
    problem.model.train()
    GRADIENT_ATTACKS["PGD"](problem.estimator).generate(problem.x, problem.y)
    assert all(module.training for module in problem.model.modules())
