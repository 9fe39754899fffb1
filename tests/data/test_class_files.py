import multiprocessing
import os
import pickle
import struct
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from art_segplugin.data import class_folder as class_files
from art_segplugin.data.class_folder import FolderFiles, ZipFiles, has_classes
from art_segplugin.errors import InputError


def make_zip(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in members:
            archive.writestr(name, b"" if name.endswith("/") else name.encode())
    return path


@pytest.mark.parametrize("top", ["", "top/", "a/b/"])
def test_pictures_by_class_below_shared_folders(tmp_path, top):
    members = [
        f"{top}{name}"
        for name in ("b/2.jpg", "b/1.PNG", "a/x.jpeg", "a/notes.txt", "a/deep/y.png", "README.md")
    ]
    members += ["__MACOSX/b/._2.jpg", f"{top}.hidden/z.png", f"{top}b/.z.png"]
    found = ZipFiles(make_zip(tmp_path / "a.zip", members)).classes()
    assert list(found) == ["a", "b"]
    assert found == {"a": [f"{top}a/x.jpeg"], "b": [f"{top}b/1.PNG", f"{top}b/2.jpg"]}


def test_folder_and_zip_agree(tmp_path):
    members = ["b/2.jpg", "b/1.png", "a/x.jpg", "a/notes.txt", ".git/z.png", "a.png", "empty/"]
    folder = tmp_path / "folder"
    for name in members:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            (folder / name).mkdir()
        else:
            (folder / name).write_bytes(name.encode())
    on_disk, zipped = FolderFiles(folder), ZipFiles(make_zip(tmp_path / "a.zip", members))
    assert on_disk.classes() == zipped.classes() == {
        "a": ["a/x.jpg"], "b": ["b/1.png", "b/2.jpg"], "empty": [],
    }  # fmt: skip
    assert on_disk.read("a/x.jpg") == zipped.read("a/x.jpg") == b"a/x.jpg"


def test_splits_inside_a_zip(tmp_path):
    members = ["set/train/a/1.jpg", "set/train/b/1.jpg", "set/test/a/1.jpg", "set/val/1.jpg"]
    path = make_zip(tmp_path / "a.zip", members)
    # pictures right in `val` make it a class
    assert ZipFiles(path).splits(("train", "val", "test")) == ["train", "test"]
    assert ZipFiles(path, "test").classes() == {"a": ["set/test/a/1.jpg"]}


@pytest.mark.parametrize("top", ["", "set/"])
@pytest.mark.parametrize("split", ["test", "val"])
def test_the_only_split_inside_a_zip_is_one(tmp_path, top, split):
    path = make_zip(tmp_path / "a.zip", [f"{top}{split}/{name}/1.jpg" for name in "ab"])
    assert ZipFiles(path).splits(("train", "val", "test")) == [split]
    assert list(ZipFiles(path, split).classes()) == ["a", "b"]


@pytest.mark.skipif(os.name != "posix", reason="names are bytes")
def test_names_of_class_folders_that_are_not_utf_8_are_refused(tmp_path):
    try:
        os.makedirs(os.fsencode(tmp_path) + b"/caf\xe9")
    except OSError:
        pytest.skip("the file system takes no such names")
    with pytest.raises(InputError, match=r"'caf\\udce9' .* is not UTF-8; rename it"):
        FolderFiles(tmp_path).classes()


def test_class_folders_have_no_pictures_of_their_own(tmp_path):
    (tmp_path / "a").mkdir()
    assert not has_classes(tmp_path)
    (tmp_path / "a" / "1.jpg").touch()
    assert has_classes(tmp_path)
    (tmp_path / "2.jpg").touch()
    assert not has_classes(tmp_path)
    assert not has_classes(tmp_path / "nowhere")


def test_many_threads_read_one_zip(tmp_path):
    members = [f"a/{number}.jpg" for number in range(200)]
    files = ZipFiles(make_zip(tmp_path / "a.zip", members))
    with ThreadPoolExecutor(8) as executor:
        assert list(executor.map(files.read, members * 5)) == [m.encode() for m in members * 5]


def test_pickles_leave_the_open_file_behind(tmp_path):
    files = ZipFiles(make_zip(tmp_path / "a.zip", ["a/1.jpg", "b/1.jpg"]))
    assert files.read("a/1.jpg")
    copy = pickle.loads(pickle.dumps(files))
    assert copy.classes() == files.classes()
    assert copy.read("b/1.jpg") == b"b/1.jpg"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_forked_processes_open_their_own(tmp_path):
    members = [f"a/{number}.jpg" for number in range(50)]
    files = ZipFiles(make_zip(tmp_path / "a.zip", members))
    files.read(members[0])
    _, lock = files._archive()
    with lock:  # held by the parent while it forks: the child must not wait for it
        results = multiprocessing.get_context("fork").SimpleQueue()
        child = multiprocessing.get_context("fork").Process(
            target=lambda: results.put([files.read(name) for name in members])
        )
        child.start()
        watchdog = threading.Timer(20, child.kill)
        watchdog.start()
        child.join()
        watchdog.cancel()
    assert child.exitcode == 0
    assert results.get() == [name.encode() for name in members]


def test_broken_members_are_named(tmp_path):
    path = make_zip(tmp_path / "a.zip", ["a/1.jpg", "b/1.jpg"])
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"a/1.jpg") + 8] ^= 0xFF  # inside the compressed data
    path.write_bytes(raw)
    with pytest.raises(InputError, match=r"a\.zip:a/1\.jpg cannot be read"):
        ZipFiles(path).read("a/1.jpg")
    with pytest.raises(InputError, match=r"a\.zip:c/1\.jpg cannot be read"):
        ZipFiles(path).read("c/1.jpg")


def test_what_is_no_zip_is_refused(tmp_path):
    (tmp_path / "a.zip").write_text("no zip file")
    with pytest.raises(InputError, match=r"a\.zip cannot be read as a zip file"):
        ZipFiles(tmp_path / "a.zip").classes()


def test_encrypted_members_are_refused(tmp_path):
    path = make_zip(tmp_path / "a.zip", ["a/1.jpg"])
    raw = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(signature) + offset] |= 1
    path.write_bytes(raw)
    with pytest.raises(InputError, match="encrypted"):
        ZipFiles(path).read("a/1.jpg")


@pytest.mark.parametrize("honest", [True, False])
def test_zip_bombs_stop_at_the_limit(tmp_path, monkeypatch, honest):
    monkeypatch.setattr(class_files, "MOST_BYTES", 1000)
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/1.jpg", bytes(1 << 20))
    if not honest:  # the headers say 10 bytes, the data unpacks to a megabyte
        raw = path.read_bytes()
        path.write_bytes(raw.replace(struct.pack("<I", 1 << 20), struct.pack("<I", 10)))
    with pytest.raises(InputError, match=r"a\.zip:a/1\.jpg"):
        ZipFiles(path).read("a/1.jpg")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.jpg").write_bytes(bytes(2000))
    with pytest.raises(InputError, match=r"1\.jpg is larger"):
        FolderFiles(tmp_path).read("a/1.jpg")


def test_missing_files_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"a.1\.jpg cannot be read"):
        FolderFiles(tmp_path).read("a/1.jpg")
    with pytest.raises(InputError, match="cannot be read"):
        FolderFiles(tmp_path / "nowhere").classes()
