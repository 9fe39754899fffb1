"""Data sets of known scores, from the command line to the report."""

import numpy as np
import pytest
import torch
from helpers.data_sets import CLEAN, DATA_SETS, FOUR, camvid, kaggle, nearest_colour, truth, write

from art_segplugin.data.palettes import CAMVID, VOC
from art_segplugin.evaluation import DiagnosisReport, RobustnessReport


def evaluated(run, out, *arguments):
    """The report and what was printed."""
    status, output, message = run(
        "evaluate", "--attack", "fgsm", "--pictures", "0", "--out", out, *arguments
    )
    assert status == 0, message
    return RobustnessReport.load(out / "report.json"), " ".join((output + message).split())


@pytest.mark.slow
@pytest.mark.parametrize("name", DATA_SETS)
def test_known_scores_from_the_root_and_around_it(run, tmp_path, name):
    make, palette, _, count, title = DATA_SETS[name]
    root = tmp_path / "down" / "root"
    make(root)
    model = nearest_colour(tmp_path, palette)
    for number, place in enumerate((root, root.parent)):
        arguments = ("--data", place, "--model", model)
        report, said = evaluated(run, tmp_path / f"out{number}", *arguments)
        assert report.reference == "labels"
        assert report.clean.pixel_accuracy == pytest.approx(CLEAN)
        assert len(report.clean.images) == count
        assert f"recognised as {title}" in said
        assert f"recognised as {title}" in report.data
        assert report.labels.void == pytest.approx(1 / 8)
    if palette is not FOUR:
        assert tuple(report.classes) == palette.classes


def test_images_without_labels_are_refused_unless_told(run, tmp_path):
    kaggle(tmp_path)
    (tmp_path / "masks" / "1_mask.png").rename(tmp_path / "other.png")
    model = nearest_colour(tmp_path, FOUR)
    arguments = ("--data", tmp_path / "images", "--model", model)
    for command in ("evaluate", "diagnose"):
        status, _, message = run(command, *arguments, "--out", tmp_path / "no")
        assert status == 2
        said = " ".join(message.split())
        assert "1 of 2 images have no label map, such as" in said
        assert "--images DIR --labels DIR" in said
        assert not (tmp_path / "no").exists()
    report, _ = evaluated(run, tmp_path / "yes", *arguments, "--unlabelled")
    assert len(report.clean.images) == 2


@pytest.mark.slow
@pytest.mark.parametrize("label", ["a_mask.png", "a_label.PNG", "a_Label.npy", "annotations/a.png", "masks/a_gt.tif"])  # fmt: skip
def test_a_label_map_beside_an_image_is_found(run, tmp_path, label):
    folder = tmp_path / "data"
    write(folder / "a.png", FOUR.colourise(truth(0, 4)))
    labels = truth(0, 4)
    labels[0] = (labels[0] + 1) % 4
    path = folder / label
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, labels)
    else:
        write(path, labels)
    model = nearest_colour(tmp_path, FOUR)
    report, _ = evaluated(run, tmp_path / "out", "--data", folder, "--model", model)
    assert len(report.clean.images) == 1
    assert report.clean.pixel_accuracy == 7 / 8
    arguments = ("attack", folder, "--model", model, "--attack", "fgsm", "--out", tmp_path / "two")
    assert run(*arguments)[0] == 0
    assert [p.name for p in (tmp_path / "two" / "adversarial").iterdir()] == ["a.png"]


def test_lossy_label_maps_are_refused(run, tmp_path):
    from PIL import Image

    write(tmp_path / "data" / "a.png", FOUR.colourise(truth(0, 4)))
    (tmp_path / "data" / "masks").mkdir()
    Image.fromarray(truth(0, 4)).save(tmp_path / "data" / "masks" / "a.jpg")
    arguments = ("--data", tmp_path / "data", "--model", nearest_colour(tmp_path, FOUR))
    status, _, message = run("evaluate", *arguments, "--out", tmp_path / "out")
    assert status == 2
    assert "is a JPEG file, which changes labels" in " ".join(message.split())


def test_images_and_labels_in_folders_of_their_own(run, tmp_path):
    kaggle(tmp_path)
    (tmp_path / "images").rename(tmp_path / "left")
    (tmp_path / "masks").rename(tmp_path / "right")
    model = nearest_colour(tmp_path, FOUR)
    given = ("--images", tmp_path / "left", "--labels", tmp_path / "right", "--model", model)
    given = (*given, "--label-suffix", "_mask")
    report, _ = evaluated(run, tmp_path / "out", *given)
    assert report.clean.pixel_accuracy == pytest.approx(CLEAN)
    status, _, message = run(
        "diagnose", *given, "--out", tmp_path / "diagnosis", "--attack", "fgsm"
    )
    assert status == 0, message
    found = DiagnosisReport.load(tmp_path / "diagnosis" / "diagnosis.json")
    assert found.models[0].results[0].accuracy == pytest.approx(CLEAN)
    image = tmp_path / "left" / "0.png"
    given = ("--labels", tmp_path / "right", "--model", model, "--attack", "fgsm")
    assert run("attack", image, *given, "--out", tmp_path / "attacked")[0] == 0
    report = RobustnessReport.load(tmp_path / "attacked" / "report.json")
    assert report.reference == "labels"
    assert report.clean.pixel_accuracy == pytest.approx(CLEAN)


def test_an_image_of_camvid_is_attacked_by_the_rule_of_camvid(run, tmp_path):
    camvid(tmp_path / "camvid")
    image = tmp_path / "camvid" / "val" / "0001TP_000000.png"
    out = tmp_path / "out"
    model = nearest_colour(tmp_path, CAMVID)
    status, _, message = run("attack", image, "--model", model, "--attack", "fgsm", "--out", out)
    assert status == 0, message
    report = RobustnessReport.load(out / "report.json")
    assert report.reference == "labels"
    assert report.clean.pixel_accuracy == pytest.approx(CLEAN)
    assert "recognised as CamVid" in " ".join(message.split())
    assert tuple(report.classes) == CAMVID.classes


def test_labels_of_other_classes_than_the_models_are_left_out_and_said(run, tmp_path):
    camvid(tmp_path / "camvid")
    image = tmp_path / "camvid" / "val" / "0001TP_000000.png"
    out = tmp_path / "out"
    model = nearest_colour(tmp_path, VOC)
    status, _, message = run("attack", image, "--model", model, "--attack", "fgsm", "--out", out)
    assert status == 0, message
    said = " ".join(message.split())
    assert "are not used: the model has 21 classes and the data have 11" in said
    assert RobustnessReport.load(out / "report.json").reference == "clean prediction"


@pytest.mark.parametrize("name", ["voc", "cityscapes", "ade20k", "roboflow", "kaggle"])
def test_training_on_a_data_set(run, tmp_path, name):
    make, _, _, _, title = DATA_SETS[name]
    make(tmp_path / "data")
    status, _, message = run(
        "train", "--data", tmp_path / "data", "--steps", "1", "--batch-size", "1",
        "--report-count", "0", "--out", tmp_path / "out", "--network", "small:width=6",
        "--scale", "4", "--crop", "32x32",
    )  # fmt: skip
    said = " ".join(message.split())
    assert status == 0, message
    assert f"recognised as {title}" in said
    shared = "validation images are training images too"
    assert (shared in said) == (name == "kaggle")
    info = (tmp_path / "out" / "best.safetensors").exists()
    assert info


def test_training_on_another_split(run, tmp_path):
    make, _, _, _, _ = DATA_SETS["voc"]
    make(tmp_path / "data")
    status, _, message = run(
        "train", "--data", tmp_path / "data", "--split", "train_aug", "--steps", "1",
        "--batch-size", "1", "--report-count", "0", "--out", tmp_path / "out",
        "--network", "small:width=6", "--scale", "4", "--crop", "32x32",
    )  # fmt: skip
    assert status == 0, message
    assert "split train_aug, 4 images" in " ".join(message.split())


def test_a_model_with_another_void_value_reads_the_void_of_the_files(run, tmp_path):
    make, palette, _, _, _ = DATA_SETS["voc"]
    make(tmp_path / "data")
    colours = torch.tensor(palette.colours).tolist()
    path = tmp_path / "void.py"
    path.write_text(
        f"""
import torch
from art_segplugin.models import Segmenter

def net():
    colours = torch.tensor({colours}, dtype=torch.float32) / 255
    layer = torch.nn.Conv2d(3, len(colours), 1)
    layer.weight.data = 200 * colours[:, :, None, None]
    layer.bias.data = -100 * colours.square().sum(1)
    return Segmenter(layer, classes=len(colours), ignore_index=-100)
"""
    )
    report, _ = evaluated(
        run, tmp_path / "out", "--data", tmp_path / "data", "--model", f"{path}:net"
    )
    assert report.clean.pixel_accuracy == pytest.approx(CLEAN)


@pytest.mark.parametrize(
    ("command", "name", "void", "others"),
    [
        ("evaluate", "cityscapes-ids", ("--void", "12"), 3),  # a wall
        ("evaluate", "ade20k", ("--void", "5"), 4),
        ("attack", "ade20k", ("--void", "5"), 4),
        ("diagnose", "loveda", ("--label-map", "5=void"), 4),
        ("evaluate", "camvid", ("--void", "2"), 2),
        ("evaluate", "voc", ("--void", "5", "--labels-as", "indices"), 5),
    ],
)
def test_one_void_value_more_leaves_the_rest_as_the_data_set_stores_it(
    run, tmp_path, command, name, void, others
):
    make, palette, _, _, _ = DATA_SETS[name]
    make(tmp_path / "data")
    model, out = nearest_colour(tmp_path, palette), tmp_path / "out"
    given = (tmp_path / "data",) if command == "attack" else ("--data", tmp_path / "data")
    arguments = (command, *given, "--model", model, "--attack", "fgsm", "--out", out, *void)
    status, _, message = run(*arguments)
    assert status == 0, message
    if command == "diagnose":
        found = DiagnosisReport.load(out / "diagnosis.json")
        accuracy, labels = found.models[0].results[0].accuracy, found.labels
    else:
        found = RobustnessReport.load(out / "report.json")
        accuracy, labels = found.clean.pixel_accuracy, found.labels
    assert labels.void > 1 / 8
    assert palette.classes[others] not in labels.classes
    assert 0.8 < accuracy < 0.9


@pytest.mark.parametrize(
    ("command", "name", "labels"),
    [
        ("evaluate", "img_dir", "ann_dir"),
        ("attack", "ade20k", "annotations"),
        ("evaluate", "cityscapes", "gtFine"),
    ],
)
def test_the_folder_of_all_label_maps_is_refused(run, tmp_path, command, name, labels):
    make, palette, *_ = DATA_SETS[name]
    make(tmp_path / "data")
    folder = tmp_path / "data" / labels
    given = (folder,) if command == "attack" else ("--data", folder)
    model = nearest_colour(tmp_path, palette)
    status, _, message = run(command, *given, "--model", model, "--out", tmp_path / "out")
    assert status == 2
    assert f"{labels} holds label maps of" in " ".join(message.split())
    assert not (tmp_path / "out").exists()


def test_a_split_that_is_none_is_refused(run, tmp_path):
    kaggle(tmp_path / "data")
    model = nearest_colour(tmp_path, FOUR)
    arguments = ("--data", tmp_path / "data", "--model", model, "--out", tmp_path / "out")
    status, _, message = run("evaluate", *arguments, "--split", "tets")
    assert status == 2
    assert "has no split 'tets'; it has no splits: leave --split out" in " ".join(message.split())
    camvid(tmp_path / "camvid")
    arguments = ("--data", tmp_path / "camvid" / "val", *arguments[2:])
    status, _, message = run("evaluate", *arguments, "--split", "tets")
    assert status == 2
    assert "it is the split val" in " ".join(message.split())


def test_folders_of_any_names_are_attacked_with_their_label_maps(run, tmp_path):
    kaggle(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "images").rename(tmp_path / "data" / "left")
    (tmp_path / "masks").rename(tmp_path / "data" / "right")
    for number in range(2):
        label = tmp_path / "data" / "right" / f"{number}_mask.png"
        label.rename(label.with_name(f"{number}.png"))
    model, out = nearest_colour(tmp_path, FOUR), tmp_path / "out"
    arguments = ("--model", model, "--attack", "fgsm", "--out", out)
    status, _, message = run("attack", tmp_path / "data", *arguments)
    assert status == 0, message
    report = RobustnessReport.load(out / "report.json")
    assert report.reference == "labels"
    assert report.clean.pixel_accuracy == pytest.approx(CLEAN)
