import math

import pytest
from report.diagnosis_builder import attack, classification, diagnosis, results

from art_segplugin.metrics.bootstrap import Interval
from art_segplugin.report.diagnosis_words import (
    confound,
    headline,
    labels,
    number,
    points,
    selection_sentence,
)


def test_headline_names_who_falls_first_and_how_far_behind():
    report = diagnosis()
    assert headline(report, report.models[0]) == (
        "cat falls first: 10.0 % of its pixels are right under PGD-20, 70.0 points behind sky."
    )


def test_headline_of_a_classifier_speaks_of_images():
    report = classification()
    assert headline(report, report.models[0]) == (
        "ship falls first: 50.0 % of its images are right under PGD-20, 50.0 points behind cat."
    )


def test_headline_where_all_classes_are_equal():
    found = [attack("clean", (9, 9, 9, 9)), attack("fgsm", (2, 2, 2, 2))]
    report = diagnosis(("net", found))
    assert headline(report, report.models[0]) == "No class falls before the others under FGSM."


def test_labels_tell_variants_apart():
    assert labels(diagnosis().models[0]) == [
        "Clean",
        "PGD-20",
        "Temperature-PGD-20 (temperature 0.1)",
        "Temperature-PGD-20 (temperature 2)",
    ]


def test_selection_says_what_the_choice_is_worth_elsewhere():
    assert selection_sentence(diagnosis().models[0]) == (
        "Temperature-PGD-20 (temperature 0.1) leaves the lowest accuracy of the other attacks on "
        "the first 2 images; on the other 2 images it is stronger than PGD-20: -5.0 [-5.0, -5.0] "
        "points."
    )
    weaker = [*results()[:2], attack("fgsm", (9, 9, 9, 9))]
    assert "is weaker than PGD-20: +42.5" in selection_sentence(
        diagnosis(("net", weaker)).models[0]
    )
    same = [*results()[:2], attack("fgsm", (6, 8, 4, 1))]
    sentence = selection_sentence(diagnosis(("net", same)).models[0])
    assert "cannot be told from PGD-20: +0.0" in sentence
    assert selection_sentence(diagnosis(("net", results()[:2])).models[0]) == ""


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        (Interval(-0.012, -0.02, -0.004), "-1.2 [-2.0, -0.4]"),
        (Interval(0.5, math.nan, math.nan), "+50.0"),
        (Interval(math.nan, math.nan, math.nan), "-"),
    ],
)
def test_points(interval, text):
    assert points(interval) == text


def test_numbers_and_confounds():
    assert number(0.126) == "0.13"
    assert number(math.nan) == "-"
    report = diagnosis()
    assert confound(report, report.models[0].baseline, 3) == "road (100 %)"
    assert confound(report, report.models[0].clean, 0) == "-"
