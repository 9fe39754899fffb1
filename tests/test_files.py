import errno
import hashlib
import os
import signal
import stat
import subprocess
import sys

import pytest

from art_segplugin import files
from art_segplugin.errors import InputError
from art_segplugin.files import (
    LOCK,
    file_sha256,
    fitting_name,
    only_run_in,
    printable,
    replacing,
    write_bytes,
    write_text,
)


def test_writes_whole_files(tmp_path):
    write_text(tmp_path / "new" / "a.txt", "grün")
    write_bytes(tmp_path / "b.bin", b"\x00")
    assert (tmp_path / "new" / "a.txt").read_text(encoding="utf-8") == "grün"
    assert (tmp_path / "b.bin").read_bytes() == b"\x00"
    assert stat.S_IMODE((tmp_path / "b.bin").stat().st_mode) & 0o600 == 0o600


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, GeneratorExit])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, failure):
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(failure), replacing(tmp_path / "a.txt") as beside:  # noqa: PT012
        beside.write_text("ne")
        raise failure
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_a_full_disk_is_one_sentence(tmp_path):
    with (
        pytest.raises(InputError, match=r"cannot write .*a\.txt: disk full"),
        replacing(tmp_path / "a.txt"),
    ):
        raise OSError(errno.ENOSPC, "disk full")
    assert not list(tmp_path.iterdir())


def test_the_suffix_is_kept_for_encoders(tmp_path):
    with replacing(tmp_path / "clip.mkv") as beside:
        assert beside.suffix == ".mkv"
        assert beside.parent == tmp_path


def test_the_hash_of_a_file(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert file_sha256(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()
    with pytest.raises(InputError, match=r"cannot read .*gone: No such file"):
        file_sha256(tmp_path / "gone")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("grün 街 [red] :two:", "grün 街 [red] :two:"),
        (os.fsdecode(b"latin\xe9"), "latin\ufffd"),
        ("two\nlines\r\t\x1b[31m", "two\ufffdlines\ufffd\ufffd\ufffd[31m"),
        ("a\u2028b\u202egnp.exe", "a\ufffdb\ufffdgnp.exe"),
        ("\U0001f469\u200d\U0001f680", "\U0001f469\u200d\U0001f680"),
    ],
)
def test_names_that_can_be_shown(name, shown):
    assert printable(name) == shown
    assert printable(name).encode("utf-8")


@pytest.mark.parametrize("name", ["x" * 255, "é" * 127, "\ufffd" * 100, "short"])
def test_names_are_cut_to_what_file_systems_take(tmp_path, name):
    cut = fitting_name(name, "-2.png")
    write_text(tmp_path / cut, "x")
    assert [path.name for path in tmp_path.iterdir()] == [cut]
    assert cut.startswith(name[:60])
    assert cut.endswith("-2.png")


def test_the_longest_name_is_written(tmp_path):
    write_text(tmp_path / ("x" * 251 + ".txt"), "x")
    write_text(tmp_path / ("é" * 125 + ".txt"), "x")
    assert len(list(tmp_path.iterdir())) == 2


HOLD = (
    "import sys; from pathlib import Path; from art_segplugin.files import only_run_in\n"
    "with only_run_in(Path(sys.argv[1])):\n print('held', flush=True); sys.stdin.read()"
)


@pytest.mark.parametrize("end", [None, signal.SIGINT, signal.SIGKILL])
def test_two_runs_do_not_write_into_one_folder(tmp_path, end):
    """However the first ends, the folder is free afterwards."""
    out = tmp_path / "out"
    command = [sys.executable, "-c", HOLD, out]
    other = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert other.stdout.readline() == "held\n"
    with (
        pytest.raises(InputError, match=rf"another run \(process {other.pid}\) writes into .*out"),
        only_run_in(out),
    ):
        pass
    if end is not None:
        other.send_signal(end)
    other.communicate()
    with only_run_in(out):
        assert (out / LOCK).read_text() == str(os.getpid())
        (out / "a.txt").write_text("x")
    assert [path.name for path in out.iterdir()] == ["a.txt"]


def test_a_run_that_writes_nothing_leaves_nothing(tmp_path):
    (tmp_path / "mine").mkdir()
    for name in ("new", "mine"):
        with only_run_in(tmp_path / name):
            pass
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_tracebacks_are_kept_and_old_ones_removed(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    folder = files.state_folder({"XDG_STATE_HOME": str(tmp_path)}, "linux", tmp_path)
    monkeypatch.setattr(files, "state_folder", lambda *_: folder)
    folder.mkdir()
    old = [folder / f"error-2000010{day}-000000-1.log" for day in range(1, 10)]
    for path in old:
        path.touch()
    monkeypatch.setattr(files, "_TRACEBACKS_KEPT", 3)
    try:
        raise ValueError("no such thing")
    except ValueError as error:
        path = files.keep_traceback(error)
    assert path.parent == folder
    assert "ValueError: no such thing" in path.read_text(encoding="utf-8")
    assert sorted(folder.iterdir()) == [*old[-2:], path]
