"""ART's trainers on a segmenter, with our attack."""

import numpy as np
import torch
from art.data_generators import NumpyDataGenerator
from art.defences.trainer import AdversarialTrainer, AdversarialTrainerMadryPGD

from art_segplugin.wrappers.art import SegFGSM, SegPGD


def attack_of(problem):
    return SegPGD(problem.estimator, eps=0.06, eps_step=0.02, max_iter=4)


def accuracy_under_attack(problem):
    adversarial = SegPGD(
        problem.estimator, eps=0.06, eps_step=0.02, max_iter=6, num_random_init=0, verbose=False
    ).generate(problem.x, problem.y)
    return 1 - problem.estimator.compute_losses(adversarial, problem.y)["zero_one"].mean()


def test_adversarial_trainer_raises_the_accuracy_under_attack(trainable):
    torch.manual_seed(0)
    np.random.seed(0)
    statistics = trainable.model.body[1].running_mean.clone()
    before = accuracy_under_attack(trainable)
    trainer = AdversarialTrainer(trainable.estimator, attack_of(trainable), ratio=0.5)
    trainer.fit(trainable.x, trainable.y, batch_size=4, nb_epochs=12)
    assert accuracy_under_attack(trainable) > before + 0.1
    assert not torch.equal(trainable.model.body[1].running_mean, statistics)
    assert np.array_equal(trainer.predict(trainable.x), trainable.estimator.predict(trainable.x))


def test_adversarial_trainer_with_a_generator_and_two_attacks(trainable):
    before = trainable.model.head.weight.clone()
    attacks = [attack_of(trainable), SegFGSM(trainable.estimator)]
    generator = NumpyDataGenerator(trainable.x, trainable.y, batch_size=4)
    AdversarialTrainer(trainable.estimator, attacks, ratio=1.0).fit_generator(
        generator, nb_epochs=2
    )
    assert not torch.equal(trainable.model.head.weight, before)
    assert not any(attack.verbose for attack in attacks)  # ART switches the bars off for good


def test_madry_trainer_without_random_starts(trainable):
    before = trainable.model.head.weight.clone()
    trainer = AdversarialTrainerMadryPGD(
        trainable.estimator,
        nb_epochs=1,
        batch_size=4,
        eps=0.06,
        eps_step=0.02,
        max_iter=2,
        num_random_init=0,
    )
    trainer.fit(trainable.x, trainable.y)
    assert not torch.equal(trainable.model.head.weight, before)
