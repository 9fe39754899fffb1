import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from art_segplugin.data.video import Video, VideoWriter
from art_segplugin.evaluation import RobustnessReport


def pixels(path):
    return np.asarray(Image.open(path)).astype(int)


def test_attack_writes_what_it_scores(run, picture, checkpoint, tmp_path):
    labels = np.zeros((40, 48), np.uint8)
    labels[:10] = 2
    Image.fromarray(labels).save(picture.with_name("street_label.png"))
    out = tmp_path / "out"
    status, output, _ = run(
        "attack", picture, "--model", checkpoint, "--attack", "segpgd-3", "--eps", "0.03",
        "--float", "--out", out,
    )  # fmt: skip
    assert status == 0
    assert "mIoU" in output
    report = RobustnessReport.load(out / "report.json")
    assert [r.attack for r in report.results] == ["clean", "segpgd-3", "segpgd-3 8-bit"]
    assert report.reference == "labels"
    written = pixels(out / "adversarial" / "street.png")
    change = np.abs(written - pixels(picture))
    assert change.max() == 7  # 0.03 is 7.65 / 255
    assert report.results[2].largest_distance == pytest.approx(7 / 255, abs=1e-6)
    exact = np.load(out / "adversarial" / "street.npy")
    assert exact.shape == (3, 40, 48)
    assert np.abs(exact.transpose(1, 2, 0) * 255 - pixels(picture)).max() > 7.6
    assert (out / "report.html").exists()
    assert (out / "overlays" / "street.png").exists()

    # the written picture is what was scored: evaluate it as it is
    Image.fromarray(labels).save(out / "adversarial" / "street_label.png")
    status, _, _ = run(
        "evaluate", "--data", out / "adversarial", "--model", checkpoint, "--attack", "fgsm",
        "--out", tmp_path / "again",
    )  # fmt: skip
    assert status == 0
    again = RobustnessReport.load(tmp_path / "again" / "report.json")
    assert again.clean.counts == report.results[2].counts


def test_attack_without_labels_says_what_it_compares_with(run, picture, checkpoint, tmp_path):
    arguments = ("attack", picture, "--model", checkpoint, "--attack", "fgsm")
    status, _, message = run(*arguments, "--out", tmp_path / "out")
    assert status == 0
    assert "against the model's own clean prediction" in " ".join(message.split())
    report = RobustnessReport.load(tmp_path / "out" / "report.json")
    assert report.reference == "clean prediction"
    assert report.clean.pixel_accuracy == 1
    assert "clean prediction" in (tmp_path / "out" / "report.html").read_text()


def test_targeted_attack_moves_pixels_to_the_target(run, picture, checkpoint, tmp_path):
    counts = {}
    for name, extra in (("free", ()), ("sky", ("--target", "sky"))):
        arguments = ("attack", picture, "--model", checkpoint, "--attack", "pgd-5", *extra)
        assert run(*arguments, "--out", tmp_path / name)[0] == 0
        report = RobustnessReport.load(tmp_path / name / "report.json")
        counts[name] = [r.matrix[:, 2].sum().item() for r in report.results]
    assert counts["sky"][1] > counts["sky"][0]
    assert counts["sky"][1] > counts["free"][1]


def test_same_names_of_two_folders_are_both_kept(run, picture, checkpoint, tmp_path):
    other = tmp_path / "other" / picture.name
    other.parent.mkdir()
    Image.fromarray((255 - pixels(picture)).astype(np.uint8)).save(other)
    arguments = ("attack", picture, other, "--model", checkpoint, "--attack", "fgsm")
    assert run(*arguments, "--out", tmp_path / "out")[0] == 0
    folder = tmp_path / "out" / "adversarial"
    assert np.abs(pixels(folder / "street.png") - pixels(picture)).max() == 8
    assert np.abs(pixels(folder / "street-2.png") - pixels(other)).max() == 8
    report = RobustnessReport.load(tmp_path / "out" / "report.json")
    assert [i.name for i in report.clean.images] == ["street", "street-2"]


def test_what_is_given_wins_over_the_preset(run, picture, checkpoint, tmp_path):
    for extra, eps, step in (((), 0.03, 0.01), (("--eps", "1/255"), 1 / 255, 0.01)):
        arguments = ("attack", picture, "--model", checkpoint, "--preset", "paper", "--steps", 2)
        assert run(*arguments, *extra, "--out", tmp_path / "out")[0] == 0
        options = RobustnessReport.load(tmp_path / "out" / "report.json").results[1].options
        assert (options["eps"], options["step_size"]) == (eps, step)
        assert options["steps"] == 2


def test_l2_attack(run, picture, checkpoint, tmp_path):
    arguments = ("attack", picture, "--model", checkpoint, "--norm", "2", "--eps", "2.0")
    assert run(*arguments, "--steps", 5, "--out", tmp_path / "out")[0] == 0
    _, exact, rounded = RobustnessReport.load(tmp_path / "out" / "report.json").results
    assert 1.9 < exact.largest_distance <= 2.0 + 1e-5
    assert 1.9 < rounded.largest_distance <= 2.0 + 1e-4


def test_video_stays_inside_eps(run, checkpoint, tmp_path):
    frames = np.random.default_rng(0).integers(0, 256, (4, 40, 48, 3), dtype=np.uint8)
    (tmp_path / "clips").mkdir()
    with VideoWriter(tmp_path / "clips" / "drive.mkv", 10) as writer:
        for frame in frames:
            writer.write(frame)
    status, _, _ = run(
        "attack", tmp_path / "clips", "--model", checkpoint, "--attack", "fgsm",
        "--frames", 3, "--out", tmp_path / "out",
    )  # fmt: skip
    assert status == 0
    attacked = list(Video(tmp_path / "out" / "adversarial" / "drive.mkv"))
    assert len(attacked) == 3
    assert all(np.abs(a.astype(int) - b).max() == 8 for a, b in zip(attacked, frames, strict=False))
    assert len(list(Video(tmp_path / "out" / "overlays" / "drive.mkv"))) == 3


def test_evaluate_several_attacks_radii_and_seeds(run, checkpoint, tmp_path):
    generator = np.random.default_rng(0)
    for i in range(2):
        Image.fromarray(generator.integers(0, 256, (40, 48, 3), dtype=np.uint8)).save(
            tmp_path / f"{i}.jpg"
        )
        Image.fromarray(generator.integers(0, 3, (40, 48), dtype=np.uint8)).save(
            tmp_path / f"{i}_label.png"
        )
    arguments = (
        "evaluate", "--data", tmp_path, "--model", checkpoint, "--attack", "segpgd-2",
        "--attack", "fgsm", "--eps", "2/255", "--eps", "4/255", "--seeds", 2,
        "--out", tmp_path / "out",
    )  # fmt: skip
    status, output, _ = run(*arguments)
    assert status == 0
    assert "MisRatio" in output
    report = RobustnessReport.load(tmp_path / "out" / "report.json")
    assert len(report.results) == 1 + 2 * 2 * 2
    settings = {(r.attack, r.options["eps"], r.seed) for r in report.results[1:]}
    assert len(settings) == 8
    rows = (tmp_path / "out" / "scores.csv").read_text().splitlines()
    assert len(rows) == 1 + 9
    assert {p.name for p in (tmp_path / "out").glob("*.png")} >= {"curves.png", "iou.png"}
    before = (tmp_path / "out" / "batches.jsonl").read_text()
    assert run(*arguments, "--resume", "--pictures", 0)[0] == 0
    assert (tmp_path / "out" / "batches.jsonl").read_text() == before
    values = json.loads((tmp_path / "out" / "report.json").read_text())
    assert values["versions"]["torch"]
    assert values["results"][1]["seed"] == 0


def test_lists(run):
    status, output, _ = run("attacks")
    assert status == 0
    assert "arXiv:2207.12391" in output
    status, output, _ = run("models")
    assert status == 0
    assert "small-scenes" in output


@pytest.mark.parametrize(
    "command",
    [
        "demo",
        "attack",
        "evaluate",
        "diagnose",
        "train",
        "adjust",
        "models",
        "attacks",
    ],
)
def test_help_has_examples_and_loads_no_torch(command):
    code = (
        "import sys; from art_segplugin.cli import main\n"
        f"sys.argv = ['art-segplugin', '{command}', '--help']\n"
        "try:\n main()\nfinally:\n assert 'torch' not in sys.modules, 'torch was loaded'"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert command in ("models", "attacks") or "Examples" in result.stdout


def test_version(run):
    from art_segplugin import __version__

    assert __version__ in run("--version")[1]


def test_train_shows_progress_and_resumes(run, tmp_path):
    generator = np.random.default_rng(0)
    for split in ("train", "val"):
        (tmp_path / "data" / split).mkdir(parents=True)
        for i in range(2):
            image = generator.integers(0, 256, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(image).save(tmp_path / "data" / split / f"{i}.jpg")
            label = generator.integers(0, 11, (32, 32), dtype=np.uint8)
            Image.fromarray(label).save(tmp_path / "data" / split / f"{i}_label.png")
    arguments = (
        "train", "--data", tmp_path / "data", "--palette", "camvid", "--steps", 2, "--batch-size", 2,
        "--validate-every", 1, "--out", tmp_path / "run",
    )  # fmt: skip
    status, output, message = run(*arguments)
    assert status == 0
    assert "validation mIoU" in message
    assert "best.safetensors" in output
    status, _, message = run(*arguments)
    assert status == 2
    assert "resume" in message
    status, output, _ = run(*arguments, "--resume")
    assert status == 0
    assert "finished already" in output


def test_one_class_for_another_with_the_rest_kept(run, picture, checkpoint, tmp_path):
    out = tmp_path / "kept"
    arguments = ("attack", picture, "--model", checkpoint, "--eps", "64/255", "--steps", "4")
    status, said, _ = run(*arguments, "--from", "ground", "--target", "sky", "--keep", "--out", out)
    assert status == 0
    assert "collateral" in said
    report = RobustnessReport.load(out / "report.json")
    clean, exact, rounded = report.results
    assert exact.attack == "keep-pgd-50"
    assert (exact.options["from"], exact.options["target"], exact.options["keep"]) == (0, 2, True)
    assert clean.target is None
    assert exact.target.source + exact.target.rest == exact.matrix.sum()
    assert 0 < rounded.reached <= 1
    assert "collateral" in (out / "scores.csv").read_text()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--keep", "--target", "sky"), "give --from and --target with it"),
        (("--from", "moon", "--target", "sky"), "from 'moon' is no class"),
        (("--from", "sky", "--target", "sky"), "choose another"),
    ],
)
def test_goals_that_are_none_are_refused(run, picture, checkpoint, tmp_path, options, said):
    arguments = ("attack", picture, "--model", checkpoint, "--attack", "pgd-1", *options)
    status, _, message = run(*arguments, "--out", tmp_path / "out")
    assert status != 0
    assert said in " ".join(message.split())


def test_evaluate_takes_the_strongest_attack_and_shows_the_worst_case(
    run, picture, checkpoint, tmp_path
):
    Image.fromarray(np.zeros((40, 48), np.uint8)).save(picture.with_name("street_label.png"))
    arguments = ("evaluate", "--data", picture.parent, "--model", checkpoint, "--steps", 4)
    status, output, message = run(*arguments, "--out", tmp_path / "out")
    assert status == 0
    report = RobustnessReport.load(tmp_path / "out" / "report.json")
    assert [r.attack for r in report.results] == ["clean", "strong-4"]
    assert "Worst case over attacks" in output
    assert "strong-4" in message  # the progress names it
    (worst,) = report.worst
    assert worst.attacks == ["strong-4"]
    assert worst.mean_iou <= report.results[1].mean_iou + 1e-12
    assert worst.pixel_accuracy == pytest.approx(report.results[1].pixel_accuracy)


@pytest.mark.parametrize(
    ("given", "names"),
    [((), ["strong-100", "pgd-20", "fgsm"]), (("--steps", 30), ["strong-30", "pgd-30", "fgsm"])],
)
def test_steps_that_nobody_gave_are_the_attacks_own(
    given, names, checkpoint, picture, run, tmp_path, monkeypatch
):
    from art_segplugin.cli import evaluation

    seen = []
    monkeypatch.setattr(evaluation, "run", lambda *a, **k: seen.extend(one.name for one in a[4]))
    Image.fromarray(np.zeros((40, 48), np.uint8)).save(picture.with_name("street_label.png"))
    attacks = [word for name in ("strong", "pgd", "fgsm") for word in ("--attack", name)]
    arguments = ("--model", checkpoint, "--out", tmp_path / "out", *attacks, *given)
    assert run("evaluate", "--data", picture.parent, *arguments)[0] == 0
    assert seen == names
