import io

import pytest
from report.builder import classified, counts, report, result, worst_case
from rich.console import Console

from art_segplugin.report.tables import (
    class_scores,
    class_table,
    score_rows,
    scores_table,
    threat_rows,
    worst_case_sheet,
)


def text(table):
    """What a terminal shows, whatever the line breaks."""
    console = Console(width=200, file=io.StringIO())
    console.print(table)
    return " ".join(console.file.getvalue().split())


def with_absent_class(matrix):
    """The same counts with the last class neither true nor predicted."""
    return [[*row[:2], 0] for row in matrix[:2]] + [[0, 0, 0]]


def test_scores_are_those_of_the_metrics_in_percent():
    one = result()
    rows = score_rows(report(one))
    assert rows[0] == ["Clean", "90.0", "81.8", "10.0", "-", "-"]
    assert rows[1] == [
        "SegPGD-20",
        f"{100 * one.pixel_accuracy:.1f}",
        f"{100 * one.mean_iou:.1f}",
        f"{100 * one.mis_ratio:.1f}",
        "70.7",  # 81.8 - 11.1
        "8/255",
    ]


def test_several_seeds_are_mean_and_deviation():
    several = report(result(right=20, wrong=80), result(right=40, wrong=60, seed=1))
    assert score_rows(several)[1][1] == "30.0 ± 14.1"
    assert "standard deviation" in text(scores_table(several))
    assert "±" not in text(scores_table(report(result())))


def test_the_largest_perturbation_is_that_of_any_seed():
    rows = score_rows(
        report(result(largest_distance=7 / 255), result(largest_distance=8 / 255, seed=1))
    )
    assert rows[1][-1] == "8/255"


def test_an_absent_class_is_a_dash_and_not_zero():
    absent = report(result(counts=with_absent_class(counts(20, 80))))
    (name, (clean, attacked)) = class_scores(absent)[2]
    assert name == "car"
    assert clean.known
    assert attacked.percent == "-"
    assert "does not occur" in text(class_table(absent))
    assert "does not occur" not in text(class_table(report(result())))


def test_the_class_table_has_every_class_and_the_mean():
    shown = text(class_table(report(result())))
    for word in ("road", "sky", "car", "mIoU", "SegPGD-20", "81.8", "11.1"):
        assert word in shown


def test_names_are_not_read_as_markup():
    odd = report(result(), model="[red]net", classes=("[bold]road", "sky", "car"))
    assert "[red]net" in text(scores_table(odd))
    assert "[bold]road" in text(class_table(odd))


def test_the_reference_is_said():
    assert "clean prediction" in text(scores_table(report(result(), reference="clean prediction")))


@pytest.mark.parametrize("seeds", [[3], [0, 1, 2]])
def test_threat_model_lists_options_seeds_and_time(seeds):
    header, rows = threat_rows(report(*(result(seed=seed) for seed in seeds)))
    assert header == ["attack", "eps", "norm", "steps", "seeds", "time"]
    written = ", ".join(map(str, seeds))
    assert rows == [["SegPGD-20", "8/255", "L∞", "20", written, f"{1.5 * len(seeds):.1f} s"]]


def test_options_that_an_attack_does_not_have_are_a_dash():
    header, rows = threat_rows(report(result("fgsm", options={"eps": 8 / 255}), result()))
    assert rows[0][header.index("steps")] == "-"


def test_a_classifier_has_no_iou():
    made = classified()
    assert score_rows(made)[1] == ["FGSM", "33.3", "50.0", "8/255"]
    shown = text(scores_table(made)) + text(class_table(made))
    assert "Accuracy per class" in shown
    assert not any(word in shown for word in ("IoU", "MisRatio", "pixel"))


def test_the_worst_case_over_attacks():
    worst = [worst_case("strong-100"), worst_case("strong-100", "pgd-20", right=5, answers=6)]
    sheet = worst_case_sheet(report(result(), worst=worst))
    assert sheet.header == ["over", "answers an image", "pixel accuracy [%]", "mIoU [%]"]
    assert sheet.rows == [
        ["strong-100", "4", "30.0", "33.3"],
        ["All 2 attacks", "6", "25.0", "33.3"],
    ]
    assert (
        "Pixel accuracy: each image has its lowest; mIoU: the answers that together" in sheet.note
    )
    assert "strong-100" in text(sheet.for_terminal())


def test_worst_cases_are_pooled_over_seeds_and_told_apart_by_radius():
    worst = [
        worst_case("strong-100", right=right, seed=seed, eps=eps)
        for seed, right in ((0, 6), (1, 8))
        for eps in (2 / 255, 8 / 255)
    ]
    assert [row[:3] for row in worst_case_sheet(report(result(), worst=worst)).rows] == [
        ["strong-100 (eps 2/255)", "4", "35.0 ± 7.1"],
        ["strong-100 (eps 8/255)", "4", "35.0 ± 7.1"],
    ]


def test_worst_cases_of_a_classifier_are_of_its_accuracy():
    from dataclasses import replace

    sheet = worst_case_sheet(replace(classified(), worst=[worst_case("strong-100")]))
    assert sheet.header == ["over", "answers an image", "accuracy [%]"]
    assert sheet.rows == [["strong-100", "4", "30.0"]]
    assert "mIoU" not in sheet.note


def test_without_a_worst_case_there_is_no_table():
    assert worst_case_sheet(report(result())) is None
