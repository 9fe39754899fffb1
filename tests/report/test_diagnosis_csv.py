import csv

from report.diagnosis_builder import diagnosis, results

from art_segplugin.report.diagnosis_csv import write_classes_csv, write_comparisons_csv


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_one_row_a_model_attack_and_class(tmp_path):
    report = diagnosis(("one", results()), ("two", results()))
    write_classes_csv(report, tmp_path / "class_scores.csv")
    rows = read(tmp_path / "class_scores.csv")
    assert len(rows) == 2 * 4 * 4
    assert list(rows[0]) == [
        "model", "attack", "seed", "option eps", "option norm", "option temperature", "class",
        "accuracy", "iou", "frequency", "confound", "confound_share", "homing", "gain",
        "weight_norm",
    ]  # fmt: skip
    (cat,) = (
        row
        for row in rows
        if (row["model"], row["class"], row["option temperature"]) == ("two", "cat", "0.1")
    )
    assert cat["attack"] == "temperature-pgd-20"
    assert float(cat["accuracy"]) == 0
    assert float(cat["frequency"]) == 0.25
    assert (cat["confound"], cat["confound_share"]) == ("road", "1.0")
    assert float(cat["homing"]) == 0.5
    assert abs(float(cat["gain"]) - 0.1) < 1e-9
    assert float(cat["weight_norm"]) == 3


def test_what_is_not_known_is_an_empty_cell(tmp_path):
    write_classes_csv(diagnosis(norms=None), tmp_path / "class_scores.csv")
    road = read(tmp_path / "class_scores.csv")[0]
    assert (road["attack"], road["class"]) == ("clean", "road")
    unknown = ("option eps", "confound", "confound_share", "homing", "gain", "weight_norm")
    assert [road[name] for name in unknown] == [""] * 6


def test_comparisons_and_the_selected_attack(tmp_path):
    write_comparisons_csv(diagnosis(), tmp_path / "comparisons.csv")
    rows = read(tmp_path / "comparisons.csv")
    assert [(row["option temperature"], row["on"], row["images"]) for row in rows] == [
        ("0.1", "all", "4"),
        ("2.0", "all", "4"),
        ("0.1", "all but the first 2, which it was selected on", "2"),
    ]
    assert {row["baseline"] for row in rows} == {"pgd-20"}
    for row in (rows[0], rows[2]):
        assert abs(float(row["accuracy_difference"]) + 0.05) < 1e-9
        assert abs(float(row["worst_class_accuracy_low"]) + 0.1) < 1e-9
    assert float(rows[0]["even_share"]) == 0.25
    assert rows[2]["even_share"] == ""
    assert all("mean_iou_high" in row for row in rows)
