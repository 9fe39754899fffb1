import csv

import pytest
from report.builder import report, result

from art_segplugin.errors import InputError
from art_segplugin.evaluation.result import ImageScore
from art_segplugin.report.tables import write_csv, write_images_csv


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_one_row_an_attack_and_seed_at_full_precision(tmp_path):
    one, other = result(seed=0), result(seed=1, right=33, wrong=67)
    write_csv(report(one, other), tmp_path / "scores.csv")
    rows = read(tmp_path / "scores.csv")
    assert [(row["attack"], row["seed"]) for row in rows] == [
        ("clean", "0"),
        ("segpgd-20", "0"),
        ("segpgd-20", "1"),
    ]
    assert float(rows[2]["pixel_accuracy"]) == other.pixel_accuracy
    assert float(rows[2]["mean_iou"]) == other.mean_iou
    assert float(rows[2]["mis_ratio"]) == other.mis_ratio
    assert float(rows[2]["iou sky"]) == other.iou[1]
    assert float(rows[2]["option eps"]) == 8 / 255
    assert rows[0]["option eps"] == ""
    assert rows[1]["pixels"] == "300"


def test_no_score_is_an_empty_cell(tmp_path):
    absent = result(counts=[[5, 5, 0], [5, 5, 0], [0, 0, 0]])
    write_csv(report(absent), tmp_path / "scores.csv")
    assert read(tmp_path / "scores.csv")[1]["iou car"] == ""


def test_one_row_an_image(tmp_path):
    images = [ImageScore('street, "left"', 3, 4), ImageScore("void only", 0, 0)]
    write_images_csv(report(result(images=images)), tmp_path / "images.csv")
    rows = read(tmp_path / "images.csv")[1:]
    assert [row["image"] for row in rows] == ['street, "left"', "void only"]
    assert [row["pixel_accuracy"] for row in rows] == ["0.75", ""]


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot write"):
        write_csv(report(result()), tmp_path / "file" / "scores.csv")
