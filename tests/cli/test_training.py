import csv
import re

import numpy as np
import pytest
import torch
from PIL import Image

from art_segplugin.cli.training import measured_weights
from art_segplugin.errors import InputError
from art_segplugin.evaluation import DiagnosisReport
from art_segplugin.heads import hypersphere_head
from art_segplugin.models import Classifier, load_checkpoint
from art_segplugin.training import OBJECTIVES, robustness_weights

TINY = (
    "train", "--data", "digits", "--count", 40, "--val-count", 20, "--network",
    "resnet:width=4,blocks=1", "--batch-size", 20, "--report-count", 0,
)  # fmt: skip


def test_trains_a_classifier_adversarially(run, tmp_path):
    arguments = (
        *TINY, "--objective", "pgd-at", "--attack", "pgd-2", "--eps", "4/255", "--steps", 3,
        "--validate-every", 2,
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
    status, _, message = run(
        "train",
        "--data",
        "digits",
        "--count",
        20,
        "--val-count",
        10,
        "--steps",
        1,
        "--report-count",
        5,
        *start,
    )
    assert status == 0, message
    assert load_checkpoint(tmp_path / "on" / "best.safetensors").info.options == model.info.options
    report = (tmp_path / "on" / "report.md").read_text()
    assert f"| start ({tmp_path / 'at' / 'best.safetensors'}) |" in report


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_objective_trains_a_hypersphere(objective, run, tmp_path):
    status, _, message = run(
        *TINY, "--objective", objective, "--he", "--steps", 2,
        *(("--eps-warmup", 0.5) if OBJECTIVES[objective].attack else ()), "--ema", 0.5, "--accumulate", 2, "--schedule", "steps", "--milestones", "0.5",
        "--out", tmp_path / "run",
    )  # fmt: skip
    assert status == 0, message
    model = load_checkpoint(tmp_path / "run" / "best.safetensors")
    head = hypersphere_head(model)
    assert head.scale == OBJECTIVES[objective].scale
    assert set(model.info.scores) == {
        "accuracy",
        *({"robust_accuracy"} if OBJECTIVES[objective].attack else ()),
    }
    rows = list(csv.DictReader((tmp_path / "run" / "log.csv").open()))
    assert [row["step"] for row in rows] == ["1", "2"]
    assert [float(row["strength"]) for row in rows] == [1.0, 1.0]
    assert float(rows[1]["lr"]) == pytest.approx(0.1 * float(rows[0]["lr"]))
    assert rows[0]["accuracy"] == ""
    assert float(rows[1]["accuracy"]) == model.info.scores["accuracy"]


def test_a_hypersphere_stays_one(run, tmp_path):
    status, _, message = run(*TINY, "--he", "--he-scale", 7, "--steps", 1, "--out", tmp_path / "a")
    assert status == 0, message
    on = ("train", "--data", "digits", "--count", 20, "--val-count", 10, "--report-count", 0,
          "--steps", 1, "--init", tmp_path / "a" / "best.safetensors", "--out")  # fmt: skip
    assert run(*on, tmp_path / "b")[0] == 0
    assert hypersphere_head(load_checkpoint(tmp_path / "b" / "best.safetensors")).scale == 7
    status, _, message = run(*on, tmp_path / "c", "--he", "--he-scale", 8)
    assert status == 2
    assert "has scale 7, and --he-scale is 8" in message


def test_a_run_that_was_stopped_goes_on_to_the_same_log_and_weights(run, tmp_path, monkeypatch):
    """Stopped after the third of four steps, of which two are saved."""
    from art_segplugin.cli import training

    arguments = (*TINY, "--objective", "free-at", "--steps", 4, "--validate-every", 2)
    assert run(*arguments, "--out", tmp_path / "whole")[0] == 0
    shown = training._shown

    def stopping(steps, total):
        for step in shown(steps, total):
            yield step
            if step.step == 3:
                raise KeyboardInterrupt

    monkeypatch.setattr(training, "_shown", stopping)
    status, _, message = run(*arguments, "--out", tmp_path / "halves")
    assert status == 130
    assert "from its last saved step" in message
    log = tmp_path / "halves" / "log.csv"
    assert log.read_text().count("\n") == 4
    assert not list(log.parent.glob(".*"))
    monkeypatch.undo()
    status, _, message = run(*arguments, "--out", tmp_path / "halves", "--resume")
    assert status == 0, message
    assert log.read_text() == (tmp_path / "whole" / "log.csv").read_text()
    ours, theirs = (
        load_checkpoint(tmp_path / name / "best.safetensors").state_dict()
        for name in ("halves", "whole")
    )
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_a_report_at_the_end_and_again_when_the_run_is_finished(run, checkpoint, tmp_path):
    out = tmp_path / "run"
    arguments = (
        "train", "--data", "digits", "--count", 20, "--val-count", 20, "--network",
        "resnet:width=4,blocks=1", "--batch-size", 20, "--steps", 1, "--objective", "fast-at",
        "--val-attack", "pgd-2", "--eps", "2/255", "--out", out,
    )  # fmt: skip
    status, output, message = run(*arguments, "--report-count", 10)
    assert status == 0, message
    assert "give --against MODEL" in message
    assert "Accuracy per class" in output
    names = {path.name for path in out.iterdir()}
    assert names >= {"report.html", "report.md", "curves.png", "log.csv", "best.safetensors"}
    text = (out / "report.md").read_text()
    assert "| model | Clean | PGD-2 | PGD-20 |" in text
    assert "digits: 10 validation images" in text
    assert "| PGD-2 | 2/255 |" in text
    for name in ("report.html", "report.md", "curves.png"):
        (out / name).unlink()

    against = ("--against", out / "best.safetensors", "--report-count", 7)
    status, output, message = run(*arguments, *against, "--resume")
    assert status == 0, message
    assert "finished already" in output
    text = (out / "report.md").read_text()
    assert "digits: 7 validation images" in text
    undefended, best = re.findall(r"^\| (?:undefended|best) \([^)]*\) \|(.*)$", text, re.MULTILINE)
    assert undefended == best  # the same model
    status, _, message = run(*arguments, "--against", checkpoint, "--resume")
    assert status == 2
    assert f"{checkpoint}: " in message


def test_a_run_that_is_resumed_before_it_began_is_begun(run, tmp_path):
    arguments = (*TINY, "--steps", 1, "--out", tmp_path / "x", "--resume")
    status, _, message = run(*arguments)
    assert status == 0, message
    assert f"no run in {tmp_path / 'x'} yet: starting one\n" in message
    assert (tmp_path / "x" / "best.safetensors").is_file()
    assert "no run in" not in run(*arguments)[2]


def test_a_model_to_compare_with_wants_a_report(run, tmp_path):
    status, _, message = run(*TINY, "--against", "small-scenes", "--out", tmp_path / "x")
    assert status == 2
    assert "--report-count 0 leaves it out" in message


def test_a_report_does_not_get_among_the_data(run, tmp_path):
    for split in ("train", "val"):
        for name in "ab":
            (tmp_path / split / name).mkdir(parents=True)
            picture = np.full((16, 16, 3), ord(name), np.uint8)
            Image.fromarray(picture).save(tmp_path / split / name / "0.png")
    data = ("train", "--data", tmp_path, "--steps", 1, "--batch-size", 2, "--network")
    status, _, message = run(*data, "resnet:width=4,blocks=1", "--out", tmp_path / "run")
    assert status == 2
    assert "is inside the data" in message
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (("--objective", "trades"), "holds a run with objective"),
        (("--val-attack", "pgd-3"), "holds a run with withstand"),
        (("--ema", 0.9), "holds a run with ema 0.0, not 0.9"),
        (("--he-margin", 0.1), "holds a run with objective"),
        (("--he-scale", 9), "holds a run with objective"),
    ],
)
def test_a_run_is_not_resumed_with_other_options(finished, other, words, run):
    arguments, out = finished
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    status, _, message = run(*arguments, *other, "--resume")
    assert status == 2
    assert words in message
    assert {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()} == before


@pytest.fixture
def finished(run, tmp_path):
    arguments = (*TINY, "--he", "--objective", "pgd-at", "--attack", "pgd-1", "--steps", 1,
                 "--out", tmp_path / "run")  # fmt: skip
    assert run(*arguments)[0] == 0
    return arguments, tmp_path / "run"


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
        "--report-count", 0, "--out", tmp_path / "at",
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
             "--attack", "pgd-1", "--steps", 2, "--report-count", 0, "--out", tmp_path / "on")  # fmt: skip
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
    assert "no checkpoint of this package's own networks (resnet, small, tflite)" in message


def test_a_report_without_attacks_weighs_nothing(tmp_path):
    report = DiagnosisReport("data", ["a", "b"], [(0, 0, 0)] * 2, 1, [1, 1], [], [])
    report.save(tmp_path / "empty.json")
    with pytest.raises(InputError, match="holds no attack on a model of these classes"):
        measured_weights(tmp_path / "empty.json", ("a", "b"), 1.0)
