"""Each of the things that go wrong: one clear sentence, exit status not 0, nothing half-written."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from art_segplugin.data.video import Video, VideoWriter
from art_segplugin.evaluation import RobustnessReport


def fails(result, *words):
    status, _, message = result
    text = " ".join(message.split())
    assert status == 2, message
    assert "error:" in text
    assert "Traceback" not in text
    for word in words:
        assert word in text
    return True


@pytest.fixture
def attack(run, checkpoint, tmp_path, nothing_half_written):
    def attack(*arguments):
        out = tmp_path / "out"
        result = run(
            "attack", *arguments, "--model", checkpoint, "--attack", "segpgd-1", "--out", out
        )
        assert not out.exists() or nothing_half_written(out)
        return result

    return attack


def test_missing_image(attack, tmp_path):
    assert fails(attack(tmp_path / "none.png"), "none.png does not exist")


def test_corrupt_image(attack, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n not an image")
    assert fails(attack(tmp_path / "bad.png"), "bad.png")


def test_labels_of_another_size(attack, picture):
    Image.fromarray(np.zeros((10, 10), np.uint8)).save(picture.with_name("street_label.png"))
    assert fails(attack(picture), "street_label.png", "10", "40")


def test_labels_outside_the_classes(attack, picture):
    Image.fromarray(np.full((40, 48), 77, np.uint8)).save(picture.with_name("street_label.png"))
    assert fails(attack(picture), "77")


def test_missing_checkpoint(run, picture):
    assert fails(run("attack", picture, "--model", "none.safetensors"), "none.safetensors")


def test_unreadable_checkpoint(run, picture, tmp_path):
    (tmp_path / "bad.safetensors").write_bytes(b"\x00" * 64)
    assert fails(run("attack", picture, "--model", tmp_path / "bad.safetensors"), "bad.safetensors")


def test_pickle_instead_of_weights(run, picture, pickled):
    assert fails(run("attack", picture, "--model", pickled), "weights.pth", "pickle")


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--eps", "-1/255", "eps is -0.00392"),
        ("--eps", "8", "did you mean 8/255?"),
        ("--eps", "a lot", "'a lot' is no number"),
        ("--step-size", "-1", "step_size is -1"),
        ("--norm", "3", "norm is 3"),
        ("--restarts", "0", "restarts is 0"),
        ("--target", "moon", "target 'moon' is no class; choose from ground, thing, sky"),
        ("--target", "7", "target 7 is no class; give 0 to 2"),
        ("--palette", "none", "palette 'none' is unknown"),
        ("--device", "abacus", "device 'abacus'"),
        ("--video-format", "gif", "not as '.gif'"),
    ],
)
def test_bad_values(attack, picture, option, value, words):
    assert fails(attack(picture, option, value), words)


def test_no_steps(run, picture, checkpoint):
    result = run("attack", picture, "--model", checkpoint, "--attack", "pgd-0")
    assert fails(result, "steps is 0")


def test_video_that_breaks_off(attack, tmp_path):
    path = tmp_path / "drive.mkv"
    noise = np.random.default_rng(0)
    with VideoWriter(path, 10) as writer:
        for _ in range(30):
            writer.write(noise.integers(0, 256, (40, 48, 3), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert fails(attack(path), "breaks off after", "of 30 frames")
    # what was done is kept and reported
    frames = list(Video(tmp_path / "out" / "adversarial" / "drive.mkv"))
    report = RobustnessReport.load(tmp_path / "out" / "report.json")
    assert 0 < len(frames) == len(report.clean.images) < 30
    assert "breaks off after" in report.left_out[0]


def test_no_video_at_all(attack, tmp_path):
    (tmp_path / "drive.mp4").write_bytes(b"no video" * 99)
    assert fails(attack(tmp_path / "drive.mp4"), "drive.mp4 cannot be read")


def test_full_disk_under_a_video(tmp_path):
    """Written by a process of its own, whose files may not grow beyond 40 kB."""
    code = (
        "import resource, signal, sys, numpy as np; from pathlib import Path\n"
        "from art_segplugin.data.video import VideoWriter; from art_segplugin.files import replacing\n"
        "from art_segplugin.errors import InputError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))\n"
        "frames = np.random.default_rng(0).integers(0, 256, (40, 40, 48, 3), dtype=np.uint8)\n"
        "try:\n"
        " with replacing(Path(sys.argv[1])) as beside, VideoWriter(beside, 10) as writer:\n"
        "  for frame in frames: writer.write(frame)\n"
        "except InputError as error: print(error)"
    )
    command = [sys.executable, "-c", code, tmp_path / "drive.mkv"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert "of 40 frames could be written; is the disk full?" in result.stdout, result.stderr
    assert not list(tmp_path.iterdir())


def test_full_disk(attack, picture, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    assert fails(attack(picture), "No space left on device")
    assert not list((tmp_path / "out").rglob("*.png"))


def test_folder_that_cannot_be_made(run, picture, checkpoint, tmp_path):
    (tmp_path / "file").write_text("in the way")
    result = run("attack", picture, "--model", checkpoint, "--out", tmp_path / "file" / "out")
    assert fails(result, "cannot write")


@pytest.mark.parametrize("name", ["no[such].png", "no[/x].png"])
def test_names_that_look_like_markup(attack, name):
    assert fails(attack(name), f"{name} does not exist")


def test_evaluation_is_not_overwritten(run, picture, checkpoint, tmp_path):
    arguments = ("evaluate", "--data", picture.parent, "--model", checkpoint, "--attack", "fgsm")
    arguments = (*arguments, "--unlabelled")
    assert run(*arguments, "--out", tmp_path / "out")[0] == 0
    before = (tmp_path / "out" / "batches.jsonl").read_bytes()
    assert fails(run(*arguments, "--out", tmp_path / "out"), "holds an evaluation already")
    assert (tmp_path / "out" / "batches.jsonl").read_bytes() == before


def test_resuming_with_other_weights_is_refused(run, picture, checkpoint, tmp_path):
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(checkpoint.read_bytes())
    arguments = ("evaluate", "--data", picture.parent, "--model", weights, "--attack", "fgsm")
    arguments = (*arguments, "--unlabelled")
    assert run(*arguments, "--out", tmp_path / "out")[0] == 0
    changed = bytearray(weights.read_bytes())
    changed[-4] ^= 1  # the last bit of a weight
    weights.write_bytes(changed)
    result = run(*arguments, "--out", tmp_path / "out", "--resume")
    assert fails(result, "holds results with another weights")


def test_an_attack_named_twice(run, picture, checkpoint, tmp_path):
    arguments = (
        "evaluate",
        "--data",
        picture.parent,
        "--model",
        checkpoint,
        "--out",
        tmp_path / "out",
    )
    assert fails(run(*arguments, "--attack", "pgd", "--attack", "pgd-20"), "named twice")


@pytest.fixture
def diagnose(run, picture, checkpoint, tmp_path):
    """Run `diagnose` on a labelled picture; what fails at once writes nothing."""

    def diagnose(*arguments, labels=True, data=picture.parent):
        if labels:
            label = np.zeros((40, 48), np.uint8)
            Image.fromarray(label).save(picture.with_name("street_label.png"))
        given = () if "--attack" in arguments else ("--attack", "pgd-1")
        return run(
            "diagnose", "--data", data, "--model", checkpoint, *given, *arguments,
            "--out", tmp_path / "out",
        )  # fmt: skip

    return diagnose


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--attack", "pgd", "--attack", "pgd-20"), "an attack is named twice"),
        (
            ("--attack", "temperature-pgd", "--temperature", "1", "--temperature", "1.0"),
            "an attack is named twice",
        ),
        (("--attack", "pgd-1", "--temperature", "2"), "none of the attacks has a temperature"),
        (("--attack", "temperature-pgd-1", "--temperature", "0"), "temperature is 0"),
        (("--attack", "none"), "attack 'none' is unknown"),
        (("--background", "moon"), "background 'moon' is no class; choose from ground, thing, sky"),
        (("--background", "3"), "background '3' is no class"),
        (("--small-objects", "5"), "give a share between 0 and 1"),
        (("--model", "small-scenes"), "small-scenes: the model has 11 classes and the data have 3"),
    ],
)
def test_diagnose_of_bad_values(diagnose, tmp_path, arguments, words):
    assert fails(diagnose(*arguments), words)
    assert not (tmp_path / "out").exists()


def test_a_diagnosis_needs_labels(diagnose, tmp_path):
    result = diagnose(labels=False)
    assert fails(result, "1 of 1 images have no label map", "--images DIR --labels DIR")
    assert not (tmp_path / "out" / "diagnosis.html").exists()


def test_a_diagnosis_of_unlabelled_pixels(diagnose, picture):
    Image.fromarray(np.full((40, 48), 255, np.uint8)).save(picture.with_name("street_label.png"))
    assert fails(diagnose(labels=False), "a diagnosis needs labelled pixels")


def test_no_model_is_attacked_before_all_are_known_to_fit(diagnose, checkpoint, tmp_path):
    other = tmp_path / "other.safetensors"
    other.write_bytes(checkpoint.read_bytes())
    result = diagnose("--model", other, "--model", "small-scenes", "--attack", "pgd-100000")
    assert fails(result, "small-scenes: the model has 11 classes")
    assert fails(diagnose("--model", checkpoint), "a model is named twice")


def test_a_diagnosis_is_not_overwritten(diagnose, tmp_path):
    assert diagnose()[0] == 0
    before = (tmp_path / "out" / "batches-1.jsonl").read_bytes()
    assert fails(diagnose(), "holds a diagnosis already; go on with --resume")
    result = diagnose("--resume", "--small-objects", "0.1")
    assert fails(result, "holds results with another regions")
    assert (tmp_path / "out" / "batches-1.jsonl").read_bytes() == before


def test_images_of_one_class_have_no_background(run, checkpoint, tmp_path):
    result = run("diagnose", "--data", "digits", "--background", "0", "--out", tmp_path / "out")
    assert fails(result, "--background is for label maps")


def test_a_segmenter_does_not_fit_images_of_one_class(run, tmp_path):
    result = run("diagnose", "--data", "digits", "--count", 2, "--out", tmp_path / "out")
    assert fails(result, "small-scenes: the model has 11 classes and the data have 10")


def test_temperatures_for_attacks_that_have_none(run, picture, checkpoint):
    arguments = ("evaluate", "--data", picture.parent, "--model", checkpoint, "--attack", "fgsm")
    arguments = (*arguments, "--unlabelled")
    assert fails(run(*arguments, "--temperature", "2"), "none of the attacks has a temperature")


def test_other_norms_need_an_eps(run, picture, checkpoint):
    result = run("attack", picture, "--model", checkpoint, "--norm", "2")
    assert fails(result, "the norm is 2; give --eps in that norm")


def test_unknown_option_is_no_traceback(run):
    status, _, message = run("attack", "a.png", "--colour", "red")
    assert status == 2
    assert "No such option" in message
    assert "Traceback" not in message


def test_evaluate_of_no_folder(run, checkpoint, tmp_path):
    result = run("evaluate", "--data", tmp_path / "none", "--model", checkpoint)
    assert fails(result, "is no folder; give 'scenes'")


def test_ctrl_c(checkpoint, tmp_path, nothing_half_written):
    path = tmp_path / "drive.mkv"
    with VideoWriter(path, 10) as writer:
        for shade in range(200):
            writer.write(np.full((40, 48, 3), shade, np.uint8))
    out = tmp_path / "out"
    command = [sys.executable, "-m", "art_segplugin", "attack", path, "--model", checkpoint]
    process = subprocess.Popen(
        [*command, "--steps", "500", "--out", out],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    deadline = time.monotonic() + 180  # busy machines take a minute to start
    while not list(out.rglob(".drive*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, message = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopped; every file written so far is whole" in " ".join(message.split())
    assert "Traceback" not in message
    assert nothing_half_written(out)
    assert not list(out.rglob("*.mkv"))
