"""Exported tables and numbers."""

import csv
import json

from export_parts import on_screen
from session_parts import picture

from art_segplugin.evaluation.scores import Scores
from art_segplugin.report.clip import class_rows
from art_segplugin_gui.session.export import export


def test_tables_hold_the_figures_on_screen(tmp_path):
    job = on_screen()
    export(tmp_path, {"tables"}, job)
    rows = list(csv.DictReader((tmp_path / "classes.csv").open()))
    assert [row["class"] for row in rows] == list(job.clean.classes)
    for index, row in enumerate(rows):
        for name, clean, attacked in job.rows:
            before, after = (side.scores.class_iou[index] for side in (clean, attacked))
            assert float(row[f"{name} clean IoU"]) == before
            assert float(row[f"{name} adversarial IoU"]) == after
            assert float(row[f"{name} drop"]) == before - after
    points = list(csv.DictReader((tmp_path / "curve.csv").open()))
    assert [int(row["point"]) for row in points] == list(job.curves[0].numbers)
    assert float(points[-1]["A mIoU"]) == job.shown.step.a.scores.miou
    assert float(points[-1]["B error"]) == job.shown.step.b.scores.mis_ratio


def test_numbers_say_what_they_are_of(tmp_path):
    job = on_screen(frame=picture(labelled=False), share=0.5, seed=4)
    (path,) = export(tmp_path / "all.json", (), job)
    tree = json.loads(path.read_text())
    assert tree["reference"] == "clean prediction"
    assert tree["fade"] == 0.5
    assert tree["plan"]["seed"] == 4
    assert tree["plan"]["options"]["eps"] == 0.05
    assert tree["numbers"]["A clean"]["mis_ratio"] == 0
    assert tree["numbers"]["A adversarial"]["labelled"] is False
    assert tree["curves"][0]["name"] == "A"


def test_a_table_of_its_own(tmp_path):
    (path,) = export(tmp_path / "iou.csv", (), on_screen(b=None))
    assert path.read_text().startswith("class,reference,A clean IoU")


def test_what_a_class_loses_is_the_same_for_pictures_and_clips():
    nan = float("nan")
    sides = {
        name: Scores(0.5, 0.5, iou, [[1]])
        for name, iou in (
            ("A clean", [0.75, 0.0, nan, nan]),
            ("A exact", [0.5, 0.0, 0.0, nan]),
            ("A 8-bit", [0.25, nan, 0.0, nan]),
        )
    }
    rows = class_rows(("road", "car", "sky", "tree"), sides, "8-bit")
    assert [str(row["A drop"]) for row in rows] == ["0.5", "nan", "nan", "nan"]
    assert [row["A exact IoU"] for row in rows][:3] == [0.5, 0.0, 0.0]
    assert {row["reference"] for row in rows} == {"labels"}
    rows = class_rows(
        ("road",), {k.replace("8-bit", "adversarial"): v for k, v in sides.items()}, "adversarial"
    )
    assert rows[0]["A drop"] == 0.5
