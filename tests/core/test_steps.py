import pytest
import torch
from oracles import tiny_problem

from art_segplugin.attacks import pgd
from art_segplugin.core.steps import MomentumStep
from art_segplugin.core.threat_model import ThreatModel
from art_segplugin.errors import InputError


def test_momentum_is_equations_6_and_7_of_mi_fgsm():
    """Gradients are given, so that only the step rule is looked at."""
    torch.manual_seed(0)
    x = torch.rand(2, 3, 4, 5, dtype=torch.float64)
    gradients = torch.randn(6, 2, 3, 4, 5, dtype=torch.float64)
    step = MomentumStep(0.02, decay=0.7).start(ThreatModel(0.05).around(x), 6)
    model, images, labels = tiny_problem()
    forward = next(pgd().iterates(model, images, labels)).forward  # which this rule ignores
    ours, expected, velocity = x, x, torch.zeros_like(x)
    plain = x
    for gradient in gradients:
        ours = step(ours, gradient, forward)
        for n in range(2):
            velocity[n] = 0.7 * velocity[n] + gradient[n] / gradient[n].abs().mean()
        expected = (x + (expected + 0.02 * velocity.sign() - x).clamp(-0.05, 0.05)).clamp(0, 1)
        plain = (x + (plain + 0.02 * gradient.sign() - x).clamp(-0.05, 0.05)).clamp(0, 1)
    torch.testing.assert_close(ours, expected)
    assert not torch.allclose(ours, plain)


def test_no_decay_is_the_plain_step():
    model, x, labels = tiny_problem(dtype=torch.float64)
    options = {"eps": 0.05, "step_size": 0.01, "steps": 5, "random_start": False}
    torch.testing.assert_close(
        pgd(**options, decay=0.0)(model, x, labels), pgd(**options)(model, x, labels)
    )


def test_one_step_size_per_image_or_refusal():
    with pytest.raises(InputError, match="step_size has 3 values for 2 images"):
        MomentumStep(torch.ones(3)).start(ThreatModel(0.1).around(torch.zeros(2, 3, 4, 4)), 1)
