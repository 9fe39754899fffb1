import math
from dataclasses import replace

import pytest
from report.diagnosis_builder import (
    attack,
    classification,
    diagnosis,
    results,
    varied,
    varied_results,
)

from art_segplugin.metrics.bootstrap import Interval
from art_segplugin.report.diagnosis_tables import (
    confound,
    headline,
    labels,
    number,
    points,
    selection_sentence,
)


def test_headline_names_who_is_weakest_how_it_stood_and_how_far_behind():
    report = diagnosis()
    assert headline(report, report.models[0]) == (
        "cat is weakest: 10.0 % of its pixels are right under PGD-20 (70.0 % clean), 70.0 points "
        "behind sky."
    )


def test_headline_of_a_classifier_speaks_of_images():
    report = classification()
    assert headline(report, report.models[0]) == (
        "ship is weakest: 50.0 % of its images are right under PGD-20 (100.0 % clean), 50.0 points "
        "behind cat."
    )


def test_headline_where_all_classes_are_equal():
    found = [attack("clean", (9, 9, 9, 9)), attack("fgsm", (2, 2, 2, 2))]
    report = diagnosis(("net", found))
    assert headline(report, report.models[0]) == "No class is weaker than the others under FGSM."


def test_headline_counts_classes_that_tie():
    found = [attack("clean", (9, 1, 9, 5)), attack("fgsm", (0, 0, 4, 0))]
    report = diagnosis(("net", found))
    assert headline(report, report.models[0]) == (
        "3 classes tie at 0.0 % of their pixels right under FGSM (10.0 to 90.0 % clean), 40.0 points "
        "behind car."
    )


def test_a_class_that_is_called_a_number_is_not_read_as_one():
    report = diagnosis(classes="0123")
    sentence = headline(report, report.models[0])
    assert sentence.startswith("class 3 is weakest: 10.0 %")
    assert sentence.endswith("behind class 1.")


def test_labels_tell_variants_apart():
    assert labels(diagnosis().models[0]) == [
        "Clean",
        "PGD-20",
        "Temperature-PGD-20 (T = 0.1)",
        "Temperature-PGD-20 (T = 2)",
    ]


def test_selection_says_what_the_choice_is_worth_elsewhere():
    assert selection_sentence(diagnosis().models[0]) == (
        "Temperature-PGD-20 (T = 0.1) leaves the lowest accuracy of the other attacks on "
        "the first 2 images; on the other 2 images, too few images to tell, it differs from PGD-20: "
        "-5.0 [-5.0, -5.0] points."
    )
    assert selection_sentence(diagnosis(("net", results()[:2])).models[0]) == ""


def verdict(*found):
    """Of the last attack, which its copy does not beat."""
    found += (replace(found[-1], attack="copy"),)
    return selection_sentence(diagnosis(("net", found)).models[0])


def test_a_verdict_is_that_of_the_interval():
    clean, base, stronger, weaker = varied_results()
    assert "on the other 20 images it is stronger than PGD-20: -" in verdict(clean, base, stronger)
    assert "on the other 20 images it is weaker than PGD-20: +" in verdict(clean, base, weaker)
    # The estimate is below 0, but the interval holds it.
    same = verdict(clean, base, varied("fgsm", (10, 12, 8, 5), 6))
    assert "it cannot be told from PGD-20: -" in same


def test_an_interval_without_width_is_no_verdict():
    clean, base, stronger, _ = results(images=40)
    assert "it cannot be told from PGD-20: -5.0 [-5.0, -5.0]" in verdict(clean, base, stronger)


@pytest.mark.parametrize(("images", "told"), [(18, False), (20, True)])
def test_few_images_are_no_verdict(images, told):
    base = varied("pgd-20", (10, 12, 8, 5), 1, images=images)
    other = varied("fgsm", (4, 5, 3, 2), 2, images=images)
    sentence = verdict(varied("clean", (17, 16, 15, 14), 0, images=images), base, other)
    assert ("stronger than" in sentence) == told
    assert ("too few images to tell" in sentence) != told


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
