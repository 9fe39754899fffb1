"""What our attacks make of ART's PyTorch classifiers, of their labels and of what is inside them."""

import numpy as np
import pytest
import torch
from art.defences.postprocessor import HighConfidence
from art.estimators.certification.randomized_smoothing import PyTorchRandomizedSmoothing
from art.estimators.classification.hugging_face import HuggingFaceClassifierPyTorch
from torch import nn
from transformers import ViTConfig, ViTForImageClassification

from art_segplugin import attacks
from art_segplugin.errors import InputError
from art_segplugin.models import Classifier
from art_segplugin.wrappers.art import SegFGSM, SegmentationPGD, SegPGD, TemperaturePGD

KINDS = [SegPGD, SegmentationPGD, TemperaturePGD, SegFGSM]
every_attack = pytest.mark.parametrize("kind", KINDS)


def seeded(seed=3):
    return torch.Generator().manual_seed(seed)


def quiet(kind, estimator, **options):
    if kind is not SegFGSM:
        options = {"max_iter": 4, **options}
    return kind(estimator, verbose=False, **options)


@every_attack
def test_labels_in_all_forms(classification, kind):
    y = classification.y
    attack = quiet(kind, classification.estimator)
    expected = attack.generate(classification.x, y, generator=seeded())
    one_hot = np.eye(4, dtype=np.float32)[y]
    forms = (y[:, None], one_hot, 0.1 + 0.6 * one_hot, y.astype(np.uint8), y.astype(float))
    for form in (*forms, torch.from_numpy(y), torch.from_numpy(one_hot)):
        assert np.array_equal(attack.generate(classification.x, form, generator=seeded()), expected)


@every_attack
@pytest.mark.parametrize("defence", [None, HighConfidence(2.0)], ids=["plain", "defended"])
def test_no_labels_means_what_the_model_says(classification, kind, defence):
    estimator = classification.with_options(postprocessing_defences=defence)
    attack = quiet(kind, estimator, batch_size=3)
    without = attack.generate(classification.x, generator=seeded())
    expected = attack.generate(classification.x, classification.y, generator=seeded())
    assert np.array_equal(without, expected)


def test_class_255_is_a_class(classification):
    """Labels of images have no void, so that no class of a large data set is left out."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 7 * 8, 300)).eval()
    estimator = classification.with_options(model=model)
    estimator.nb_classes = 300
    y = np.array([255, 254] * 4)
    for kind in KINDS:
        adversarial = quiet(kind, estimator, num_random_init=0, targeted=True).generate(
            classification.x, y
        )
        before, after = (estimator.compute_loss(x, y) for x in (classification.x, adversarial))
        assert (after < before - 0.1).all()


class ChannelsLast(nn.Module):
    """ART hands a classifier its images as they are, also with channels last."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x.permute(0, 3, 1, 2))


@every_attack
def test_channels_last(classification, kind):
    last = classification.with_options(
        model=ChannelsLast(classification.model), channels_first=False, input_shape=(7, 8, 3)
    )
    mask = np.zeros((7, 8, 1), bool)
    mask[4:] = True
    x, y = classification.x, classification.y
    result = quiet(kind, last).generate(x.transpose(0, 2, 3, 1), y, mask=mask, generator=seeded())
    expected = quiet(kind, classification.estimator).generate(
        x, y, mask=mask[..., 0], generator=seeded()
    )
    assert np.array_equal(result.transpose(0, 3, 1, 2), expected)
    assert not np.array_equal(expected, x)


def test_it_runs_in_evaluation_mode(classification):
    """Dropout and batch norm would otherwise make the answer another one."""
    expected = quiet(TemperaturePGD, classification.estimator, num_random_init=0).generate(
        classification.x, classification.y
    )
    classification.model.train()
    result = quiet(TemperaturePGD, classification.estimator, num_random_init=0).generate(
        classification.x, classification.y
    )
    assert np.array_equal(result, expected)


@every_attack
def test_modes_and_gradients_are_left_as_they_were(classification, kind, tmp_path):
    model = classification.model.train()
    model[0].net.body[1].eval()
    before = [module.training for module in model.modules()]
    kept = torch.ones_like(model[0].net.head.weight)
    model[0].net.head.weight.grad = kept
    for writer in (False, str(tmp_path)):
        attack = quiet(kind, classification.estimator, summary_writer=writer, num_random_init=2)
        adversarial = attack.generate(classification.x, classification.y)
        assert not np.array_equal(adversarial, classification.x)
        assert [module.training for module in model.modules()] == before
        assert model[0].net.head.weight.grad is kept
        assert (kept == 1).all()
        assert model[0].net.head.bias.grad is None


@pytest.mark.parametrize("inplace", [False, True])
def test_a_model_may_start_with_an_in_place_operation(classification, inplace):
    model = nn.Sequential(nn.Hardtanh(0.2, 0.8, inplace=inplace), *classification.model).eval()
    x = classification.x.copy()
    attack = quiet(SegmentationPGD, classification.with_options(model=model), num_random_init=0)
    result = attack.generate(x, classification.y)
    assert np.array_equal(x, classification.x)
    expected = attacks.pgd(steps=4, random_start=False)(
        nn.Sequential(nn.Hardtanh(0.2, 0.8), classification.core).eval(),
        classification.images(),
        classification.labels(),
    )
    assert np.array_equal(result, expected)


def test_a_model_of_ours_inside(classification):
    ours = Classifier(classification.core).eval()  # logits (n, c, 1, 1)
    result = quiet(TemperaturePGD, classification.with_options(model=ours)).generate(
        classification.x, classification.y, generator=seeded()
    )
    expected = quiet(TemperaturePGD, classification.estimator).generate(
        classification.x, classification.y, generator=seeded()
    )
    assert np.array_equal(result, expected)


def test_classifiers_of_transformers(classification):
    torch.manual_seed(0)
    config = ViTConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8,
        image_size=8, patch_size=4, num_labels=4,
    )  # fmt: skip
    estimator = HuggingFaceClassifierPyTorch(
        ViTForImageClassification(config).eval(), nn.CrossEntropyLoss(), (3, 7, 8), 4,
        clip_values=(0, 1), processor=lambda x: nn.functional.interpolate(x, (8, 8)),
        device_type="cpu",
    )  # fmt: skip
    y = estimator.predict(classification.x).argmax(1)
    adversarial = quiet(TemperaturePGD, estimator, eps=0.2, eps_step=0.05).generate(
        classification.x, y
    )
    before, after = (estimator.compute_loss(x, y) for x in (classification.x, adversarial))
    assert (after > before).all()


def test_of_a_smoothed_classifier_the_model_inside_is_attacked(classification):
    options = {"clip_values": (0, 1), "device_type": "cpu"}
    smoothed = PyTorchRandomizedSmoothing(
        classification.model, nn.CrossEntropyLoss(), (3, 7, 8), 4, **options
    )
    results = [
        quiet(TemperaturePGD, estimator).generate(
            classification.x, classification.y, generator=seeded()
        )
        for estimator in (smoothed, classification.estimator)
    ]
    assert np.array_equal(*results)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(168, 1)), "gives 2 logits .* nb_classes is 4"),
        (nn.Sequential(nn.Flatten(), nn.Linear(168, 3)), "gives 3 logits .* nb_classes is 4"),
        (nn.Conv2d(3, 4, 1), r"a tensor \(8, 4, 7, 8\) .* label maps"),
    ],
)
def test_models_that_are_no_classifiers(classification, model, words):
    attack = quiet(TemperaturePGD, classification.with_options(model=model))
    with pytest.raises(InputError, match=words):
        attack.generate(classification.x, classification.y)
