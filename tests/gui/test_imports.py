"""Starting, asking for help and being refused load neither Qt nor torch."""

import subprocess
import sys
from pathlib import Path

import pytest

from art_segplugin.errors import InputError
from art_segplugin_gui.arguments import SMALLEST, Arguments, parse


def loaded(code):
    """Which of the heavy modules a fresh process has imported after `code`."""
    ended = subprocess.run(
        [
            sys.executable, "-c",
            f"import sys\n{code}\nprint('loaded', *sorted(sys.modules.keys() & "
            "{'torch', 'PySide6', 'PySide6.QtCore', 'pyqtgraph', 'cv2'}))",
        ],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return ended.stdout.splitlines()[-1].split()[1:]


def test_help_and_mistakes_load_nothing_heavy():
    assert loaded("import art_segplugin_gui.__main__, art_segplugin_gui.crash") == []
    assert (
        loaded("from art_segplugin_gui.__main__ import main\nassert main(['--eps', '8']) == 2")
        == []
    )
    helped = "from art_segplugin_gui.__main__ import main\ntry: main(['--help'])\nexcept SystemExit: pass"
    assert loaded(helped) == []


def test_session_state_loads_nothing_heavy():
    assert loaded("import art_segplugin_gui.session.state, art_segplugin_gui.session.jobs") == []
    assert loaded("import art_segplugin_gui.session.export_names") == []


def test_defaults():
    assert parse([]) == Arguments()
    assert parse([]).size is None  # as the window was closed


def test_all_arguments(tmp_path):
    picture = tmp_path / "street.png"
    picture.touch()
    given = parse(
        [
            str(picture), "scenes:test", "camera:0", "--model", "small-scenes-segpgd", "--model-b",
            "hf:x/y", "--attack", "pgd-40", "--eps=4/255", "--layer", "newly-wrong", "--size",
            "1280x720", "--theme", "dark", "--threads", "2", "--demo", "--screenshot", "w.png",
            "--safe-mode", "--reset-settings",
        ]
    )  # fmt: skip
    assert given == Arguments(
        sources=(str(picture), "scenes:test", "camera:0"),
        model="small-scenes-segpgd",
        model_b="hf:x/y",
        attack="pgd-40",
        eps=4 / 255,
        screenshot=Path("w.png"),
        size=(1280, 720),
        theme="dark",
        layer="newly wrong",
        threads=2,
        demo=True,
        safe_mode=True,
        reset_settings=True,
    )
    assert parse(["--layer", "3"]).layer == "error"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["nothing.png"], "'nothing.png' does not exist"),
        (["--eps", "8"], "did you mean 8/255"),
        (["--eps", "big"], "'big' is no number"),
        (["--eps", "0"], "above 0"),
        (["--eps=-8/255"], "above 0"),
        (["--eps", "nan"], "above 0"),
        (["--eps", "1/0"], "'1/0' is no number"),
        (["--layer", "9"], "newly wrong"),
        (["--layer", "0"], "newly wrong"),
        (["--size", "1280"], "1440x900"),
        (["--size", f"{SMALLEST[0]}x100"], "640x480"),
        (["--size", "99999x99999"], "7680x4320"),
        (["--threads", "0"], "'0'"),
        (["--threads", "two"], "'two'"),
        (["--theme", "pink"], "pink"),
        (["--screenshot", "window.jpg"], "window.jpg"),
        (["--screenshot"], "--screenshot"),
        (["--colour"], "--colour"),
        (["--demo=yes"], "--demo"),
    ],
)
def test_what_cannot_be_used_is_named_in_one_sentence(given, words):
    with pytest.raises(InputError) as caught:
        parse(given)
    message = str(caught.value)
    assert words in message
    assert "\n" not in message
    assert "usage:" not in message
    assert message.endswith(".")
