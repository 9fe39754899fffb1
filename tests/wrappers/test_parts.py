"""Attacks that read layers or run in stages, behind the classes for ART and torchattacks."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from art.estimators.classification import PyTorchClassifier
from torch import nn

from art_segplugin.attacks import AttackSpec, pgd
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.ensemble import Staged
from art_segplugin.core.steps import SteepestStep
from art_segplugin.core.threat_model import ThreatModel
from art_segplugin.errors import InputError
from art_segplugin.models import Segmenter
from art_segplugin.wrappers.art import PyTorchSegmenter
from art_segplugin.wrappers.art import attacks as for_art
from art_segplugin.wrappers.torchattacks import attacks as for_torchattacks


@dataclass(frozen=True)
class Features:
    """What a layer gives, averaged over its channels."""

    layer: str

    @property
    def layers(self):
        return (self.layer,)

    def __call__(self, logits, labels, activations):
        features = activations[self.layer].mean(1, keepdim=True)
        return nn.functional.interpolate(features, logits.shape[-2:])[:, 0]


def feature_attack(
    eps: float = 0.05,
    steps: int = 3,
    layer: str = "0",
    ignore_index: int = 255,
    targeted: bool = False,
):
    """Raise a layer.

    Args:
        eps: radius.
        steps: of it.
        layer: its name.
        ignore_index: label of void pixels.
        targeted: the labels are wanted.
    """
    parts = {"loss": Features(layer), "random_start": False}
    parts |= {"targeted": targeted, "ignore_index": ignore_index}
    return GradientAttack(ThreatModel(eps), SteepestStep(eps / 4), steps, **parts)


def staged(eps: float = 0.05, steps: int = 2, ignore_index: int = 255, targeted: bool = False):
    """Shrink the radius.

    Args:
        eps: radius.
        steps: of a stage.
        ignore_index: label of void pixels.
        targeted: the labels are wanted.
    """
    parts = {"random_start": False, "targeted": targeted, "ignore_index": ignore_index}
    return Staged([pgd(factor * eps, eps / 4, steps, **parts) for factor in (2, 1.5, 1)])


torch.manual_seed(0)
X, LABELS = torch.rand(4, 3, 8, 9), torch.randint(0, 4, (4, 8, 9))
BODY = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())
SEGMENTS = nn.Sequential(*BODY, nn.Conv2d(8, 4, 1)).eval()
CLASSIFIES = nn.Sequential(*BODY, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4)).eval()
SPECS = [AttackSpec("Features", feature_attack), AttackSpec("Staged", staged)]
every_spec = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)


@every_spec
@pytest.mark.parametrize("curves", [False, True])
def test_segmenters(spec, curves, tmp_path):
    expected = spec.factory()(SEGMENTS, X, LABELS)
    assert not torch.equal(expected, X)
    estimator = PyTorchSegmenter(SEGMENTS, input_shape=(3, 8, 9), nb_classes=4, device_type="cpu")
    writer = str(tmp_path) if curves else False
    attack = for_art.class_of(spec, __name__)(
        estimator, batch_size=3, verbose=False, summary_writer=writer
    )
    assert torch.equal(attack.generate(X, LABELS), expected)
    kind = for_torchattacks.class_of(spec, __name__)
    for model in (SEGMENTS, Segmenter(SEGMENTS)):
        assert torch.equal(kind(model)(X, LABELS), expected)


@every_spec
def test_classifiers(spec):
    def core(images):
        return CLASSIFIES(images)[..., None, None]

    core.module = CLASSIFIES
    classes = LABELS[:, :1, :1]
    expected = spec.factory()(core, X, classes)
    estimator = PyTorchClassifier(
        CLASSIFIES, nn.CrossEntropyLoss(), (3, 8, 9), 4, clip_values=(0, 1), device_type="cpu"
    )
    attack = for_art.class_of(spec, __name__)(estimator, verbose=False)
    assert np.array_equal(attack.generate(X.numpy(), classes.flatten().numpy()), expected.numpy())
    kind = for_torchattacks.class_of(spec, __name__)
    assert torch.equal(kind(CLASSIFIES)(X, classes.flatten()), expected)


def test_a_layer_that_is_not_there():
    estimator = PyTorchSegmenter(SEGMENTS, input_shape=(3, 8, 9), nb_classes=4, device_type="cpu")
    attack = for_art.class_of(SPECS[0], __name__)(estimator, layer="head", verbose=False)
    with pytest.raises(InputError, match="layer 'head' does not exist"):
        attack.generate(X, LABELS)
    with pytest.raises(InputError, match="layer 'head' does not exist"):
        for_torchattacks.class_of(SPECS[0], __name__)(SEGMENTS, layer="head")(X, LABELS)
