import subprocess
import sys

import pytest

from art_segplugin.errors import InputError
from art_segplugin_gui.session.sources.opening import open_source


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("", r"source '' does not exist; give a picture"),
        ("/no/such/place.png", r"source '/no/such/place.png' does not exist"),
        ("scenes:nowhere", r"source 'scenes:nowhere' is unknown; give one of scenes:train"),
        ("drive:fast", r"source 'drive:fast' is unknown; give drive: and a number"),
        ("camera:front", r"camera front is not there"),
    ],
)
def test_unknown_sources_are_refused(spec, said):
    with pytest.raises(InputError, match=said):
        open_source(spec, 640)


def test_files_of_other_kinds_are_refused(tmp_path):
    (tmp_path / "net.safetensors").write_bytes(b"weights")
    with pytest.raises(InputError, match=r"net\.safetensors is a checkpoint, not pictures"):
        open_source(str(tmp_path / "net.safetensors"), 640)
    (tmp_path / "notes.txt").write_text("notes")
    with pytest.raises(InputError, match=r"notes\.txt is neither a picture \(\.png.*nor a video"):
        open_source(str(tmp_path / "notes.txt"), 640)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty holds no picture"):
        open_source(str(tmp_path / "empty"), 640)


@pytest.mark.parametrize("side", [0, -5, 15])
def test_limits_that_leave_nothing_are_refused(side):
    with pytest.raises(InputError, match=f"longest side is {side}; give at least 16"):
        open_source("scenes:test", side)


def test_opening_a_video_needs_no_torch(tmp_path):
    """The window and the first frame of a video are there before torch is loaded."""
    code = (
        "import sys\n"
        "import numpy as np\n"
        "from pathlib import Path\n"
        "from art_segplugin.data.video import VideoWriter\n"
        "from art_segplugin_gui.session.sources.opening import open_source\n"
        f"path = Path({str(tmp_path / 'a.avi')!r})\n"
        "with VideoWriter(path, 10) as writer:\n"
        "    writer.write(np.zeros((32, 32, 3), np.uint8))\n"
        "assert open_source(str(path), 16).read(0).image.shape == (16, 16, 3)\n"
        "assert 'torch' not in sys.modules and 'PySide6' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
