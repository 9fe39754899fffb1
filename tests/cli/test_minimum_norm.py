"""Attacks without a radius, among others and by themselves."""

import numpy as np
import pytest
from PIL import Image

from art_segplugin.cli import options
from art_segplugin.errors import InputError
from art_segplugin.evaluation import RobustnessReport


def chosen(names, radii=(None,), norm="inf", steps=None):
    return options.attacks(names, norm=norm, radii=radii, step_size=None, steps=steps, restarts=1)


def test_they_are_run_once_however_many_radii_there_are():
    found = chosen(["dag", "segpgd"], ["2/255", "4/255"])
    assert [one.name for one in found] == ["dag-200", "segpgd-20", "segpgd-20"]
    assert "eps" not in found[0].options
    assert [one.options.get("eps") for one in found[1:]] == [2 / 255, 4 / 255]


def test_steps_are_the_attacks_own_unless_they_are_given():
    assert [one.name for one in chosen(["fmn", "pgd"])] == ["fmn-500", "pgd-20"]
    assert [one.name for one in chosen(["fmn", "pgd-7"], steps=3)] == ["fmn-3", "pgd-7"]


def test_other_norms_need_an_eps_only_where_there_is_a_radius():
    assert chosen(["fmn"], norm="2")[0].build().threat_model.p == 2
    with pytest.raises(InputError, match="give --eps"):
        chosen(["fmn", "pgd"], norm="2")
    with pytest.raises(InputError, match="DAG is made for inf"):
        chosen(["dag"], norm="2")


def test_an_eps_that_nothing_would_use_is_refused():
    with pytest.raises(InputError, match="leave --eps out"):
        chosen(["fmn", "dag"], ["8/255"])


def test_evaluate_measures_the_distance_of_each_image(run, checkpoint, tmp_path):
    out = tmp_path / "out"
    generator = np.random.default_rng(0)
    for i in range(2):
        pixels, labels = generator.integers(0, 256, (40, 48, 3)), generator.integers(0, 3, (40, 48))
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / f"{i}.jpg")
        Image.fromarray(labels.astype(np.uint8)).save(tmp_path / f"{i}_label.png")
    arguments = ("--data", tmp_path, "--pictures", "1", "--out", out)
    status, output, message = run(
        "evaluate", "--model", checkpoint, "--attack", "fmn-3", "--attack", "fgsm", *arguments
    )
    assert status == 0, message
    assert "Smallest perturbations" in output
    clean, nearest, fgsm = RobustnessReport.load(out / "report.json").results
    assert all(image.distance is None for one in (clean, fgsm) for image in one.images)
    assert max(image.distance for image in nearest.images) == nearest.largest_distance > 0
    assert nearest.options["share"] == 0.99
    assert (out / "distances.png").exists()
    status, _, message = run(
        "evaluate", "--model", checkpoint, "--attack", "fmn-3", "--attack", "fgsm", *arguments,
        "--resume",
    )  # fmt: skip
    assert status == 0, message
    assert RobustnessReport.load(out / "report.json").results[1].images == nearest.images
