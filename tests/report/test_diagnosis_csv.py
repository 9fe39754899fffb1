import csv

from report.diagnosis_builder import attack, diagnosis, results, varied_results

from art_segplugin.report.diagnosis_tables import write_classes_csv, write_comparisons_csv


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


def test_the_ends_of_an_interval_are_not_swapped(tmp_path):
    report = diagnosis(("net", varied_results()))
    write_comparisons_csv(report, tmp_path / "comparisons.csv")
    row = read(tmp_path / "comparisons.csv")[0]
    found = report.models[0].results[2].comparison
    for name in ("accuracy", "mean_iou", "worst_class_accuracy"):
        low, middle, high = (float(row[f"{name}_{end}"]) for end in ("low", "difference", "high"))
        assert low < middle < high
        expected = getattr(found, name)
        assert (low, middle, high) == (expected.low, expected.estimate, expected.high)


def test_models_are_compared_too(tmp_path):
    other = [results()[0], attack("pgd-20", (9, 9, 6, 5))]
    report = diagnosis(("one", results()[:2]), ("two", other))
    write_comparisons_csv(report, tmp_path / "comparisons.csv")
    clean, attacked = read(tmp_path / "comparisons.csv")
    assert (clean["model"], clean["attack"]) == ("two", "clean")
    assert (attacked["model"], attacked["attack"]) == ("two", "pgd-20")
    assert (attacked["baseline_model"], attacked["baseline"]) == ("one", "pgd-20")
    assert float(clean["accuracy_difference"]) == 0
    assert abs(float(attacked["accuracy_difference"]) - (29 - 19) / 40) < 1e-9
    assert attacked["gain_on_weakest"] == ""


def test_the_header_is_there_without_a_comparison(tmp_path):
    write_comparisons_csv(diagnosis(("net", results()[:2])), tmp_path / "none.csv")
    write_comparisons_csv(diagnosis(("net", results()[:3])), tmp_path / "some.csv")
    none, some = ((tmp_path / name).read_text().splitlines() for name in ("none.csv", "some.csv"))
    assert len(none) == 1
    assert none[0].replace("option norm,", "option norm,option temperature,") == some[0]
