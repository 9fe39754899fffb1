"""How the app is put together, and that it starts as a process of its own."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from art_segplugin.errors import InputError
from art_segplugin_gui.app import first_state, named_attack, services
from art_segplugin_gui.arguments import Arguments, parse
from art_segplugin_gui.qt.settings import Settings
from art_segplugin_gui.session.state import Attack, Models, Source, State


def test_without_arguments_it_is_the_usual_state():
    assert first_state(Arguments(), None) == State()


def test_arguments_become_the_state(tmp_path):
    picture, weights = tmp_path / "street.png", tmp_path / "net.safetensors"
    picture.touch()
    weights.touch()
    given = parse(
        f"{picture} {weights} --model-b small-scenes --attack pgd-7 --eps 4/255 --layer error".split()
    )
    state = first_state(given, None)
    assert state.source == Source(str(picture))
    assert state.models == Models(str(weights), "small-scenes")
    assert state.attack.recipe == "pgd"
    assert dict(state.attack.options) == {"steps": 7, "eps": pytest.approx(4 / 255)}
    assert state.view.layer == "error"


def test_a_named_model_counts_more_than_a_dropped_one(tmp_path):
    weights = tmp_path / "net.safetensors"
    weights.touch()
    state = first_state(parse([str(weights), "--model", "small-scenes"]), None)
    assert state.models.a == "small-scenes"


def test_settings_decide_on_the_colours(tmp_path):
    settings = Settings(tmp_path / "kept.ini")
    assert not first_state(Arguments(), settings).view.safe_colours
    settings.safe_colours = True
    assert first_state(Arguments(), settings).view.safe_colours


@pytest.mark.parametrize(
    ("name", "recipe", "steps"),
    [
        ("segpgd", "segpgd", None),
        ("SegPGD-100", "segpgd", 100),
        ("temperature-pgd", "temperature-pgd", None),
        ("temperature-pgd-5", "temperature-pgd", 5),
        ("no-such", "no-such", None),
    ],
)
def test_names_of_attacks(name, recipe, steps):
    attack = named_attack(Attack(), name)
    assert attack.recipe == recipe
    assert attack.options.get("steps") == steps


def test_the_services_are_the_real_ones(monkeypatch):
    given = services(Arguments(threads=3))
    assert given.open_source("scenes:val", 64).count == 50
    monkeypatch.setattr("art_segplugin_gui.session.sources.camera.cameras", lambda: [2])
    assert given.cameras() == [2]
    asked = []
    monkeypatch.setattr(
        "art_segplugin_gui.session.engine.start_engine",
        lambda threads, rule: asked.append((threads, rule)),
    )
    given.start_engine()
    assert asked == [(3, None)]


def test_the_label_rule_reaches_the_sources(tmp_path):
    Image.new("RGB", (4, 2)).save(tmp_path / "a.jpg")
    Image.fromarray(np.array([[0, 255, 7, 0]] * 2, np.uint8)).save(tmp_path / "a.png")
    given = parse([str(tmp_path), "--label-map", "255=1", "--void", "7"])
    frame = services(given).open_source(str(tmp_path), None).read(0)
    assert frame.labels.tolist() == [[0, 1, 255, 0]] * 2
    assert parse(["--reduce-zero-label"]).label_rule.reduce_zero
    assert parse(["--labels-as", "colours"]).label_rule.source == "colours"
    assert parse([]).label_rule is None
    with pytest.raises(InputError, match="is no VALUE=CLASS"):
        parse(["--label-map", "1"])


@pytest.fixture
def start(tmp_path):
    """Starts the app in a process of its own."""

    def run(*arguments):
        environment = {
            **os.environ,
            "QT_QPA_PLATFORM": "offscreen",
            "OMP_NUM_THREADS": "1",
            "XDG_STATE_HOME": str(tmp_path / "state"),
            "XDG_CONFIG_HOME": str(tmp_path / "config"),
        }
        return subprocess.run(
            [sys.executable, "-m", "art_segplugin_gui", *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=120,
            env=environment,
            check=False,
        )

    return run


def test_a_screenshot_of_the_shipped_model(start, tmp_path):
    from PySide6.QtGui import QImage

    picture = tmp_path / "street.png"
    Image.radial_gradient("L").resize((96, 64)).convert("RGB").save(picture)
    shot = tmp_path / "window.png"
    done = start(picture, "--attack", "segpgd-2", "--screenshot", shot, "--size", "1280x720")
    assert done.returncode == 0, done.stderr
    assert "error" not in done.stderr
    image = QImage(str(shot))
    assert (image.width(), image.height()) == (1280, 720)
    assert len({image.pixel(x, 360) for x in range(300, 1000, 7)}) > 5
    assert list((tmp_path / "state").rglob("crash-*.log")) == []


@pytest.mark.parametrize(
    ("arguments", "word"),
    [(("--attack", "no-such"), "no-such"), (("--model", "no-such-model"), "no-such-model")],
)
def test_a_screenshot_of_what_does_not_exist(start, tmp_path, arguments, word):
    done = start(*arguments, "--screenshot", tmp_path / "window.png")
    assert done.returncode == 1
    said = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(said) == 1
    assert word in said[0]
    assert not (tmp_path / "window.png").exists()
