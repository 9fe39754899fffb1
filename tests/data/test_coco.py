import json
import sys

import numpy as np
import pytest
from PIL import Image

from art_segplugin.data.datasets import described, open_dataset
from art_segplugin.data.labels import LabelRule
from art_segplugin.errors import InputError

pytest.importorskip("pycocotools", reason="the extra [data] is not installed")

CATEGORIES = [{"id": 7, "name": "cat"}, {"id": 3, "name": "dog"}]


def box(left, top, right, bottom):
    return [[left, top, right, top, right, bottom, left, bottom]]


def area(image, category, segmentation, **more):
    return {"image_id": image, "category_id": category, "segmentation": segmentation, **more}


def save(folder, annotations=(), names=("a.png", "b.png"), file="annotations.json", **changes):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (6, 4)).save(folder / name)
    images = [{"id": n, "file_name": name, "height": 4, "width": 6} for n, name in enumerate(names)]
    content = {
        "images": images,
        "annotations": list(annotations),
        "categories": CATEGORIES,
    } | changes
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_text(json.dumps(content))
    return str(folder)


def column_major(mask):
    """Uncompressed counts of a mask, as COCO has them."""
    flat = np.asarray(mask).T.ravel()
    ends = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff([0, *ends, flat.size]).tolist()
    return {"size": list(np.shape(mask)), "counts": counts if flat[0] == 0 else [0, *counts]}


def test_smaller_areas_are_on_top_and_crowds_below(tmp_path):
    crowd = np.ones((4, 6), int)
    annotations = [
        area(0, 7, box(1, 1, 3, 3)),  # small
        area(0, 3, box(0, 0, 4, 4)),  # large, and later
        area(0, 7, column_major(crowd), iscrowd=1),
    ]
    data = open_dataset(save(tmp_path, annotations))
    assert data.palette.classes == ("background", "dog", "cat")
    expected = np.full((4, 6), 2)
    expected[:, :4] = 1
    expected[1:3, 1:3] = 2
    assert data[0].labels.tolist() == expected.tolist()
    assert data[1].labels.tolist() == np.zeros((4, 6)).tolist()
    assert "smaller areas are on top, crowds below" in described(data)
    assert data[0].name == "a"


def test_of_equal_areas_the_later_one_is_on_top_and_background_may_be_void(tmp_path):
    annotations = [area(0, 7, box(0, 0, 2, 2)), area(0, 3, box(0, 0, 2, 2))]
    rule = LabelRule(mapping=((0, None),))
    labels = open_dataset(save(tmp_path, annotations), rule=rule)[0].labels
    assert labels[:2, :2].unique().tolist() == [1]
    assert (labels == 255).sum() == 20


def test_compressed_counts(tmp_path):
    from pycocotools import mask

    coded = mask.encode(np.asfortranarray(np.eye(4, 6, dtype=np.uint8)))
    coded["counts"] = coded["counts"].decode()
    data = open_dataset(save(tmp_path, [area(1, 3, coded)]))
    assert data[1].labels.tolist() == np.eye(4, 6).tolist()


def test_layouts_of_coco_roboflow_and_cvat(tmp_path):
    annotations = [area(0, 3, box(0, 0, 6, 4))]
    for split, value in (("val", 1), ("train", 2)):
        file = f"../annotations/instances_{split}2017.json"
        more = [area(0, {1: 3, 2: 7}[value], box(0, 0, 6, 4))]
        save(tmp_path / "coco" / f"{split}2017", more, ("1.png",), file)
        save(
            tmp_path / "robo" / {"val": "valid"}.get(split, split),
            more,
            ("1.png",),
            "_annotations.coco.json",
        )
        for root in ("coco", "robo"):
            place = tmp_path / root
            if root == "robo":
                assert open_dataset(str(place), split)[0].labels.unique().tolist() == [value]
    for split, value in (("val", 1), ("train", 2)):
        data = open_dataset(str(tmp_path / "coco"), split)
        assert len(data) == 1
        assert data[0].labels.unique().tolist() == [value]
        assert data.pairs[0][0].parent.name == f"{split}2017"
    save(tmp_path / "cvat" / "images", annotations, file="../annotations/instances_default.json")
    assert open_dataset(str(tmp_path / "cvat"))[0].labels.unique().tolist() == [1]
    with pytest.raises(InputError, match=r"no areas for split 'test'; it has train, val"):
        open_dataset(str(tmp_path / "coco"), "test")
    file = tmp_path / "robo" / "valid" / "_annotations.coco.json"
    assert open_dataset(str(file))[0].labels.unique().tolist() == [1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"categories": [{"id": 1}]}, "is not COCO-style"),
        ({"images": [{"id": 0, "file_name": "gone.png", "height": 4, "width": 6}]}, "1 of 1 images .* gone"),
        ({"annotations": [{"image_id": 0, "category_id": 3, "bbox": [0, 0, 1, 1]}]}, "has boxes only"),
        ({"annotations": [area(0, 99, box(0, 0, 1, 1))]}, "has no category 99"),
        ({"images": []}, "lists no image"),
    ],
)  # fmt: skip
def test_files_that_are_wrong_are_one_sentence(tmp_path, change, said):
    with pytest.raises(InputError, match=said):
        open_dataset(save(tmp_path, **change))


@pytest.mark.parametrize(
    "shape",
    [{"size": [4, 6], "counts": [1, 2]}, {"size": [40, 60], "counts": [2400]}, {"size": [4, 6]}, [["x"] * 6], 5],
)  # fmt: skip
def test_areas_that_are_wrong_are_one_sentence(tmp_path, shape):
    data = open_dataset(save(tmp_path, [area(0, 3, shape)]))
    with pytest.raises(
        InputError, match=r"an area of a\.png in .*annotations\.json cannot be drawn"
    ):
        data[0]


def test_sizes_that_differ_are_refused(tmp_path):
    images = [{"id": 0, "file_name": "a.png", "height": 8, "width": 6}]
    data = open_dataset(save(tmp_path, [], images=images))
    with pytest.raises(InputError, match=r"says that a\.png is 6x8 pixels, but it is 6x4"):
        data[0]


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pycocotools.mask", None)
    with pytest.raises(InputError, match=r"needs the package pycocotools: pip install .*\[data\]"):
        open_dataset(save(tmp_path, []))


def labelme(path, shapes):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (6, 4)).save(path)
    keys = ("label", "points", "shape_type")
    content = {"imageHeight": 4, "imageWidth": 6, "imagePath": path.name}
    content["shapes"] = [dict(zip(keys, shape, strict=True)) for shape in shapes]
    path.with_suffix(".json").write_text(json.dumps(content))


def test_shapes_of_labelme(tmp_path):
    square = [[0, 0], [3, 0], [3, 3], [0, 3]]
    labelme(tmp_path / "val" / "a.png", [("sky", square, "polygon"), ("cat", [[5, 3], [4, 2]], "rectangle")])  # fmt: skip
    labelme(tmp_path / "val" / "b.png", [("__ignore__", [[0, 0], [5, 0]], "rectangle"), ("sky", [[0, 0]], "point")])  # fmt: skip
    labelme(tmp_path / "train" / "c.png", [("ant", [[2, 2], [3, 2]], "circle")])
    data = open_dataset(str(tmp_path), "val")
    assert data.palette.classes == ("background", "ant", "cat", "sky")
    expected = np.zeros((4, 6), int)
    expected[:, :4] = 3
    expected[2:4, 4:6] = 2
    assert data[0].labels.tolist() == expected.tolist()
    void = np.zeros((4, 6), int)
    void[0] = 255
    assert data[1].labels.tolist() == void.tolist()
    assert open_dataset(str(tmp_path), "train")[0].labels.unique().tolist() == [0, 1]
    assert "shapes of labelme: 2 images" in described(data)
