import io

import pytest
from report.diagnosis_builder import attack, classification, diagnosis, results
from rich.console import Console

from art_segplugin.report.diagnosis_tables import model_sheets, options_sheet


def sheets(report):
    return {sheet.title: sheet for sheet in model_sheets(report, report.models[0])}


def shown(sheet, width=80):
    console = Console(width=width, file=io.StringIO())
    console.print(sheet.for_terminal())
    return console.file.getvalue()


def test_scores_have_both_mean_ious_and_homing():
    sheet = sheets(diagnosis())["net on scenes"]
    assert sheet.header == [
        "attack", "pixel accuracy [%]", "mIoU [%]", "mIoU by image [%]", "homing [%]",
        "largest change",
    ]  # fmt: skip
    # Hits 6, 8, 4, 1 of 10; unions 6 + 4 + 9, ...; of 4, 2, 6 and 9 wrong pixels 2, 1, 3, 4 return.
    iou = 100 * (6 / 19 + 8 / 14 + 4 / 12 + 1 / 16) / 4
    homing = 100 * 10 / 21
    assert sheet.rows[1] == ["PGD-20", "47.5", f"{iou:.1f}", f"{iou:.1f}", f"{homing:.1f}", "8/255"]
    assert sheet.rows[0][-1] == "-"


def test_classes_are_sorted_by_their_accuracy_under_the_first_attack():
    found = sheets(diagnosis())
    assert found["Accuracy per class [%]"].rows == [
        ["cat", "70.0", "10.0", "0.0", "50.0"],
        ["car", "80.0", "40.0", "40.0", "60.0"],
        ["road", "100.0", "60.0", "60.0", "90.0"],
        ["sky", "90.0", "80.0", "70.0", "90.0"],
    ]
    confounds = found["What the classes are taken for under PGD-20"]
    assert confounds.rows[0] == ["cat", "25.0", "10.0", "road (100 %)", "44.4"]


def test_inequality():
    rows = sheets(diagnosis())["How unequal the classes are"].rows
    assert rows[1][:4] == ["PGD-20", "cat (10.0)", "sky (80.0)", "70.0"]
    assert float(rows[1][4]) == 0.54  # 0.2586 / 0.475
    # IoUs 6/19, 8/14, 4/12 and 1/16: mean 0.3209, standard deviation 0.1802.
    assert float(rows[1][5]) == 0.56


def test_comparisons_leave_the_baseline_out():
    (title, sheet) = next((t, s) for t, s in sheets(diagnosis()).items() if "against" in t)
    assert title == "Each attack against PGD-20 [points]"
    assert [row[0] for row in sheet.rows] == [
        "Temperature-PGD-20 (T = 0.1)",
        "Temperature-PGD-20 (T = 2)",
    ]
    assert sheet.rows[0][1] == "-5.0 [-5.0, -5.0]"
    assert sheet.rows[0][3] == "-10.0 [-10.0, -10.0]"
    assert sheet.rows[0][4:] == ["50 %", "25 %"]  # the cat loses 1 of the 2 that are lost
    assert sheet.rows[1][4:] == ["-", "25 %"]


@pytest.mark.parametrize(
    ("base", "other", "share"),
    [
        ((6, 8, 4, 1), (5, 8, 4, 0), "50 %"),
        ((6, 8, 4, 0), (5, 8, 4, 0), "-"),  # the cat has nothing left to lose
        ((6, 8, 4, 1), (4, 8, 5, 0), "-"),  # the car wins
    ],
)
def test_a_share_of_the_gain_needs_something_to_share(base, other, share):
    found = [attack("clean", (10, 9, 8, 7)), attack("pgd-20", base), attack("fgsm", other)]
    sheet = sheets(diagnosis(("net", found)))["Each attack against PGD-20 [points]"]
    assert sheet.rows[0][4:] == [share, "25 %"]
    assert "positive where a difference is negative" in sheet.note


def test_regions_are_explained():
    title = "Pixel accuracy / mIoU by region [%]"
    note = sheets(diagnosis(regions=("boundary",)))[title].note
    assert "over the classes that are true in it" in note
    assert "within 2 pixels" in note
    assert "objects" not in note
    assert "share of the image" in sheets(diagnosis(regions=("small objects",)))[title].note


def test_regions_correlations_and_rankings():
    found = sheets(diagnosis(regions=("boundary",)))
    regions = found["Pixel accuracy / mIoU by region [%]"]
    assert regions.header == ["attack", "boundary"]
    assert regions.rows[1][1].startswith("47.5 / ")
    correlations = found["What class accuracy goes with"]
    assert correlations.header[1:] == ["weight norm, Pearson", "weight norm, Spearman"]
    assert correlations.rows[1][1] == "0.13"
    ranks = found["Do the attacks agree which classes are weak?"]
    assert ranks.rows[0] == ["PGD-20", "1.00", "1.00", "0.95"]


def test_what_is_not_known_is_left_out():
    found = sheets(diagnosis(("net", results()[:2]), norms=None))
    assert len(found) == 4
    assert not any("region" in title or "against" in title for title in found)


def test_a_classifier_has_no_pixels():
    found = sheets(classification())
    words = " ".join(s.note + s.title + " ".join(s.header) for s in found.values())
    assert "pixel" not in words
    assert "mIoU" not in words
    assert found["net on scenes"].rows[1][:2] == ["PGD-20", "75.0"]


def test_options_are_listed():
    sheet = options_sheet(diagnosis())
    assert sheet.header == ["attack", "eps", "norm", "temperature", "seed"]
    assert sheet.rows[0] == ["PGD-20", "8/255", "L∞", "-", "0"]
    assert sheet.rows[1][3] == "0.1"


def test_tables_fit_a_narrow_terminal_whole():
    report = diagnosis(regions=("boundary", "interior", "small objects", "large objects"))
    for sheet in sheets(report).values():
        text = shown(sheet)
        assert "…" not in text
        assert max(map(len, text.splitlines())) <= 80


def test_names_are_not_read_as_markup():
    report = diagnosis(("[red]net", results()), classes=("[bold]road", "sky", "car", "cat"))
    text = "".join(shown(sheet, 200) for sheet in sheets(report).values())
    assert "[red]net" in text
    assert "[bold]road" in text
