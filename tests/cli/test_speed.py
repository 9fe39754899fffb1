"""--fast and --batch-size auto: what is attacked is said, kept and not mixed up with other runs."""

import json

import numpy as np
import pytest
from PIL import Image

from art_segplugin.cli import options
from art_segplugin.errors import InputError
from art_segplugin.evaluation import RobustnessReport
from art_segplugin.models import fast

ATTACKED = "attacked in place of the model"


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    generator = np.random.default_rng(0)
    for i in range(3):
        pixels, labels = generator.integers(0, 256, (40, 48, 3)), generator.integers(0, 3, (40, 48))
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{i}.jpg")
        Image.fromarray(labels.astype(np.uint8)).save(folder / f"{i}_label.png")
    return folder


@pytest.fixture(autouse=True)
def _measured(monkeypatch):
    """The copy with everything is the fastest: what machines measure varies."""

    def times(found, images):
        return [1.0 if not one.taken else 0.8 - 0.1 * len(one.taken) for one in found]

    monkeypatch.setattr(fast, "_times", times)


def report(out):
    return RobustnessReport.load(out / "report.json")


def test_a_fast_evaluation_says_what_it_attacked_and_has_the_same_scores(
    run, checkpoint, data, tmp_path
):
    given = (
        "evaluate",
        "--model",
        checkpoint,
        "--data",
        data,
        "--attack",
        "pgd-2",
        "--pictures",
        0,
    )
    status, _, message = run(*given, "--out", tmp_path / "plain", "--batch-size", 2)
    assert status == 0, message
    status, _, message = run(*given, "--out", tmp_path / "fast", "--fast", "--batch-size", "auto")
    assert status == 0, message
    assert f"{ATTACKED}: folded batch normalisation (" in message
    assert "), channels last (0.60 of its time a step)" in message
    assert "tf32: it is for CUDA" in message
    plain, quick = report(tmp_path / "plain"), report(tmp_path / "fast")
    assert plain.settings["batch size"] == "2"
    assert quick.settings["batch size"] == "64 (automatic)"
    assert ATTACKED not in plain.settings
    assert quick.settings[ATTACKED].endswith("channels last")
    for one, other in zip(plain.results, quick.results, strict=True):
        assert one.pixel_accuracy == pytest.approx(other.pixel_accuracy, abs=0.01)
    assert plain.clean.pixel_accuracy == quick.clean.pixel_accuracy


def test_fast_results_are_not_gone_on_with_without(run, checkpoint, data, tmp_path):
    given = (
        "evaluate",
        "--model",
        checkpoint,
        "--data",
        data,
        "--attack",
        "pgd-1",
        "--pictures",
        0,
    )
    out = ("--out", tmp_path / "out")
    assert run(*given, *out, "--fast")[0] == 0
    status, _, message = run(*given, *out, "--resume")
    assert status == 2
    assert "another" in message
    lines = (tmp_path / "out" / "batches.jsonl").read_text().splitlines()
    assert json.loads(lines[0])["setting"][ATTACKED].endswith("channels last")
    status, _, message = run(*given, *out, "--resume", "--fast")
    assert status == 0, message
    assert (tmp_path / "out" / "batches.jsonl").read_text().splitlines() == lines


def test_a_resumed_run_attacks_the_copy_of_before(run, checkpoint, data, tmp_path, monkeypatch):
    given = (
        "evaluate",
        "--model",
        checkpoint,
        "--data",
        data,
        "--attack",
        "pgd-1",
        "--pictures",
        0,
    )
    given += ("--out", tmp_path / "out", "--fast")
    assert run(*given)[0] == 0
    before = report(tmp_path / "out").settings[ATTACKED]
    monkeypatch.setattr(fast, "_times", lambda found, images: [1.0, 0.9, 0.9, 0.1])
    status, _, message = run(*given, "--resume")
    assert status == 0, message
    assert report(tmp_path / "out").settings[ATTACKED] == before


def test_pictures_are_attacked_through_a_copy(run, checkpoint, picture, tmp_path):
    out = tmp_path / "out"
    status, _, message = run(
        "attack", picture, "--model", checkpoint, "--attack", "pgd-2", "--fast", "--out", out
    )
    assert status == 0, message
    assert f"{ATTACKED}: folded batch normalisation (" in message
    assert report(out).settings[ATTACKED].endswith("channels last")


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5", ""])
def test_other_batch_sizes_are_refused(text):
    with pytest.raises(InputError, match="give a whole number of at least 1, or auto"):
        options.batch_size(text)


def test_batch_sizes_are_read():
    assert options.batch_size("7") == 7
    assert options.batch_size("auto") == 0
