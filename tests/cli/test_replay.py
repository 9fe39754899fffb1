import json
from dataclasses import replace

import numpy as np
import pytest

from art_segplugin.attacks import named
from art_segplugin.data.video import VideoWriter
from art_segplugin.evaluation.clip import ClipAttack, ClipReproduction, PictureRecord
from art_segplugin.evaluation.exact_files import FileRef
from art_segplugin.evaluation.model_refs import ModelPair, model_ref, open_model
from art_segplugin.evaluation.pipeline import AttackPlan
from art_segplugin.evaluation.repro import Reproduction, reproduce
from art_segplugin.evaluation.scores import pool
from art_segplugin.files import file_sha256
from art_segplugin.models import load_model


def plan():
    return AttackPlan.of(named("segpgd", steps=2), seed=1)


def image(seed=0):
    return np.random.default_rng(seed).integers(0, 256, (40, 48, 3), dtype=np.uint8)


@pytest.fixture
def exported(tmp_path, checkpoint):
    """A folder as the app exports it."""
    ref = model_ref(str(checkpoint))
    classes = ["ground", "thing", "sky"]
    made = Reproduction(
        image(), ModelPair(ref, ref), {}, plan(), labels=image()[..., 0] % 3, classes=classes,
        threads=1,
    )  # fmt: skip
    made = replace(made, numbers=reproduce(made))
    made.save(tmp_path / "exported")
    return tmp_path / "exported"


@pytest.fixture
def clip(tmp_path, checkpoint):
    folder = tmp_path / "clip"
    folder.mkdir()
    model = open_model(model_ref(str(checkpoint)), "cpu")
    attack = ClipAttack(model, None, plan(), warm_start=True)
    with VideoWriter(folder / "pictures.mkv", 10) as writer:
        for seed in range(3):
            writer.write(image(seed))
    done = [attack.attack(seed, image(seed), None) for seed in range(3)]
    ClipReproduction(
        FileRef("pictures.mkv", file_sha256(folder / "pictures.mkv")), None, None, {},
        ModelPair(model_ref(str(checkpoint))), plan(), True,
        [PictureRecord.of(one, str(i), image(i), None) for i, one in enumerate(done)],
        pool(one.numbers for one in done), threads=1,
    ).save(folder / "repro.json")  # fmt: skip
    return folder


def edit(folder, change):
    path = folder / "repro.json"
    tree = json.loads(path.read_text())
    change(tree)
    path.write_text(json.dumps(tree))


@pytest.mark.parametrize("path", ["", "repro.json"])
def test_identical(run, exported, path):
    status, output, message = run("replay", exported / path)
    assert status == 0
    assert "All figures are identical." in output
    for word in ("thing", "B adversarial", "mIoU", "error", "recorded", "now"):
        assert word in output
    assert "->" not in output
    assert all(line.startswith("points: ") for line in message.splitlines())  # progress


def test_what_differs_is_listed(run, exported):
    def change(tree):
        tree["numbers"]["A adversarial"]["miou"] += 0.01
        tree["numbers"]["A clean"]["class_iou"][1] = 0.125

    edit(exported, change)
    status, output, _ = run("replay", exported)
    assert status == 1
    assert "2 figures differ" in output
    assert "A adversarial: mIoU 0." in output
    assert "A clean: IoU of class 1 0.125, now" in output
    assert "0.12500 ->" in output
    status, output, _ = run("replay", exported, "--tolerance", "1")
    assert status == 0
    assert "the same within 1" in output


def test_a_clip(run, clip):
    status, output, _ = run("replay", clip)
    assert status == 0
    assert "All figures are identical." in output
    assert "A 8-bit" in output
    assert "Vs clean prediction" in output
    edit(clip, lambda tree: tree.update(warm_start=False))
    status, output, _ = run("replay", clip)
    assert status == 1
    assert "picture 1, A exact" in output


def test_another_version_is_said(run, exported):
    edit(exported, lambda tree: tree["versions"].update(torch="0.1"))
    status, _, message = run("replay", exported)
    assert status == 0
    assert "torch 0.1 (here" in message


def test_a_moved_model(run, exported, checkpoint, tmp_path):
    def change(tree):
        for model in tree["models"]["a"], tree["models"]["b"]:
            model["spec"] = str(tmp_path / "gone.safetensors")

    edit(exported, change)
    status, _, message = run("replay", exported)
    assert status == 2
    assert "gone.safetensors is not there" in " ".join(message.split())
    assert "Traceback" not in message
    moved = ("--model-a", checkpoint, "--model-b", checkpoint)
    assert run("replay", exported, *moved)[0] == 0
    status, _, message = run("replay", exported, "--model-a", "small-scenes", *moved[2:])
    assert status == 2
    assert "not the one that was recorded" in " ".join(message.split())


def test_code_is_not_run_unasked(run, exported, tmp_path):
    code = tmp_path / "own.py"
    code.write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\ndef make(): ...\n")

    def change(tree):
        tree["models"]["a"] = {"spec": f"{code}:make", "sha256": None}

    edit(exported, change)
    status, _, message = run("replay", exported)
    assert status == 2
    assert "--run-code" in message
    assert not (tmp_path / "ran").exists()
    run("replay", exported, "--run-code")
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda tree: tree.update(format=9), "format 9"),
        (lambda tree: tree.clear(), "no repro.json"),
        (lambda tree: tree.update(device="cuda:99"), "not available; use cpu or auto"),
        (lambda tree: tree["plan"].update(recipe="none"), "unknown"),
        (lambda tree: tree["image"].update(name="gone.png"), "is missing"),
        (lambda tree: tree.update(threads=0), "threads"),
        (lambda tree: tree.update(point=99), "no point 99"),
    ],
)
def test_bad_files_are_one_sentence(run, exported, change, sentence):
    edit(exported, change)
    status, _, message = run("replay", exported)
    assert status == 2
    assert sentence in " ".join(message.split())
    assert "Traceback" not in message


def test_nothing_there(run, tmp_path):
    status, _, message = run("replay", tmp_path / "nothing")
    assert status == 2
    assert "cannot read" in message


def test_models_of_the_export_load(checkpoint):
    assert load_model(model_ref(str(checkpoint)).spec).classes == 3


def test_the_number_of_differences_is_not_that_of_the_lines(run, exported, clip):
    def change(tree):
        for record in tree["records"]:
            for score in record["scores"].values():
                for name in ("miou", "mis_ratio", "distance"):
                    score[name] += 0.5

    edit(clip, change)
    status, output, _ = run("replay", clip)
    assert status == 1
    assert "27 figures differ:" in output  # 3 pictures, 3 sides, 3 figures
    assert output.count("\n  picture ") == 20
    assert "and 7 more" in output


def test_a_clip_without_figures_is_not_identical(run, clip):
    edit(clip, lambda tree: tree.update(records=[], pooled={}))
    status, output, message = run("replay", clip)
    assert status == 2
    assert "no figures to compare" in " ".join(message.split())
    assert "identical" not in output


@pytest.mark.parametrize(
    "change",
    [
        lambda tree: tree["plan"]["options"].update(targeted=True),
        lambda tree: tree["plan"]["options"].update(norm=[1]),
        lambda tree: tree["plan"].update(seed=10**30),
        lambda tree: tree["plan"].update(region="class", region_class=77),
        lambda tree: tree.update(index=-1),
    ],
)
def test_files_of_strangers_are_one_sentence(run, exported, change):
    edit(exported, change)
    status, _, message = run("replay", exported)
    assert status == 2
    assert message.count("error:") == 1
    assert "Traceback" not in message


def test_deep_json_is_one_sentence(run, tmp_path):
    (tmp_path / "repro.json").write_text("[" * 100_000)
    status, _, message = run("replay", tmp_path)
    assert status == 2
    assert "no repro.json" in " ".join(message.split())
