"""Files as the world makes them: what can be used is used, and the rest is said."""

import json
import os
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from art_segplugin.cli.console import errors, output
from art_segplugin.data.video import Video, VideoWriter
from art_segplugin.evaluation import DiagnosisReport, RobustnessReport

FGSM = ("--attack", "fgsm")


def save(path, seed=0, mode="RGB", size=(40, 48)):
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).convert(mode).save(path, "PNG")
    return pixels


def pixels(path):
    return np.asarray(Image.open(path))


@pytest.fixture
def folder(tmp_path):
    """Three images with labels."""
    for number in range(3):
        save(tmp_path / "data" / f"{number}.png", number)
        labels = np.random.default_rng(number).integers(0, 3, (40, 48), dtype=np.uint8)
        Image.fromarray(labels).save(tmp_path / "data" / f"{number}_label.png")
    return tmp_path / "data"


def words(text):
    return " ".join(text.split())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "damaged"),
    [
        ("attack", "0.png"),
        ("attack", "1_label.png"),
        ("evaluate", "0.png"),
        ("evaluate", "1_label.png"),
        ("diagnose", "1.png"),
    ],
)
def test_one_damaged_file_costs_one_image(command, damaged, run, folder, checkpoint, tmp_path):
    """The others' scores are those without it; it is said at the end, and the status is not 0."""
    given = (folder,) if command == "attack" else ("--data", folder)
    arguments = (command, *given, "--model", checkpoint, *FGSM)
    whole = folder / damaged
    whole.write_bytes(whole.read_bytes()[:60])
    status, _, message = run(*arguments, "--out", tmp_path / "out")
    assert status == 2
    assert f"{damaged} cannot be read" in words(message)
    assert "the report is of 2 images" in words(message)
    for path in folder.glob(f"{damaged[0]}*"):
        path.unlink()
    assert run(*arguments, "--out", tmp_path / "good")[0] == 0
    if command == "diagnose":
        found, expected = (
            DiagnosisReport.load(tmp_path / name / "diagnosis.json") for name in ("out", "good")
        )
        assert found.pixels == expected.pixels
        assert [m.clean for m in found.models] == [m.clean for m in expected.models]
        return
    found, expected = (RobustnessReport.load(tmp_path / n / "report.json") for n in ("out", "good"))
    assert found.clean.counts == expected.clean.counts
    assert [one.name for one in found.clean.images] == [one.name for one in expected.clean.images]
    assert len(found.left_out) == 1
    assert damaged in found.left_out[0]
    assert expected.left_out == []


@pytest.mark.parametrize("command", ["attack", "evaluate"])
def test_where_most_files_are_damaged_nothing_is_scored(command, run, folder, checkpoint, tmp_path):
    given = (folder,) if command == "attack" else ("--data", folder)
    for path in folder.glob("?.png"):
        path.write_bytes(b"no image")
    arguments = (command, *given, "--model", checkpoint, *FGSM, "--out", tmp_path / "out")
    status, _, message = run(*arguments)
    assert status == 2
    assert "0.png cannot be read" in words(message)
    assert not (tmp_path / "out").exists()


NAMES = [
    b"latin\xe9.png",
    b"two\nlines.png",
    b"[red]no[bold].png",
    b":two: :smile:.png",
    b"-dash.png",
    b"A.png",
    b"a.png",
    b"tab\t.png",
    "\u202egnp.png".encode(),
    b"x" * 251 + b".png",
    "é".encode() * 125 + b".png",
    b"\xe9" * 200 + b".png",
    b"latin\xe8.png",
]


@pytest.mark.slow
@pytest.mark.parametrize("command", ["attack", "evaluate"])
def test_names_of_all_kinds(command, run, checkpoint, tmp_path):
    """None of the images is lost, and the report can be read again."""
    folder = tmp_path / os.fsdecode(b"data\xe9")
    for number, name in enumerate(NAMES):
        try:
            save(folder / os.fsdecode(name), number, size=(32, 32))
        except OSError:
            pytest.skip("the file system takes no such names")
    if len(list(folder.iterdir())) < len(NAMES):
        pytest.skip("the file system does not tell A from a")
    given = (
        (folder,)
        if command == "attack"
        else ("--data", folder, "--pictures", len(NAMES), "--unlabelled")
    )
    out = tmp_path / "out"
    status, _output, message = run(command, *given, "--model", checkpoint, *FGSM, "--out", out)
    assert status == 0, message
    report = RobustnessReport.load(out / "report.json")
    names = [image.name for image in report.clean.images]
    assert {"latin�", "two�lines", "[red]no[bold]", ":two: :smile:", "-dash", "tab�"} < set(names)
    assert len(names) == len(NAMES)
    assert "data�" in report.data
    assert "�" in report.command
    assert "two�lines" in (out / "images.csv").read_text("utf-8")
    assert (out / "report.html").read_text("utf-8")
    if command == "attack":
        written = list((out / "adversarial").iterdir())
        assert {path.stem for path in written} == set(names)
        assert len({path.name.casefold() for path in written}) == len(NAMES)
        by_name = dict(zip(sorted(map(os.fsdecode, NAMES)), names, strict=True))
        for number, name in enumerate(NAMES):
            original = np.random.default_rng(number).integers(0, 256, (32, 32, 3), dtype=np.uint8)
            found = pixels(out / "adversarial" / f"{by_name[os.fsdecode(name)]}.png")
            assert np.abs(found.astype(int) - original).max() <= 8, name
    else:
        assert len(list((out / "overlays").iterdir())) == len(NAMES)


@pytest.mark.parametrize("console", [output, errors])
def test_names_are_no_emoji(console, capsys):
    console().print("net.py:smile: takes mIoU down", markup=False)
    console().print("net.py:smile: takes mIoU down")
    assert "".join(capsys.readouterr()).count("net.py:smile: takes") == 2


def test_what_is_not_used_is_counted(run, folder, checkpoint, tmp_path):
    for name, mode in (("0", "RGBA"), ("2", "RGBA")):
        rgba = np.dstack([pixels(folder / f"{name}.png"), np.full((40, 48), 77, np.uint8)])
        Image.fromarray(rgba, mode).save(folder / f"{name}.png")
    status, _, message = run(
        "evaluate", "--data", folder, "--model", checkpoint, *FGSM, "--out", tmp_path / "out"
    )
    assert status == 0
    assert words(message).count("alpha channel") == 1
    assert "0.png and 1 more: the alpha channel is not used" in words(message)


def test_deep_images_ask_for_their_white(run, checkpoint, tmp_path):
    import cv2

    values = np.random.default_rng(0).integers(0, 2048, (32, 32, 3), dtype=np.uint16)
    cv2.imwrite(str(tmp_path / "deep.tif"), values[..., ::-1])
    arguments = ("attack", tmp_path / "deep.tif", "--model", checkpoint, *FGSM)
    status, _, message = run(*arguments, "--out", tmp_path / "out")
    assert status == 2
    assert "say which value is white with --white" in words(message)
    assert run(*arguments, "--white", 2047, "--out", tmp_path / "out")[0] == 0
    change = pixels(tmp_path / "out" / "adversarial" / "deep.png") - np.rint(values * (255 / 2047))
    assert np.abs(change).max() == 8


@pytest.mark.parametrize("command", ["train", "adjust"])
def test_training_and_adjusting_take_deep_images(command, run, checkpoint, tmp_path):
    import cv2

    labels = np.random.default_rng(0).integers(0, 3, (32, 32), dtype=np.uint8)
    (tmp_path / "data").mkdir()
    cv2.imwrite(str(tmp_path / "data" / "a.png"), np.full((32, 32, 3), 1000, np.uint16))
    Image.fromarray(labels).save(tmp_path / "data" / "a_label.png")
    arguments = [command, "--data", tmp_path / "data", "--out", tmp_path / "out.safetensors"]
    if command == "train":
        arguments += ["--steps", 1, "--network", "small:width=6", "--batch-size", 1]
    else:
        arguments += ["--model", checkpoint, "--attack", "fgsm", "--rounds", 1]
    status, _, message = run(*arguments)
    assert status == 2
    assert "say which value is white with --white" in words(message)
    status, _, message = run(*arguments, "--white", 2047)
    assert status == 0, message


def video(path, count=6, size=(40, 48), seed=0):
    frames = np.random.default_rng(seed).integers(0, 256, (count, *size, 3), dtype=np.uint8)
    with VideoWriter(path, 10) as writer:
        for frame in frames:
            writer.write(frame)
    return frames


def test_videos_are_scaled_too(run, checkpoint, tmp_path):
    flat = np.full((80, 96, 3), 90, np.uint8)
    with VideoWriter(tmp_path / "drive.mkv", 10) as writer:
        for _ in range(2):
            writer.write(flat)
    status, _, message = run(
        "attack", tmp_path / "drive.mkv", "--model", checkpoint, *FGSM, "--scale", 0.5,
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert status == 0, message
    (one, _two) = Video(tmp_path / "out" / "adversarial" / "drive.mkv")
    assert one.shape == (40, 48, 3)
    assert set(np.unique(np.abs(one.astype(int) - 90))) <= {0, 8}


def test_no_more_frames_are_read_than_asked_for(run, checkpoint, tmp_path):
    """As the advice at a video that breaks off says."""
    path = tmp_path / "drive.mkv"
    frames = video(path, 30)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    arguments = ("attack", path, "--model", checkpoint, *FGSM)
    message = words(run(*arguments, "--out", tmp_path / "cut")[2])
    advised = int(message.split("--frames ")[1].split(".")[0])
    assert run(*arguments, "--frames", advised, "--out", tmp_path / "out")[0] == 0
    for out in ("cut", "out"):
        attacked = list(Video(tmp_path / out / "adversarial" / "drive.mkv"))
        assert len(attacked) == advised
        assert all(
            np.abs(a.astype(int) - f).max() == 8 for a, f in zip(attacked, frames, strict=False)
        )


def test_a_video_that_cannot_be_read_does_not_stop_the_others(run, checkpoint, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.mp4").write_bytes(b"no video" * 99)
    video(tmp_path / "in" / "b.mkv", 2)
    save(tmp_path / "in" / "c.png")
    status, _, message = run(
        "attack", tmp_path / "in", "--model", checkpoint, *FGSM, "--out", tmp_path / "out"
    )
    assert status == 2
    assert "a.mp4 cannot be read" in words(message)
    report = RobustnessReport.load(tmp_path / "out" / "report.json")
    assert [one.name for one in report.clean.images] == ["c", "b-000000", "b-000001"]


def test_an_animated_gif_is_a_video_and_a_still_one_an_image(run, checkpoint, tmp_path):
    frames = [Image.new("P", (48, 40), shade) for shade in (0, 1, 2)]
    for frame in frames:
        frame.putpalette([200, 0, 0, 0, 200, 0, 0, 0, 200])
    frames[0].save(tmp_path / "moves.gif", save_all=True, append_images=frames[1:], duration=100)
    frames[0].save(tmp_path / "still.gif")
    status, _, message = run(
        "attack", tmp_path / "moves.gif", tmp_path / "still.gif", "--model", checkpoint, *FGSM,
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert status == 0, message
    attacked = list(Video(tmp_path / "out" / "adversarial" / "moves.mkv"))
    assert [frame.mean((0, 1)).argmax() for frame in attacked] == [0, 1, 2]
    assert (tmp_path / "out" / "adversarial" / "still.png").exists()


def test_mpg_is_a_video(run, checkpoint, tmp_path):
    av = pytest.importorskip("av")
    with av.open(tmp_path / "a.mpg", "w") as container:
        stream = container.add_stream("mpeg2video", rate=25)
        stream.width, stream.height, stream.pix_fmt = 48, 40, "yuv420p"
        for shade in range(5):
            frame = av.VideoFrame.from_ndarray(np.full((40, 48, 3), 40 * shade, np.uint8))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    status, _, message = run(
        "attack", tmp_path / "a.mpg", "--model", checkpoint, *FGSM, "--out", tmp_path / "out"
    )
    assert status == 0, message
    assert len(list(Video(tmp_path / "out" / "adversarial" / "a.mkv"))) == 5


def test_odd_sides_are_cut_and_it_is_said(run, checkpoint, tmp_path):
    av = pytest.importorskip("av")
    with av.open(tmp_path / "a.mkv", "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 47, 41, "bgr0"
        frame = av.VideoFrame.from_ndarray(np.full((41, 47, 3), 90, np.uint8))
        container.mux(stream.encode(frame.reformat(format="bgr0")))
        container.mux(stream.encode())
    status, _, message = run(
        "attack", tmp_path / "a.mkv", "--model", checkpoint, *FGSM, "--out", tmp_path / "out"
    )
    assert status == 0, message
    assert "a.mkv: the last row or column is cut off" in words(message)
    assert next(iter(Video(tmp_path / "out" / "adversarial" / "a.mkv"))).shape == (40, 46, 3)


@pytest.mark.parametrize("command", ["attack", "evaluate"])
def test_reports_say_where_they_were_computed(command, run, folder, checkpoint, tmp_path):
    given = (folder,) if command == "attack" else ("--data", folder, "--batch-size", 3)
    out = tmp_path / "out"
    assert run(command, *given, "--model", checkpoint, *FGSM, "--out", out)[0] == 0
    settings = RobustnessReport.load(out / "report.json").settings
    assert settings["batch size"] == ("1" if command == "attack" else "3")
    assert settings["device"] == "cpu"
    assert settings["threads"] == str(torch.get_num_threads())
    assert settings["hardware"]
    if command == "evaluate":
        first = json.loads((out / "batches.jsonl").read_text().splitlines()[0])
        assert settings["weights"] == first["setting"]["weights"]
    assert settings["weights"] in (out / "report.html").read_text()


@pytest.mark.parametrize("command", ["attack", "evaluate", "diagnose"])
def test_a_folder_that_another_run_writes_into(command, run, folder, checkpoint, tmp_path):
    from art_segplugin.files import only_run_in

    given = (folder,) if command == "attack" else ("--data", folder)
    with only_run_in(tmp_path / "out"):
        status, _, message = run(
            command, *given, "--model", checkpoint, *FGSM, "--out", tmp_path / "out"
        )
        assert status == 2
        assert f"another run (process {os.getpid()}) writes into" in words(message)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["attack", "evaluate", "diagnose", "demo", "replay"])
def test_commands_of_one_process_refuse_torchrun(command, run, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    given = (tmp_path,) if command in ("attack", "replay") else ()
    status, _, message = run(command, *given)
    assert status == 2
    assert f"`{command}` runs in one process and WORLD_SIZE is 2" in words(message)


def test_progress_is_printed_in_lines_where_there_is_no_terminal(run, folder, checkpoint, tmp_path):
    status, _, message = run(
        "evaluate", "--data", folder, "--model", checkpoint, *FGSM, "--out", tmp_path / "out"
    )
    assert status == 0
    assert "attacking: 0 of 6, 0:00:00 elapsed" in message
    assert "fgsm: 6 of 6, 0:00:0" in message


MODEL = """
import torch
from torch import nn
from art_segplugin.models import Segmenter

def net():
    torch.manual_seed(0)
    channels = {channels}
    net = nn.Conv2d(channels, 4, 3, padding=1, padding_mode="replicate")
    return Segmenter(net, classes=4, mean=(0.0,) * channels, std=(1.0,) * channels)
"""


@pytest.mark.parametrize("channels", [1, 4])
def test_models_of_other_channels(channels, run, tmp_path):
    tifffile = pytest.importorskip("tifffile")
    (tmp_path / "nets.py").write_text(MODEL.replace("{channels}", str(channels)))
    bands = np.random.default_rng(0).integers(9, 240, (32, 40, channels), dtype=np.uint8)
    (tmp_path / "data").mkdir()
    layout = {} if channels == 1 else {"planarconfig": "contig"}
    for name in ("a", "b"):
        path = tmp_path / "data" / f"{name}.tif"
        tifffile.imwrite(path, bands.squeeze(), photometric="minisblack", **layout)
    rgb = save(tmp_path / "data" / "c.png", size=(32, 40))
    arguments = ("--model", f"{tmp_path / 'nets.py'}:net", *FGSM)
    status, _, message = run("attack", tmp_path / "data", *arguments, "--out", tmp_path / "out")
    out = tmp_path / "out" / "adversarial"
    if channels == 1:
        assert status == 0, message
        assert "c.png: colours are converted to grey (luma)" in words(message)
        assert np.abs(pixels(out / "a.png") - bands[..., 0].astype(int)).max() == 8
        grey = np.asarray(Image.fromarray(rgb).convert("L")).astype(int)
        assert np.abs(pixels(out / "c.png") - grey).max() == 8
    else:
        assert status == 2
        assert "c.png has 3 channels and the model takes 4" in words(message)
        assert np.abs(np.load(out / "a.npy") - bands.astype(int)).max() == 8
        assert (pixels(out / "a.png") == np.load(out / "a.npy")[..., :3]).all()
        (tmp_path / "data" / "c.png").unlink()
    for path in (tmp_path / "data").iterdir():
        labels = np.random.default_rng(1).integers(0, 4, (32, 40), dtype=np.uint8)
        Image.fromarray(labels).save(path.with_name(f"{path.stem}_label.png"))
    status, _, message = run(
        "evaluate", "--data", tmp_path / "data", *arguments, "--out", tmp_path / "scores"
    )
    assert status == 0, message
    report = RobustnessReport.load(tmp_path / "scores" / "report.json")
    assert report.results[1].largest_distance == pytest.approx(8 / 255, abs=1e-6)
    assert (tmp_path / "scores" / "report.html").exists()


def test_scenes_are_rgb(run, tmp_path):
    (tmp_path / "nets.py").write_text(MODEL.replace("{channels}", "4"))
    status, _, message = run(
        "evaluate", "--model", f"{tmp_path / 'nets.py'}:net", "--out", tmp_path / "out"
    )
    assert status == 2
    assert "'scenes' are RGB and the model takes 4 channels" in words(message)


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_tables_of_classes_fit_the_terminal(columns, run, folder, checkpoint, tmp_path):
    arguments = (
        "evaluate",
        "--data",
        folder,
        "--model",
        checkpoint,
        "--attack",
        "temperature-pgd-1",
    )
    status, output, message = run(
        *arguments,
        "--eps",
        "2/255",
        "--eps",
        "8/255",
        "--pictures",
        0,
        "--out",
        tmp_path / "out",
        columns=columns,
    )
    assert status == 0, message
    assert max(map(len, output.splitlines())) <= columns
    tables = output.split("IoU per class")[1]
    for name in ("ground", "thing", "sky", "eps 2/255", "eps 8/255"):
        assert name in tables, tables


def test_what_was_attacked_before_ctrl_c_is_reported(
    run, folder, checkpoint, tmp_path, monkeypatch
):
    from art_segplugin.cli import attack_files

    written = attack_files.write_bytes

    def interrupted(path, data):
        if path.name == "1.png":
            raise KeyboardInterrupt
        written(path, data)

    monkeypatch.setattr(attack_files, "write_bytes", interrupted)
    out = tmp_path / "out"
    status, _, message = run("attack", folder, "--model", checkpoint, *FGSM, "--out", out)
    assert status == 130
    assert "Stopped" in message
    report = RobustnessReport.load(out / "report.json")
    assert [one.name for one in report.clean.images] == ["0"]
    assert [path.name for path in (out / "adversarial").iterdir()] == ["0.png"]
    assert not [path for path in out.rglob("*") if path.name.startswith(".") or "lock" in path.name]


def test_training_names_the_file_that_is_damaged(run, folder, tmp_path):
    for split in ("train", "val"):
        shutil.copytree(folder, tmp_path / "splits" / split)
    damaged = tmp_path / "splits" / "train" / "1.png"
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:100])
    arguments = (
        "train", "--data", tmp_path / "splits", "--palette", "camvid", "--steps", 2,
        "--batch-size", 3, "--validate-every", 2, "--out", tmp_path / "run",
    )  # fmt: skip
    status, _, message = run(*arguments)
    assert status == 2
    assert f"{damaged} cannot be read" in words(message)
    damaged.write_bytes(whole)
    status, _, message = run(*arguments)
    assert status == 0, message
    assert "2 of 2, 0:00:" in message
