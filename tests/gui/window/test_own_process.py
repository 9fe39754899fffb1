"""The app in a process of its own: how it ends."""

import os
import subprocess
import sys
import textwrap
import time

import pytest
from PIL import Image
from window_parts import noise


def run_app(code, tmp_path, *arguments, timeout=60):
    """Run the app in a process of its own, after `code`."""
    script = tmp_path / "start.py"
    script.write_text(
        textwrap.dedent(code)
        + "\nimport sys\nfrom art_segplugin_gui.__main__ import main\n"
        + f"sys.exit(main({list(map(str, arguments))!r}))\n"
    )
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "OMP_NUM_THREADS": "1",
        "XDG_STATE_HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
    }
    return subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment,
        check=False,
    )


@pytest.mark.slow
def test_closing_beside_a_stuck_worker_ends_the_process(tmp_path):
    code = """
        import time, torch
        from PySide6.QtCore import QTimer
        from PySide6.QtWidgets import QApplication
        import art_segplugin_gui.app as app
        from art_segplugin.models import Segmenter
        from art_segplugin_gui.session.engine import Engine
        from art_segplugin_gui.session.ready import Ready

        class Blocks(torch.nn.Module):
            def forward(self, x):
                print("entered", flush=True)
                time.sleep(600)

        def start():
            return Engine(load=lambda _: Segmenter(Blocks(), classes=4)), Ready((), (), "cpu", 1)

        usual = app.services
        def services(arguments):
            from dataclasses import replace
            return replace(usual(arguments), start_engine=start)
        app.services = services

        QApplication(["test"])
        def close():
            print(f"closing at {time.time()}", flush=True)
            QApplication.activeWindow().close()
        QTimer.singleShot(2500, close)
    """
    done = run_app(code, tmp_path, "--safe-mode", timeout=40)
    ended = time.time()
    assert "entered" in done.stdout
    closed = float(done.stdout.split("closing at ")[1].split()[0])
    assert ended - closed < 5
    assert done.returncode == 0
    assert "Fatal" not in done.stderr


def test_a_screenshot_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("no folder")
    picture = tmp_path / "street.png"
    Image.fromarray(noise(shape=(48, 64))).save(picture)
    done = run_app("", tmp_path, picture, "--screenshot", tmp_path / "file" / "window.png")
    assert done.returncode == 1
    said = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(said) == 1
    assert "window.png" in said[0]
