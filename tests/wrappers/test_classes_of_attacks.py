"""The classes for ART and torchattacks are made from the specifications, for every kind of attack."""

import inspect
import pickle
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from oracles import tiny_problem

from art_segplugin.attacks import ATTACKS, AttackSpec
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.iterate import Iterate
from art_segplugin.core.losses import cross_entropy
from art_segplugin.core.selectors import SmallestDistance
from art_segplugin.core.steps import SteepestStep
from art_segplugin.core.task import TaskAttack
from art_segplugin.core.threat_model import ThreatModel
from art_segplugin.wrappers.art import PyTorchSegmenter
from art_segplugin.wrappers.art import attacks as for_art
from art_segplugin.wrappers.torchattacks import attacks as for_torchattacks

WITH_CLASS = [spec for spec in ATTACKS.values() if spec.class_name]
every_attack = pytest.mark.parametrize("spec", WITH_CLASS, ids=lambda spec: spec.name)


def problem():
    model, x, labels = tiny_problem()
    model.eval()
    estimator = PyTorchSegmenter(
        model, input_shape=(3, 12, 14), nb_classes=4, clip_values=(0, 1), device_type="cpu"
    )
    return model, x, labels, estimator


def seeded(seed=3):
    return torch.Generator().manual_seed(seed)


@every_attack
def test_both_classes_equal_the_factory_bit_for_bit(spec):
    model, x, labels, estimator = problem()
    few = {"steps": 3} if "steps" in spec.parameters else {}
    start = {"random_start": True} if "random_start" in spec.parameters else {}
    core = spec.factory(**start, **few)
    expected = core(model, x, labels, generator=seeded())
    renamed = {"max_iter": 3} if few else {}
    kind = getattr(for_art, spec.class_name)
    attack = kind(estimator, num_random_init=1, verbose=False, **renamed)
    found = attack.generate(x.numpy(), labels.numpy(), generator=seeded())
    assert np.array_equal(found, expected.numpy())
    torch.manual_seed(5)
    expected = core(model, x, labels)
    torch.manual_seed(5)
    attack = getattr(for_torchattacks, spec.class_name)(model, **start, **few)
    assert torch.equal(attack(x, labels), expected)


@every_attack
def test_both_classes_pickle_and_document_every_parameter(spec):
    model, _, _, estimator = problem()
    for module, first in ((for_art, estimator), (for_torchattacks, model)):
        kind = getattr(module, spec.class_name)
        assert kind.__module__ == module.__name__
        assert pickle.loads(pickle.dumps(kind)) is kind  # of our own making
        for name in inspect.signature(kind).parameters:
            assert f"\n        {name}: " in kind.__doc__
        assert kind(first) is not None


def nearest(steps: int = 2, share: float = 0.5, targeted: bool = False, ignore_index: int = 255):
    """Smallest perturbation.

    Args:
        steps: of a restart.
        share: to be fooled.
    """
    return GradientAttack(
        ThreatModel(None),
        SteepestStep(0.1),
        steps,
        restarts=2,
        targeted=targeted,
        ignore_index=ignore_index,
        compare=SmallestDistance(share),
    )


@dataclass(frozen=True, eq=False)
class Added(TaskAttack):
    delta: torch.Tensor
    threat_model: ThreatModel
    ignore_index: int = 255
    steps: int = 0
    restarts: int = 1
    targeted: bool = False

    def run(self, task, *, final_forward):
        x_adv = self.threat_model.around(task.images, task.mask).project(task.images + self.delta)
        yield Iterate(0, 0, x_adv, None, x_adv, None)


@dataclass(frozen=True, eq=False)
class SignOfTheMean:
    threat_model: ThreatModel

    def fits(self, model, batches, *, generator=None):
        total = 0.0
        for images, labels in batches:
            leaf = images.clone().requires_grad_()
            loss = cross_entropy(model(leaf), labels.masked_fill(labels == 255, 0))
            total = total + torch.autograd.grad(loss.sum(), leaf)[0].sum(0, keepdim=True)
            yield Added(self.threat_model.eps * total.sign(), self.threat_model)


def universal(eps: float = 0.05):
    """One perturbation for all.

    Args:
        eps: radius.
    """
    return SignOfTheMean(ThreatModel(eps))


def test_an_attack_without_a_radius_has_classes_without_one():
    spec = AttackSpec("Nearest", nearest, kind="minimum-norm")
    model, x, labels, estimator = problem()
    kind = for_art.class_of(spec, __name__)
    assert not {"eps", "random_eps", "eps_step"} & set(inspect.signature(kind).parameters)
    found = kind(estimator, max_iter=3, share=0.4, verbose=False).generate(
        x.numpy(), labels.numpy(), generator=seeded()
    )
    expected = nearest(3, 0.4)(model, x, labels, generator=seeded())
    assert np.array_equal(found, expected.numpy())
    kind = for_torchattacks.class_of(spec, __name__)
    assert list(inspect.signature(kind).parameters) == ["model", "steps", "share", "ignore_index"]
    torch.manual_seed(2)
    found = kind(model, 3)(x, labels)
    torch.manual_seed(2)
    assert torch.equal(found, nearest(3)(model, x, labels))


def test_a_universal_attack_is_fitted_to_all_that_it_is_given():
    spec = AttackSpec("Universal", universal, kind="universal")
    model, x, labels, estimator = problem()
    kind = for_art.class_of(spec, __name__)
    found = kind(estimator, batch_size=1, verbose=False).generate(x.numpy(), labels.numpy())
    change = found - x.numpy()
    inside = (x > 0.05) & (x < 0.95)
    both = (inside[0] & inside[1]).numpy()
    assert np.allclose(change[0][both], change[1][both], atol=1e-6)
    found = for_torchattacks.class_of(spec, __name__)(model)(x, labels)
    assert np.allclose((found - x).numpy(), change, atol=1e-6)


def test_steps_that_fall_are_those_of_the_attack():
    """`step_schedule` and a step size that is not given mean in the classes what they mean in the core."""
    from oracles import tiny_problem

    from art_segplugin.attacks import cospgd
    from art_segplugin.wrappers import art
    from art_segplugin.wrappers import torchattacks as ta

    model, x, labels = tiny_problem()
    options = {"steps": 4, "random_start": False, "step_schedule": "cosine"}
    expected = cospgd(0.05, **options)(model, x, labels)
    assert torch.equal(ta.CosPGD(model, eps=0.05, **options)(x, labels), expected)
    estimator = art.PyTorchSegmenter(
        model, input_shape=(3, 12, 14), nb_classes=4, clip_values=(0, 1), device_type="cpu"
    )
    attack = art.CosPGD(
        estimator, eps=0.05, max_iter=4, num_random_init=0, step_schedule="cosine", verbose=False
    )
    assert torch.equal(attack.generate(x, labels), expected)
    attack.set_params(random_eps=True)
    assert (attack.generate(x, labels) != x).any()
