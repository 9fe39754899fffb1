import errno
import hashlib
import stat

import pytest

from art_segplugin.errors import InputError
from art_segplugin.files import file_sha256, replacing, write_bytes, write_text


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
