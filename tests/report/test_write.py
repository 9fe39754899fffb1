import os

import numpy as np
import pytest
from PIL import Image
from report.builder import PALETTE, example, report, result

from art_segplugin.errors import InputError
from art_segplugin.evaluation.result import RobustnessReport
from art_segplugin.report import panel, write_report


def test_every_file_of_a_report_is_written(tmp_path):
    made, one = report(result("pgd-20"), result()), example(attacks=("pgd-20", "segpgd-20"))
    written = write_report(made, [one], PALETTE, tmp_path / "new" / "out")
    names = [path.relative_to(tmp_path / "new" / "out").as_posix() for path in written]
    assert names == [
        "report.json",
        "scores.csv",
        "images.csv",
        "curves.png",
        "iou.png",
        "confusion-clean.png",
        "confusion-attacked.png",
        "overlays/scene-pgd-20.png",
        "overlays/scene-segpgd-20.png",
        "report.html",
    ]
    on_disk = [path for path in (tmp_path / "new" / "out").rglob("*") if path.is_file()]
    assert sorted(on_disk) == sorted(written)
    assert RobustnessReport.load(written[0]) == made
    np.testing.assert_array_equal(
        np.asarray(Image.open(written[8])), panel(one, PALETTE, "segpgd-20")
    )


def test_names_cannot_leave_the_folder_or_hide_each_other(tmp_path):
    attacks = ("pgd-20",)
    examples = [example("../../a b", attacks), example("a/b", attacks), example("x" * 300, attacks)]
    written = write_report(report(result("pgd-20")), examples, PALETTE, tmp_path / "out")
    pictures = [path.name for path in written if path.parent.name == "overlays"]
    assert pictures[:2] == ["a-b-pgd-20.png", "a-b-pgd-20-2.png"]
    assert len(pictures[2]) < 120
    assert pictures[2].endswith("-pgd-20.png")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_report_without_attacks_has_no_curves(tmp_path):
    written = write_report(report(), [], PALETTE, tmp_path)
    assert {"curves.png", "confusion-attacked.png"}.isdisjoint(path.name for path in written)
    assert (tmp_path / "report.html").is_file()


def test_files_of_an_earlier_report_are_replaced_whole(tmp_path):
    (tmp_path / "report.html").write_text("old")
    write_report(report(result()), [], PALETTE, tmp_path)
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")


def test_a_failure_leaves_the_old_file_and_nothing_beside_it(tmp_path, monkeypatch):
    (tmp_path / "curves.png").write_bytes(b"old")
    replace = os.replace

    def full(source, target):
        if str(target).endswith("curves.png"):
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(InputError, match="No space left"):
        write_report(report(result()), [], PALETTE, tmp_path)
    assert (tmp_path / "curves.png").read_bytes() == b"old"
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"report.json", "scores.csv", "images.csv", "curves.png"}


def test_examples_that_do_not_fit_stop_before_anything_is_written(tmp_path):
    one = example()
    one.attacked["segpgd-20"] = (one.image, np.full((12, 16), 9))
    with pytest.raises(InputError, match="9"):
        write_report(report(result()), [one], PALETTE, tmp_path / "out")
    assert not (tmp_path / "out").exists()
