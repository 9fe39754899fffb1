import io
import json
import sys

import numpy as np
import pytest
from helpers.data_sets import FOUR, truth
from PIL import Image

from art_segplugin.data.datasets import described, open_dataset
from art_segplugin.data.labels import LabelRule
from art_segplugin.data.palettes import numbered_palette
from art_segplugin.errors import InputError

datasets = pytest.importorskip("datasets", reason="the extra [data] is not installed")


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def png(pixels, kind="PNG"):
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, kind)
    return {"bytes": data.getvalue(), "path": None}


def table(count=2, image="image", mask="annotation", **more):
    """Rows whose label maps say the next class in row 0."""
    rows = {image: [], mask: []}
    for number in range(count):
        labels = truth(number, 4)
        rows[image].append(png(FOUR.colourise(labels)))
        labels[0] = (labels[0] + 1) % 4
        rows[mask].append(png(labels))
    features = {image: datasets.Image(), mask: datasets.Image()}
    for name, (values, feature) in more.items():
        rows[name], features[name] = values, feature
    return datasets.Dataset.from_dict(rows, datasets.Features(features))


def parquet(folder, **splits):
    folder.mkdir(exist_ok=True)
    for split, rows in splits.items():
        rows.to_parquet(folder / f"{split}-00000-of-00001.parquet")
    return f"hf-data:{folder}"


def test_a_local_folder_of_parquet_files(tmp_path):
    spec = parquet(tmp_path / "data", train=table(3), validation=table(2))
    (tmp_path / "data" / "id2label.json").write_text(
        json.dumps({"0": "sky", "1": "sea", "3": "sand"})
    )
    data = open_dataset(spec, "val", palette=numbered_palette(4))
    assert len(data) == 2
    assert data.palette.classes == ("sky", "sea", "unused 2", "sand")
    assert data[1].labels[1:].tolist() == truth(1, 4)[1:].tolist()
    assert data[1].image.shape == (3, 8, 12)
    assert data[1].name == "validation-00001"
    assert described(data) == (
        f"{tmp_path / 'data'}: split validation, 2 images (column image), label maps (column "
        "annotation)"
    )
    assert len(open_dataset(spec, "train", count=2)) == 2
    with pytest.raises(InputError, match=r"no split 'test'; it has train, validation"):
        open_dataset(spec, "test")
    half = open_dataset(spec, "val", scale=0.5)[0]
    assert half.image.shape[1:] == half.labels.shape == (4, 6)


def test_a_data_set_saved_to_disk_holds_out_its_validation_images(tmp_path):
    datasets.DatasetDict({"train": table(20)}).save_to_disk(tmp_path / "saved")
    spec = f"hf-data:{tmp_path / 'saved'}"
    val, train = (open_dataset(spec, split) for split in ("val", "train"))
    assert val.positions == [9, 19]
    assert len(train) == 18


def test_label_rules_apply(tmp_path):
    spec = parquet(tmp_path / "data", validation=table(1))
    data = open_dataset(spec, rule=LabelRule(reduce_zero=True))
    labels = truth(0, 4)[1:].astype(int)
    assert data[0].labels[1:].tolist() == np.where(labels == 0, 255, labels - 1).tolist()


def test_columns_that_are_not_clear_are_asked_for(tmp_path):
    depth = ([png(np.zeros((8, 12), np.uint8))] * 2, datasets.Image())
    rows = table(2, "left", "semantic", right=depth)
    spec = parquet(tmp_path / "data", validation=rows)
    with pytest.raises(InputError, match=r"has left, semantic, right\); give hf-data:NAME,image="):
        open_dataset(spec)
    data = open_dataset(f"{spec},image=left,mask=semantic", palette=FOUR)
    assert data[0].labels[1:].tolist() == truth(0, 4)[1:].tolist()
    with pytest.raises(InputError, match="no column 'up'; it has left"):
        open_dataset(f"{spec},image=up,mask=semantic")
    with pytest.raises(InputError, match="is not of the form hf-data:NAME,image="):
        open_dataset(f"{spec},masks=semantic")


@pytest.mark.parametrize("mask", ["label", "foreground"])
def test_two_columns_of_images_are_clear_by_one_name(tmp_path, mask):
    spec = parquet(tmp_path / "data", validation=table(1, "pixel_values", mask))
    assert open_dataset(spec)[0].labels[1:].tolist() == truth(0, 4)[1:].tolist()


def test_arrays_as_label_maps(tmp_path):
    rows = {"image": [png(FOUR.colourise(truth(0, 4)))], "mask": [truth(0, 4).tolist()]}
    features = datasets.Features(image=datasets.Image(), mask=datasets.Array2D((8, 12), "uint8"))
    spec = parquet(tmp_path / "data", validation=datasets.Dataset.from_dict(rows, features))
    assert open_dataset(spec)[0].labels.tolist() == truth(0, 4).tolist()


def test_one_class_an_image(tmp_path):
    rows = {"image": [png(FOUR.colourise(truth(n, 4))) for n in (0, 1)], "label": [1, 0]}
    features = datasets.Features(
        image=datasets.Image(), label=datasets.ClassLabel(names=["a", "b"])
    )
    spec = parquet(tmp_path / "data", test=datasets.Dataset.from_dict(rows, features))
    data = open_dataset(spec, "test")
    assert data.palette.classes == ("a", "b")
    assert data[0].labels.tolist() == [[1]]


def test_what_does_not_work_is_one_sentence(tmp_path, monkeypatch):
    jpeg = [png(truth(0, 4), "JPEG")]
    spec = parquet(tmp_path / "a", validation=table(1, other=(jpeg, datasets.Image())))
    with pytest.raises(InputError, match="label map 0 of split validation is a JPEG file"):
        open_dataset(f"{spec},image=image,mask=other")[0]
    with pytest.raises(InputError, match="the data set 'no/such' cannot be opened"):
        open_dataset("hf-data:no/such")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty' cannot be opened"):
        open_dataset(f"hf-data:{tmp_path / 'empty'}")
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(InputError, match=r"needs the package datasets: pip install .*\[data\]"):
        open_dataset(spec)


def test_what_is_given_wrongly_names_what_to_give(tmp_path):
    spec = parquet(tmp_path / "data", train=table(1))
    with pytest.raises(
        InputError, match="too few 'train' images to hold some out; pass --split train"
    ):
        open_dataset(spec, "val")
    assert len(open_dataset(spec, "train")) == 1
    with pytest.raises(InputError, match=f"It holds parquet files; give {spec}"):
        open_dataset(str(tmp_path / "data"), "val")
    with pytest.raises(InputError, match="--images DIR --labels DIR") as refused:
        open_dataset(spec, "val", labels=tmp_path)
    assert str(refused.value).startswith(f"--images {spec} does not exist")
