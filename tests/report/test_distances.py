"""What a report says of attacks without a radius."""

import csv

import numpy as np
import pytest
from report.builder import PALETTE, report, result

from art_segplugin.evaluation.result import ImageScore, RobustnessReport
from art_segplugin.report import write_images_csv
from art_segplugin.report.plots import distances_figure
from art_segplugin.report.tables import distance_sheet
from art_segplugin.report.write import write_report


def images(*distances, right=0):
    """Of 200 pixels, the last image with `right` pixels that no point fooled."""
    last = len(distances) - 1
    return [
        ImageScore(f"{i}", right if i == last else 0, 200, distance=one)
        for i, one in enumerate(distances)
    ]


def nearest(name="fmn-500", norm="Linf", share=0.99, seed=0, scores=None):
    options = {"steps": 500, "norm": norm, "share": share}
    return result(
        name, options=options, seed=seed, images=scores or images(0.5 / 255, 3 / 255, 0.2, right=9)
    )


def test_an_image_is_fooled_when_enough_of_its_pixels_are():
    sheet = distance_sheet(report(nearest()))
    assert sheet.header[:4] == ["attack", "pixels to fool [%]", "images fooled", "median distance"]
    (row,) = sheet.rows
    assert row[1:4] == ["99", "2 of 3", "3/255"]
    assert row[4:] == ["33", "33", "67", "67", "67", "67"]
    assert "infinite" in sheet.note
    (row,) = distance_sheet(report(nearest(scores=images(0.1, 0.2, right=2)))).rows
    assert row[2] == "2 of 2"  # 198 of 200


def test_seeds_are_pooled_and_other_norms_have_no_levels():
    made = report(nearest(norm="L2"), nearest(norm="L2", seed=1, scores=images(1.0, 2.0, 3.0)))
    (row,) = distance_sheet(made).rows
    assert row[2:4] == ["5 of 6", "1.5 (L2)"]
    assert set(row[4:]) == {"-"}


def test_half_of_the_images_standing_have_no_finite_median():
    (row,) = distance_sheet(report(nearest(scores=images(0.1, 0.2, right=50)))).rows
    assert row[3] == "∞"


def test_there_is_no_sheet_without_such_an_attack():
    assert distance_sheet(report(result())) is None


def test_the_lines_fall_at_the_distances():
    figure = distances_figure(report(result(), nearest(), nearest("dag-200")))
    (axes,) = figure.axes
    line = axes.get_lines()[0]
    assert line.get_xdata()[:3] == pytest.approx([0, 0.5, 3])
    assert np.asarray(line.get_ydata()) == pytest.approx([100, 200 / 3, 100 / 3, 100 / 3])
    assert len(distances_figure(report(nearest(), nearest("fmn-500", "L2"))).axes) == 2


def test_page_and_files_have_them(tmp_path):
    made = report(result(), nearest())
    written = write_report(made, [], PALETTE, tmp_path)
    assert tmp_path / "distances.png" in written
    page = (tmp_path / "report.html").read_text()
    assert "Smallest perturbations" in page
    assert "2 of 3" in page
    with (tmp_path / "images.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["distance"] for row in rows[-3:]][:2] == [f"{0.5 / 255}", f"{3 / 255}"]
    assert {row["distance"] for row in rows[:-3]} == {""}
    again = RobustnessReport.load(tmp_path / "report.json")
    assert again.results[-1].images[0].distance == 0.5 / 255


def test_reports_without_them_look_as_before(tmp_path):
    write_report(report(result()), [], PALETTE, tmp_path)
    assert not (tmp_path / "distances.png").exists()
    assert "Smallest perturbations" not in (tmp_path / "report.html").read_text()
    write_images_csv(report(result()), tmp_path / "images.csv")
    assert "distance" not in (tmp_path / "images.csv").read_text().splitlines()[0].split(",")
