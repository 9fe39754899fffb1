"""Each way to store labels, with a model whose class is the nearest colour: every score is known."""

import csv
import json

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import art_segplugin.models
from art_segplugin.data.datasets import open_dataset
from art_segplugin.data.palettes import CAMVID, SCENES, VOC
from art_segplugin.errors import InputError
from art_segplugin.evaluation import DiagnosisReport, RobustnessReport
from art_segplugin.models import CheckpointInfo, Segmenter

GENERATOR = np.random.default_rng(0)


class NearestColour(nn.Module):
    def __init__(self, colours):
        super().__init__()
        self.colours = nn.Parameter(torch.tensor(colours) / 255)

    def forward(self, images):
        away = images[:, None] - self.colours[None, :, :, None, None]
        return -50 * away.square().sum(2)


@pytest.fixture
def use(monkeypatch):
    """Let --model be a model of these colours."""

    def use(colours, classes=(), **facts):
        info = CheckpointInfo("x", classes, colours if classes else (), **facts)
        model = Segmenter(
            NearestColour(colours), classes=len(colours), info=info if classes else None
        )
        monkeypatch.setattr(art_segplugin.models, "load_model", lambda spec: model)

    return use


@pytest.fixture
def case(run, tmp_path):
    """Run a command on an image painted by class, with a label map beside it."""

    def case(colours, classes, stored, *options, command="evaluate"):
        save(tmp_path / "data", colours, classes, stored)
        out = tmp_path / f"out{len(list(tmp_path.iterdir()))}"
        data = ("--data", tmp_path / "data") if command != "attack" else (tmp_path / "data",)
        status, output, message = run(
            command, *data, "--model", "m", "--attack", "fgsm", "--eps", "1/255", "--out", out,
            *options,
        )  # fmt: skip
        return status, " ".join((output + message).split()), out

    return case


def save(folder, colours, classes, stored, name="a"):
    folder.mkdir(exist_ok=True)
    Image.fromarray(np.array(colours, np.uint8)[classes]).save(folder / f"{name}.png")
    if not isinstance(stored, Image.Image):
        stored = Image.fromarray(stored)
    stored.save(folder / f"{name}_label.png")


def classes_of(count, size=(16, 20)):
    return GENERATOR.integers(0, count, size)


def report(out):
    return RobustnessReport.load(out / "report.json")


TWO = ((0, 0, 0), (255, 255, 255))
THREE = ((200, 0, 0), (0, 200, 0), (0, 0, 200))


@pytest.mark.parametrize(
    ("command", "names"), [("evaluate", ()), ("attack", ("background", "person"))]
)
def test_masks_of_0_and_255_are_asked_about(case, use, command, names):
    use(TWO, names)
    classes = classes_of(2)
    stored = (255 * classes).astype(np.uint8)
    status, said, _ = case(TWO, classes, stored, command=command)
    share = f"{100 * classes.mean():.0f} %"
    assert status == 2
    assert f"contains 255 in {share} of the pixels and only one class" in said
    assert "--label-map 255=1" in said
    status, said, out = case(TWO, classes, stored, "--label-map", "255=1", command=command)
    assert status == 0, said
    found = report(out)
    assert found.clean.pixel_accuracy == 1
    assert np.sum(found.clean.counts, 1).tolist() == np.bincount(classes.ravel()).tolist()
    assert found.labels.void == 0
    assert "Labels: class indices" in said
    assert "; 255 = 1. 0.0 % of the labelled pixels are void. 2 of 2 classes occur: " in said
    status, said, out = case(TWO, classes, stored, "--label-map", "255=void", command=command)
    assert status == 0
    found = report(out)
    assert found.labels.void == pytest.approx(classes.mean())
    assert len(found.labels.classes) == 1
    assert found.labels.doubts == []


def test_another_label_map_with_the_object_settles_that_255_is_void(case, use, tmp_path):
    use(TWO)
    classes = classes_of(2)
    void = classes.copy()
    void[0] = 255
    save(tmp_path / "data", TWO, classes, void.astype(np.uint8), "b")
    empty = np.zeros_like(classes)
    border = empty.copy()
    border[:2] = 255
    status, said, out = case(TWO, empty, border.astype(np.uint8))
    assert status == 0, said
    found = report(out)
    assert found.clean.pixel_accuracy == 1
    assert found.labels.void == pytest.approx(3 * 20 / (2 * 16 * 20))
    assert found.labels.classes == ["0", "1"]


def test_a_mask_of_0_and_1_does_not_settle_what_255_is_in_others(case, use, tmp_path):
    use(TWO)
    classes = classes_of(2)
    save(tmp_path / "data", TWO, classes, classes.astype(np.uint8), "b")
    stored = (255 * classes).astype(np.uint8)
    status, said, _ = case(TWO, classes, stored)
    assert status == 2
    assert "If 255 marks the object, pass --label-map 255=1" in said
    status, said, out = case(TWO, classes, stored, "--label-map", "255=1")
    assert status == 0, said
    assert report(out).clean.pixel_accuracy == 1
    assert report(out).labels.void == 0


def test_soft_edges_of_a_mask_are_refused_with_what_cuts_them(case, use):
    use(TWO)
    classes = classes_of(2)
    stored = (255 * classes).astype(np.uint8)
    stored[0] = np.where(classes[0], 200, 60)
    for options in ((), ("--label-map", "255=1")):
        status, said, _ = case(TWO, classes, stored, *options)
        assert status == 2
        assert "holds the labels 60, 200; expected 0..1" in said
        assert (
            "soft edges of a mask of 0 and 255, cut them in the middle: --label-map 0-127" in said
        )
    status, said, out = case(TWO, classes, stored, "--label-map", "0-127=0,128-255=1")
    assert status == 0, said
    assert report(out).clean.pixel_accuracy == 1


def test_a_table_of_equal_colours_does_not_count(case, use):
    use(VOC.colours)
    classes = classes_of(4)
    stored = Image.fromarray(classes.astype(np.uint8))
    stored.putpalette([0, 0, 0] * 256)
    stored.info["transparency"] = bytes([0, 128, 255])
    status, said, out = case(VOC.colours, classes, stored, "--palette", "voc")
    assert status == 0, said
    assert report(out).clean.pixel_accuracy == 1
    assert "warning" not in said  # such as Pillow's about the transparency of a colour table


def test_doubts_name_values_of_the_files(case, use):
    use(THREE, ("red", "green", "blue"))
    stored = classes_of(3).astype(np.uint8) + 1
    shown = np.where(stored == 3, 0, stored - 1)
    status, said, _ = case(THREE, shown, stored, "--reduce-zero-label")
    assert status == 0
    assert "never predicts class 2" in said
    assert "pass --void 3" in said
    status, said, _ = case(THREE, shown, stored, "--reduce-zero-label", "--void", "3")
    assert "never predicts" not in said


def test_void_alone_is_refused_and_void_images_are_named(case, use, tmp_path):
    use(THREE)
    classes = classes_of(3)
    void = np.full(classes.shape, 255, np.uint8)
    for command in ("evaluate", "attack"):
        status, said, _ = case(THREE, classes, void, command=command)
        assert status == 2
        assert "void everywhere" in said
    save(tmp_path / "data", THREE, classes, classes.astype(np.uint8), "b")
    status, said, out = case(THREE, classes, void)
    assert status == 0
    assert report(out).labels.void_images == ["a"]
    assert "1 image of void pixels alone (a) counts nowhere" in said
    assert report(out).clean.pixel_accuracy == 1


@pytest.mark.parametrize("command", ["evaluate", "attack"])
def test_a_colour_table_in_another_order_is_read_by_its_colours(case, use, command):
    use(VOC.colours)
    classes = classes_of(4)
    order = [3, 0, 2, 1]  # classes of the indices
    stored = Image.fromarray(np.argsort(order)[classes].astype(np.uint8), "P")
    stored.putpalette([value for one in order for value in VOC.colours[one]])
    status, said, out = case(VOC.colours, classes, stored, "--palette", "voc", command=command)
    assert status == 0, said
    assert "a_label.png: the colours count, for the colour table has those of the classes" in said
    assert report(out).clean.pixel_accuracy == 1
    status, said, _ = case(VOC.colours, classes, stored, command=command)
    assert status == 2
    assert "--palette voc" in said
    status, said, out = case(VOC.colours, classes, stored, "--labels-as", "indices")
    assert status == 0
    assert report(out).clean.pixel_accuracy == pytest.approx(
        (np.argsort(order)[classes] == classes).mean()
    )


@pytest.mark.parametrize("command", ["evaluate", "attack"])
def test_colours_that_nobody_chose_are_asked_about(case, use, command):
    colours = tuple((i, 255 - i, 90) for i in range(150))
    use(colours)
    classes = classes_of(11)
    painted = CAMVID.colourise(classes)
    status, said, _ = case(CAMVID.colours, classes, painted, command=command)
    assert status == 2
    assert "--palette camvid" in said
    use(CAMVID.colours)
    status, said, out = case(
        CAMVID.colours, classes, painted, "--palette", "camvid", command=command
    )
    assert status == 0, said
    assert report(out).clean.pixel_accuracy == 1
    use(colours, tuple(f"thing {i}" for i in range(150)))
    status, said, _ = case(CAMVID.colours, classes, painted, command=command)
    assert status == 2
    assert "(0, 128, 192)" in said  # the model brought colours, and these are not among them


@pytest.mark.parametrize("command", ["evaluate", "attack", "diagnose"])
def test_labels_from_1_with_0_as_void(case, use, command):
    names = ("red", "green", "blue")
    classes = classes_of(3)
    stored = (classes + 1).astype(np.uint8)
    stored[0] = 0
    use(THREE, names)
    status, said, _ = case(THREE, classes, stored, command=command)
    assert status == 2
    assert "holds the labels 3; expected 0..2 or 255" in said
    assert "--reduce-zero-label" in said
    few = np.where(stored == 3, 1, stored)
    shown = np.where(classes == 2, 0, classes)
    status, said, _ = case(THREE, shown, few, command=command)
    assert status == 0
    assert "0 as void and class k stored as k + 1 would make it 100.0 %" in said
    status, said, out = case(THREE, classes, stored, "--reduce-zero-label", command=command)
    assert status == 0, said
    kind, name = (
        (DiagnosisReport, "diagnosis") if command == "diagnose" else (RobustnessReport, "report")
    )
    found = kind.load(out / f"{name}.json")
    assert found.labels.void == pytest.approx(1 / 16)
    assert found.labels.classes == list(names)
    assert "0 is void, class k is stored as k + 1" in said
    page = " ".join((out / f"{name}.html").read_text().split())
    assert "6.2 % of the labelled pixels are void. 3 of 3 classes occur: red, green, blue." in page
    clean = found.models[0].clean.accuracy if command == "diagnose" else found.clean.pixel_accuracy
    assert clean == 1


def test_what_the_model_says_of_labels_is_used_and_named(case, use):
    use(THREE, ("red", "green", "blue"), reduce_labels=True)
    classes = classes_of(3)
    stored = (classes + 1).astype(np.uint8)
    status, said, out = case(THREE, classes, stored)
    assert status == 0
    assert report(out).clean.pixel_accuracy == 1
    assert report(out).labels.rule.startswith("the model's rule: ")
    assert "Labels: the model's rule: " in said
    status, said, out = case(THREE, classes, stored - 1, "--no-reduce-zero-label")
    assert status == 0
    assert report(out).clean.pixel_accuracy == 1
    assert "the options for labels go before that" in said
    for zero in ("0=void", "9=void"):
        status, said, out = case(THREE, classes, stored, "--label-map", zero)
        assert status == 0, said
        assert report(out).clean.pixel_accuracy == 1
        assert "go before that" not in said
    status, said, out = case(THREE, classes, stored - 1)
    assert report(out).clean.pixel_accuracy < 0.5
    assert "pass --no-reduce-zero-label" in said
    stored[0] = 9
    status, said, out = case(THREE, classes, stored, "--void", "9")
    assert status == 0, said
    assert report(out).clean.pixel_accuracy == 1
    assert report(out).labels.void == pytest.approx(1 / 16)


def test_models_that_disagree_about_0_are_not_diagnosed_by_the_first(run, tmp_path, monkeypatch):
    def model(spec):
        names = ("red", "green", "blue")
        info = CheckpointInfo("x", names, THREE, reduce_labels=spec == "shifted")
        return Segmenter(NearestColour(THREE), classes=3, info=info)

    monkeypatch.setattr(art_segplugin.models, "load_model", model)
    classes = classes_of(3)
    save(tmp_path / "data", THREE, classes, (classes + 1).astype(np.uint8))
    given = ("--data", tmp_path / "data", "--model", "shifted", "--model", "plain",
             "--attack", "fgsm", "--eps", "1/255")  # fmt: skip
    status, _, message = run("diagnose", *given, "--out", tmp_path / "one")
    assert status == 2
    assert "--reduce-zero-label or --no-reduce-zero-label" in " ".join(message.split())
    status, _, message = run("diagnose", *given, "--reduce-zero-label", "--out", tmp_path / "two")
    assert status == 0, message
    found = DiagnosisReport.load(tmp_path / "two" / "diagnosis.json")
    assert found.labels.rule.endswith("0 is void, class k is stored as k + 1; 255 void")


def test_void_that_is_the_last_class_of_the_model(case, use):
    use((*CAMVID.colours, (255, 0, 255)))
    classes = classes_of(11)
    stored = classes.astype(np.uint8)
    stored[0] = 11
    status, said, out = case(CAMVID.colours, classes, stored)
    assert status == 0
    assert report(out).clean.pixel_accuracy == pytest.approx(15 / 16)
    assert "never predicts class 11, the last one, which 6.2 % of the labelled pixels have" in said
    status, said, out = case(CAMVID.colours, classes, stored, "--void", "11")
    assert report(out).clean.pixel_accuracy == 1
    assert report(out).labels.void == pytest.approx(1 / 16)
    assert "11 = void" in said
    assert report(out).labels.doubts == []


def test_one_class_and_void_is_doubted_where_there_may_be_more_classes(case, use):
    use(THREE)
    stored = np.where(classes_of(2) == 1, 255, 0).astype(np.uint8)
    status, said, out = case(THREE, np.zeros((16, 20), int), stored)
    assert status == 0
    assert "The labels hold one class, '0', and void in " in said
    assert len(report(out).labels.doubts) == 1


def test_swapped_classes_are_told(case, use):
    use(TWO)
    classes = classes_of(2)
    _, said, _ = case(TWO, classes, (1 - classes).astype(np.uint8))
    assert (
        "two classes swapped would make it 100.0 %; if they are numbered so, pass --label-map 0=1,1=0"
        in said
    )
    status, said, out = case(TWO, classes, (1 - classes).astype(np.uint8), "--label-map", "0=1,1=0")
    assert status == 0
    assert report(out).clean.pixel_accuracy == 1


def test_a_palette_of_other_classes_is_refused_before_the_attack(case, use):
    classes = classes_of(3)
    for names in ((), ("red", "green", "blue")):
        use(THREE, names)
        for command in ("attack", "evaluate"):
            status, said, out = case(
                THREE, classes, classes.astype(np.uint8), "--palette", "camvid", command=command
            )
            assert status == 2
            assert "the model has 3 classes" in said
            assert not out.exists() or not list(out.rglob("*.png"))
    use(CAMVID.colours, SCENES.classes)
    status, said, _ = case(
        CAMVID.colours, classes, classes.astype(np.uint8), "--palette", "camvid", command="attack"
    )
    assert status == 2
    assert "class 0 is 'road' to the model and 'sky' in the data" in said


def test_void_of_each_image_is_in_the_table_of_images(case, use):
    use(THREE)
    stored = classes_of(3)
    stored[0, :7] = 255
    _, _, out = case(THREE, classes_of(3), stored.astype(np.uint8))
    rows = list(csv.DictReader((out / "images.csv").open()))
    assert [row["void"] for row in rows] == ["7", "7"]


def test_a_run_by_another_rule_is_not_resumed(case, use, run, tmp_path):
    use(THREE)
    classes = classes_of(3)
    arguments = ("evaluate", "--data", tmp_path / "data", "--model", "m", "--attack", "fgsm")
    _, _, out = case(THREE, classes, classes.astype(np.uint8))
    assert run(*arguments, "--eps", "1/255", "--out", out, "--resume")[0] == 0
    status, _, message = run(*arguments, "--out", out, "--resume", "--label-map", "0=1,1=0")
    assert status == 2
    assert "another images and labels, label rule" in " ".join(message.split())


def test_reports_without_what_labels_were_are_read(case, use, tmp_path):
    use(THREE)
    classes = classes_of(3)
    _, _, out = case(THREE, classes, classes.astype(np.uint8))
    values = json.loads((out / "report.json").read_text())
    del values["labels"]
    for result in values["results"]:
        for image in result["images"]:
            del image["void"]
    old = tmp_path / "old.json"
    old.write_text(json.dumps(values))
    assert RobustnessReport.load(old).labels is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--label-map", "255"), "is no VALUE=CLASS"),
        (("--label-map", "1=2,1=void"), "says twice what 1 is"),
        (("--label-map", "1=3"), "says that 1 is class 3; expected a class in 0..2, or void"),
        (("--labels-as", "letters"), "'letters'; choose indices or colours"),
        (("--label-map", "9-2=void"), "no or too many values"),
    ],
)
def test_rules_that_are_none(case, use, options, said):
    use(THREE)
    status, message, _ = case(THREE, classes_of(3), classes_of(3).astype(np.uint8), *options)
    assert status == 2
    assert said in message


class Bright(nn.Module):
    """One channel: positive where the image is bright."""

    def __init__(self):
        super().__init__()
        self.middle = nn.Parameter(torch.tensor(0.5))

    def forward(self, images):
        return 20 * (images.mean(1, keepdim=True) - self.middle)


@pytest.mark.parametrize("classes", [None, 1])
@pytest.mark.parametrize("value", [1, 255])
def test_masks_for_a_model_of_one_channel(case, monkeypatch, classes, value):
    model = Segmenter(Bright(), classes=classes)
    monkeypatch.setattr(art_segplugin.models, "load_model", lambda spec: model)
    truth = classes_of(2)
    options = () if value == 1 else ("--label-map", "255=1")
    status, said, out = case(TWO, truth, (value * truth).astype(np.uint8), *options)
    assert status == 0, said
    assert report(out).clean.pixel_accuracy == 1
    assert len(report(out).labels.classes) == 2


def test_void_of_the_files_is_the_model_s_whatever_its_number(case, monkeypatch):
    model = Segmenter(NearestColour(VOC.colours), classes=21, ignore_index=-100)
    monkeypatch.setattr(art_segplugin.models, "load_model", lambda spec: model)
    classes = classes_of(21)
    stored = classes.astype(np.uint8)
    stored[0] = 255
    for palette in ((), ("--palette", "voc")):
        status, said, out = case(VOC.colours, classes, stored, *palette)
        assert status == 0, said
        assert report(out).clean.pixel_accuracy == 1
        assert report(out).labels.void == pytest.approx(1 / 16)


def test_training_on_void_alone_is_refused(run, tmp_path):
    for split in ("train", "val"):
        (tmp_path / "data" / split).mkdir(parents=True)
        void = np.full((16, 20), 255, np.uint8)
        save(tmp_path / "data" / split, THREE, classes_of(3), void)
    options = ("--palette", "scenes", "--out", tmp_path / "out", "--steps", 1)
    status, _, message = run("train", "--data", tmp_path / "data", *options)
    assert status == 2
    assert "void everywhere" in message


def test_training_asks_as_well(run, tmp_path):
    classes = classes_of(2)
    for split in ("train", "val"):
        (tmp_path / "data" / split).mkdir(parents=True)
        save(tmp_path / "data" / split, TWO, classes, (255 * classes).astype(np.uint8))
    arguments = ("train", "--data", tmp_path / "data", "--out", tmp_path / "out", "--steps", 1)
    status, _, message = run(*arguments)
    assert status == 2
    assert "--label-map 255=1" in " ".join(message.split())


@pytest.mark.parametrize("alpha", [False, True])
def test_labels_of_16_bits_in_rgb_are_not_cut(case, use, tmp_path, alpha):
    import cv2

    use(THREE)
    classes = classes_of(3)
    save(tmp_path / "data", THREE, classes, classes.astype(np.uint8))
    bands = [classes] * 3 + [np.full_like(classes, 65535)] * alpha
    deep = np.stack(bands, 2).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "b.png"), deep)
    (tmp_path / "b.png").replace(tmp_path / "data" / "a_label.png")
    data = open_dataset(str(tmp_path / "data"))
    assert (data[0].labels.numpy() == classes).all()
    deep[..., 0] = 300
    cv2.imwrite(str(tmp_path / "data" / "a_label.png"), deep)
    with pytest.raises(InputError, match="colours of 16 bits; save it with 8 bits"):
        data[0]
    deep[..., :3] = 257 * np.array(VOC.colours)[classes][..., ::-1]
    cv2.imwrite(str(tmp_path / "data" / "a_label.png"), deep)
    data = open_dataset(str(tmp_path / "data"), palette=VOC)
    assert (data[0].labels.numpy() == classes).all()


def test_a_mask_of_16_bits_is_asked_about(case, use):
    use(TWO)
    classes = classes_of(2)
    stored = Image.fromarray((65535 * classes).astype(np.uint16))
    status, said, _ = case(TWO, classes, stored)
    assert status == 2
    assert "If 65535 marks class 1, pass --label-map 65535=1" in said
    status, said, out = case(TWO, classes, stored, "--label-map", "65535=1")
    assert report(out).clean.pixel_accuracy == 1


@pytest.mark.parametrize("command", ["evaluate", "attack"])
@pytest.mark.parametrize("void", [0, -100])
def test_labels_that_are_void_to_the_model_alone_are_refused(case, monkeypatch, command, void):
    model = Segmenter(NearestColour(THREE), classes=3, ignore_index=void)
    monkeypatch.setattr(art_segplugin.models, "load_model", lambda spec: model)
    stored = np.full((16, 20), 255, np.uint8)
    stored[0] = 0 if void == 0 else 255
    status, said, _ = case(THREE, np.zeros((16, 20), int), stored, command=command)
    assert status == 2
    assert "void everywhere" in said
    assert "such as --label-map 255=1" in said
