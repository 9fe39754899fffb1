import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console

from art_segplugin.cli.console import progress_bar
from art_segplugin.errors import InputError
from art_segplugin.evaluation import BatchResult, DiagnosisReport, ResultStore, RobustnessReport
from art_segplugin.evaluation.dataset import refused_runs_removed
from art_segplugin.evaluation.documents import to_plain
from art_segplugin.models import (
    CheckpointInfo,
    Classifier,
    Segmenter,
    SmallResNet,
    SmallSegNet,
    save_checkpoint,
)

QUICK = ("--attack", "pgd-2", "--attack", "temperature-pgd-2")


@pytest.fixture(scope="session")
def other_checkpoint(tmp_path_factory):
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("weights") / "other.safetensors"
    info = CheckpointInfo("small", ("a", "b", "c"), ((0, 0, 0),) * 3, {"classes": 3, "width": 6})
    save_checkpoint(path, Segmenter(SmallSegNet(3, width=6), classes=3).eval(), info)
    return path


@pytest.fixture(scope="session")
def classifier(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "digits.safetensors"
    options = {"classes": 10, "width": 4, "blocks": 1}
    info = CheckpointInfo("resnet", tuple("0123456789"), options=options)
    save_checkpoint(path, Classifier(SmallResNet(**options), classes=10).eval(), info)
    return path


@pytest.fixture
def folder(tmp_path):
    """Three pictures with a sky, a thing and ground."""
    place = tmp_path / "data"
    place.mkdir()
    generator = np.random.default_rng(0)
    for i in range(3):
        labels = np.zeros((32, 40), np.uint8)
        labels[:8] = 2
        labels[12:14, 4 * i : 4 * i + 3] = 1
        picture = generator.integers(0, 256, (32, 40, 3), dtype=np.uint8)
        Image.fromarray(picture).save(place / f"{i}.jpg")
        Image.fromarray(labels).save(place / f"{i}_label.png")
    return place


@pytest.fixture
def diagnose(run, folder, checkpoint, tmp_path):
    def diagnose(*arguments, attacks=QUICK, out="out"):
        status, output, message = run(
            "diagnose", "--data", folder, "--model", checkpoint, *attacks, *arguments,
            "--out", tmp_path / out,
        )  # fmt: skip
        assert status == 0, message
        return DiagnosisReport.load(tmp_path / out / "diagnosis.json"), output, message

    return diagnose


def test_every_attack_is_run_at_every_temperature(diagnose, tmp_path):
    report, output, message = diagnose(
        "--temperature", 0.5, "--temperature", 2, "--background", "ground",
        "--background", "sky", "--small-objects", 0.01, "--eps", "4/255",
    )  # fmt: skip
    (model,) = report.models
    assert [(r.attack, r.options.get("temperature")) for r in model.results] == [
        ("clean", None), ("pgd-2", None), ("temperature-pgd-2", 0.5), ("temperature-pgd-2", 2.0),
    ]  # fmt: skip
    assert all(result.options["eps"] == 4 / 255 for result in model.results[1:])
    assert report.classes == ["ground", "thing", "sky"]
    assert report.pixels == [3 * (24 * 40 - 6), 3 * 6, 3 * 8 * 40]
    assert model.clean.regions["foreground"].pixels == 3 * 6
    assert model.clean.regions["small objects"].pixels == 3 * 6
    assert model.clean.regions["large objects"].pixels == 0
    assert len(model.weight_norms) == 3
    assert any(words in output for words in ("is weakest", "classes tie at", "No class is weaker"))
    assert "Temperature-PGD-2 (temperature 0.5)" in " ".join(output.split()) or "0.5)" in output
    assert "diagnosis.html" in message
    assert "diagnose" in report.command
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names >= {"diagnosis.html", "class_scores.csv", "comparisons.csv", "drop.png"}


def test_counts_are_those_of_an_evaluation(diagnose, run, folder, checkpoint, tmp_path):
    report, *_ = diagnose("--temperature", 2, "--seed", 0, "--batch-size", 2)
    arguments = ("--data", folder, "--model", checkpoint, *QUICK, "--temperature", 2)
    status, *_ = run(
        "evaluate", *arguments, "--batch-size", 2, "--pictures", 0, "--out", tmp_path / "evaluation"
    )
    assert status == 0
    evaluation = RobustnessReport.load(tmp_path / "evaluation" / "report.json")
    found = [result.counts for result in report.models[0].results]
    assert found == [result.counts for result in evaluation.results]
    assert len({str(counts) for counts in found}) == 3


def test_the_usual_temperatures(diagnose):
    report, *_ = diagnose()
    found = [result.options["temperature"] for result in report.models[0].results[2:]]
    assert found == [0.1, 0.5, 2.0, 5.0]


def test_attacks_without_a_temperature_need_none(diagnose):
    report, *_ = diagnose(attacks=("--attack", "fgsm"))
    assert [result.attack for result in report.models[0].results] == ["clean", "fgsm"]
    assert report.models[0].selection is None


def test_several_models(diagnose, other_checkpoint, checkpoint, tmp_path):
    report, output, _ = diagnose("--model", other_checkpoint, "--temperature", 2)
    assert [model.model for model in report.models] == [str(checkpoint), str(other_checkpoint)]
    first, second = (model.baseline.counts for model in report.models)
    assert first != second
    assert len(report.model_consistency) == 2
    assert "Do the models agree" in output
    assert (tmp_path / "out" / "drop-2.png").exists()


def test_a_stopped_diagnosis_goes_on_to_the_same_report(diagnose, tmp_path):
    whole, *_ = diagnose("--temperature", 2, "--batch-size", 1, out="whole")
    lines = (tmp_path / "whole" / "batches-1.jsonl").read_text().splitlines(keepends=True)
    assert len(lines) == 1 + 3 * 3
    for done in (2, 7):
        out = tmp_path / f"out-{done}"
        out.mkdir()
        broken_off = "".join(lines[:done]) + lines[done][:40]
        (out / "batches-1.jsonl").write_text(broken_off)
        again, *_ = diagnose("--temperature", 2, "--batch-size", 1, "--resume", out=out.name)
        values, expected = to_plain(again), to_plain(whole)
        assert values.pop("command") != expected.pop("command")
        assert values == expected


def test_changed_data_are_noticed(diagnose, run, folder, checkpoint, tmp_path):
    diagnose("--temperature", 2)
    again = (
        "diagnose", "--data", folder, "--model", checkpoint, *QUICK, "--temperature", 2,
        "--out", tmp_path / "out", "--resume",
    )  # fmt: skip
    assert run(*again)[0] == 0
    labels = np.asarray(Image.open(folder / "2_label.png")).copy()
    labels[-1, -1] = 2
    Image.fromarray(labels).save(folder / "2_label.png")
    status, _, message = run(*again)
    assert status == 2
    assert "holds results with another images and labels" in " ".join(message.split())


@pytest.mark.parametrize("command", ["diagnose", "evaluate"])
def test_a_refused_input_leaves_nothing_that_blocks_the_next_try(
    command, run, folder, checkpoint, tmp_path
):
    good = (folder / "2_label.png").read_bytes()
    arguments = (
        command, "--data", folder, "--model", checkpoint, "--attack", "fgsm", "--batch-size", 3,
        "--out", tmp_path / "out",
    )  # fmt: skip
    Image.fromarray(np.full((32, 40), 7, np.uint8)).save(folder / "2_label.png")
    assert run(*arguments)[0] == 2
    assert not list((tmp_path / "out").glob("*.jsonl"))
    (folder / "2_label.png").write_bytes(good)
    assert run(*arguments)[0] == 0


def test_void_everywhere_is_said_before_the_attacks(run, folder, checkpoint, tmp_path):
    good = [(path, path.read_bytes()) for path in folder.glob("*_label.png")]
    for path, _ in good:
        Image.fromarray(np.full((32, 40), 255, np.uint8)).save(path)
    arguments = (
        "diagnose", "--data", folder, "--model", checkpoint, "--attack", "fgsm",
        "--out", tmp_path / "out",
    )  # fmt: skip
    status, _, message = run(*arguments)
    assert status == 2
    assert "void everywhere" in message
    assert not list((tmp_path / "out").glob("*"))
    for path, content in good:
        path.write_bytes(content)
    assert run(*arguments)[0] == 0


@pytest.mark.parametrize(("attack", "kept"), [("clean", False), ("fgsm", True)])
def test_a_refused_try_keeps_attacks_that_were_finished(attack, kept, tmp_path):
    path = tmp_path / "b.jsonl"

    @refused_runs_removed([path])
    def refused():
        ResultStore(path, {}).add(BatchResult(attack, {}, 0, 0))
        raise InputError("a later image is bad")

    with pytest.raises(InputError):
        refused()
    assert path.exists() == kept


@pytest.mark.parametrize("seed", [-1, 2**31])
@pytest.mark.parametrize("command", ["diagnose", "demo", "attack", "adjust", "train"])
def test_seeds_out_of_range(run, command, seed, tmp_path):
    given = (tmp_path,) if command == "attack" else ()
    status, _, message = run(command, *given, "--seed", seed, "--out", tmp_path / "out")
    assert status == 2
    assert "Invalid value for '--seed'" in message


def test_names_of_models_are_no_markup(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    bar = progress_bar()
    bar.add_task("runs/[/red]/best.safetensors clean", total=1)
    console = Console(width=120)
    with console.capture() as captured:
        console.print(bar.get_renderable())
    assert "runs/[/red]/best.safetensors" in captured.get()


def test_a_classifier(run, classifier, tmp_path):
    status, output, message = run(
        "diagnose", "--data", "digits", "--model", classifier, "--count", 20, "--batch-size", 20,
        *QUICK, "--temperature", 2, "--out", tmp_path / "out",
    )  # fmt: skip
    assert status == 0, message
    report = DiagnosisReport.load(tmp_path / "out" / "diagnosis.json")
    assert report.classification
    assert report.pixels == [2] * 10
    assert report.models[0].clean.regions == {}
    assert "pixel" not in output
    assert "pixel accuracy" not in (tmp_path / "out" / "diagnosis.html").read_text()


def test_evaluating_a_classifier_draws_its_images(run, classifier, tmp_path):
    status, output, message = run(
        "evaluate", "--data", "digits", "--model", classifier, "--count", 10, "--batch-size", 10,
        "--attack", "temperature-pgd-1", "--temperature", 0.5, "--temperature", 2,
        "--pictures", 2, "--out", tmp_path / "out",
    )  # fmt: skip
    assert status == 0, message
    assert "accuracy [%]" in output
    assert "pixel accuracy" not in output
    assert len(list((tmp_path / "out" / "overlays").glob("*temperature-2.png"))) == 2


def test_ctrl_c_leaves_whole_files_that_can_be_gone_on_with(
    folder, checkpoint, tmp_path, nothing_half_written
):
    out = tmp_path / "out"
    command = [
        sys.executable, "-m", "art_segplugin", "diagnose", "--data", folder, "--model", checkpoint,
        "--attack", "pgd-100000", "--batch-size", "1", "--out", out,
    ]  # fmt: skip
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    store = out / "batches-1.jsonl"
    deadline = time.monotonic() + 180  # busy machines take a minute to start
    while time.monotonic() < deadline:
        if store.exists() and store.read_text().count("\n") == 1 + 3:
            break
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, message = process.communicate(timeout=60)
    assert process.returncode == 130, message
    assert "`diagnose` go on where they were with --resume" in " ".join(message.split())
    assert nothing_half_written(out)
    assert len([json.loads(line) for line in store.read_text().splitlines()]) == 4


def test_an_evaluation_is_resumed_with_another_batch_size(run, folder, checkpoint, tmp_path):
    arguments = (
        "evaluate", "--data", folder, "--model", checkpoint, "--attack", "pgd-2", "--pictures", 0,
        "--out", tmp_path / "out",
    )  # fmt: skip
    reports = []
    for more in (("--batch-size", 1), ("--batch-size", 3, "--resume")):
        status, _, message = run(*arguments, *more)
        assert status == 0, message
        reports.append(RobustnessReport.load(tmp_path / "out" / "report.json").results)
        assert len((tmp_path / "out" / "batches.jsonl").read_text().splitlines()) == 1 + 2 * 3
    assert reports[0] == reports[1]
