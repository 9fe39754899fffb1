import pytest
import torch

from art_segplugin.attacks import named
from art_segplugin.cli.class_robustness import measured_weights
from art_segplugin.cli.networks import make_network
from art_segplugin.cli.objectives import make_objective
from art_segplugin.errors import InputError
from art_segplugin.evaluation import DiagnosisReport
from art_segplugin.models import Classifier, load_checkpoint
from art_segplugin.training import robustness_weights


def test_trains_a_classifier_adversarially(run, tmp_path):
    arguments = (
        "train", "--data", "digits", "--count", 60, "--val-count", 20, "--network",
        "resnet:width=4,blocks=1", "--objective", "pgd-at", "--attack", "pgd-2", "--eps", "4/255",
        "--steps", 3, "--batch-size", 20, "--validate-every", 2,
    )  # fmt: skip
    status, output, message = run(*arguments, "--out", tmp_path / "at")
    assert status == 0
    assert "validation accuracy" in message
    assert "Best validation accuracy under attack" in output
    model = load_checkpoint(tmp_path / "at" / "best.safetensors")
    assert type(model) is Classifier
    assert model.info.classes == tuple("0123456789")
    assert model.info.options == {"classes": 10, "width": 4, "blocks": 1}
    assert set(model.info.scores) == {"accuracy", "robust_accuracy"}

    start = ("--init", tmp_path / "at" / "best.safetensors", "--out", tmp_path / "on")
    status, _, message = run("train", "--data", "digits", "--count", 20, "--steps", 1, *start)
    assert status == 0, message
    assert load_checkpoint(tmp_path / "on" / "best.safetensors").info.options == model.info.options


def test_networks_by_name():
    name, options, module = make_network("resnet:width=8,stem_stride=1", 5, "classification")
    assert (name, options) == ("resnet", {"classes": 5, "width": 8, "stem_stride": 1})
    assert module(torch.rand(1, 3, 16, 16)).shape == (1, 5)
    assert make_network(None, 5, "segmentation")[0] == "small"


@pytest.mark.parametrize(
    ("spec", "task", "words"),
    [
        ("vgg", "classification", "the network is 'vgg'; for classification data give 'resnet'"),
        ("resnet", "segmentation", "for segmentation data give 'small'"),
        ("resnet:depth=3", "classification", "does not take these options"),
        ("resnet:width=wide", "classification", "'width=wide' is no option of a network"),
        ("resnet:width=4.9", "classification", "'width=4.9' is no option"),
        ("resnet:width=nan", "classification", "'width=nan' is no option"),
        ("resnet:classes=3", "classification", "'classes=3' is no option"),
        ("resnet:width=0", "classification", "width is 0"),
    ],
)
def test_bad_networks_are_named(spec, task, words):
    with pytest.raises(InputError, match=words):
        make_network(spec, 5, task)


def test_objectives_by_name():
    plain = make_objective("cross-entropy", None, None, None, 255)(None)
    assert (plain.name, plain.attack) == ("cross-entropy", None)
    measured, frequent = torch.tensor([2.0, 0.5]), torch.tensor([1.0, 3.0])
    robust = make_objective("pgd-at", "pgd-4", "4/255", None, 7, measured)(frequent)
    expected = named("pgd-4", eps=4 / 255, step_size=2 / 255, ignore_index=7)
    assert robust.attack.threat_model.eps == expected.build().threat_model.eps
    assert robust.attack.step.size == expected.build().step.size
    assert robust.attack.ignore_index == 7
    assert '"weights": [2.0, 1.5]' in robust.name
    alone = make_objective("pgd-at", "pgd-1", "8/255", None, 255, measured)(None)
    assert alone.attack.step.size == 8 / 255
    assert '"weights": [2.0, 0.5]' in alone.name
    assert '"weights": null' in make_objective("pgd-at", "fgsm", None, None, 255)(None).name


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("trades", "pgd-7", None, None, 255), "objective 'trades' is unknown; choose from cross-"),
        (("pgd-at", "pgd-7", "eight", None, 255), "'eight' is no number"),
        (("pgd-at", "pgd-0", None, None, 255), "steps is 0"),
        (("pgd-at", "cw", None, None, 255), "attack 'cw' is unknown"),
        (("pgd-at", None, "8", None, 255), "did you mean 8/255"),
        (("cross-entropy", None, None, None, 255, torch.ones(2)), "give --objective pgd-at"),
        (("cross-entropy", "pgd-7", None, None, 255), "give --objective pgd-at"),
        (("cross-entropy", None, "8/255", None, 255), "give --objective pgd-at"),
    ],
)
def test_bad_objectives_are_named(arguments, words):
    with pytest.raises(InputError, match=words):
        make_objective(*arguments)


def test_start_and_network_exclude_each_other(run, checkpoint, tmp_path):
    status, _, message = run(
        "train", "--init", checkpoint, "--network", "small", "--out", tmp_path / "x"
    )
    assert status == 2
    assert "give one" in message


def test_a_classifier_does_not_start_from_a_segmenter(run, checkpoint, tmp_path):
    status, _, message = run(
        "train", "--data", "digits", "--init", checkpoint, "--out", tmp_path / "x"
    )
    assert status == 2
    assert "is a model of segmentation, the data are of classification" in message


def test_measured_robustness_weighs_the_classes(run, tmp_path):
    digits = ("--data", "digits", "--count", 40, "--batch-size", 20)
    status, _, message = run(
        "train", *digits, "--val-count", 20, "--network", "resnet:width=4,blocks=1", "--steps", 2,
        "--out", tmp_path / "at",
    )  # fmt: skip
    assert status == 0, message
    model = tmp_path / "at" / "best.safetensors"
    report = tmp_path / "diagnosis" / "diagnosis.json"
    status, _, message = run(
        "diagnose", "--model", model, *digits, "--attack", "pgd-2", "--attack", "pgd-3",
        "--eps", "0.5/255", "--out", report.parent,
    )  # fmt: skip
    assert status == 0, message
    diagnosed = DiagnosisReport.load(report)
    weakest = min(diagnosed.models[0].results[1:], key=lambda result: result.accuracy)
    weights = measured_weights(report, diagnosed.classes, 2.0)
    expected = robustness_weights(torch.tensor(weakest.class_accuracy), 2.0)
    assert torch.equal(weights, expected)
    assert weights.max() > weights.min()

    again = ("train", *digits, "--val-count", 20, "--init", model, "--objective", "pgd-at",
             "--attack", "pgd-1", "--steps", 2, "--out", tmp_path / "on")  # fmt: skip
    status, _, message = run(*again, "--class-robustness", report)
    assert status == 0, message
    status, _, message = run(*again, "--resume")
    assert status == 2, message
    assert "holds a run with objective" in message
    with pytest.raises(InputError, match=r"about the classes 0, 1, .* the training data have a, b"):
        measured_weights(report, ("a", "b"), 2.0)
    with pytest.raises(InputError, match=r"nothing\.json is not a diagnosis"):
        measured_weights(tmp_path / "nothing.json", ("a",), 2.0)


def test_strength_is_that_of_a_diagnosis(run, tmp_path):
    status, _, message = run("train", "--data", "digits", "--strength", 2, "--out", tmp_path / "x")
    assert status == 2
    assert "give a diagnosis.json too" in message


def test_a_foreign_network_is_no_start(run, tmp_path):
    code = tmp_path / "mine.py"
    code.write_text("import torch\ndef net():\n    return torch.nn.Conv2d(3, 11, 1)\n")
    status, _, message = run("train", "--init", f"{code}:net", "--out", tmp_path / "x")
    assert status == 2
    assert "no checkpoint of this package's own networks (resnet, small)" in message


def test_a_report_without_attacks_weighs_nothing(tmp_path):
    report = DiagnosisReport("data", ["a", "b"], [(0, 0, 0)] * 2, 1, [1, 1], [], [])
    report.save(tmp_path / "empty.json")
    with pytest.raises(InputError, match="holds no attack on a model of these classes"):
        measured_weights(tmp_path / "empty.json", ("a", "b"), 1.0)
