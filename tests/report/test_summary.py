import math

import pytest
from report.builder import classified, report, result

from art_segplugin.report.summary import (
    Score,
    groups,
    headline,
    option_text,
    size_text,
    strongest,
    title,
)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([0.831], "83.1"),
        ([0.1, 0.3], "20.0 ± 14.1"),
        ([0.2, 0.2], "20.0 ± 0.0"),
        ([math.nan], "-"),
        ([math.nan, 0.5], "50.0"),
    ],
)
def test_a_score_is_the_mean_and_sample_deviation_in_percent(values, text):
    assert Score.of(values).percent == text


def test_seeds_are_pooled_and_options_kept_apart():
    found = groups(
        report(
            result(seed=0),
            result(seed=1, right=40, wrong=60),
            result("pgd-20"),
            result(options={"eps": 2 / 255, "steps": 20}),
        )
    )
    assert [group.seeds for group in found] == [[0], [0, 1], [0], [0]]
    assert found[1].pixel_accuracy.mean == pytest.approx(0.3)
    assert found[1].mis_ratio.mean == pytest.approx(0.7)


def test_labels_name_only_the_options_that_tell_variants_apart():
    found = groups(
        report(
            result("segpgd-20", options={"eps": 8 / 255, "norm": "Linf", "steps": 20}),
            result("segpgd-20", options={"eps": 2 / 255, "norm": "Linf", "steps": 20}),
            result("pgd-10"),
        )
    )
    assert [group.label for group in found] == [
        "Clean",
        "SegPGD-20 (eps 8/255)",
        "SegPGD-20 (eps 2/255)",
        "PGD-10",
    ]


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("fgsm", "FGSM"),
        ("segfgsm", "SegFGSM"),
        ("segpgd-20", "SegPGD-20"),
        ("cospgd", "CosPGD"),
        ("js-pgd-20", "JS-PGD-20"),
        ("mce-bal-pgd-5 8-bit", "MCE-Bal-PGD-5 8-bit"),
        ("sea-300", "SEA-300"),
        ("temperature-sweep-2", "Temperature-sweep-2"),
        ("seaside-2", "Seaside-2"),
        ("another-pgd", "Another-PGD"),
    ],
)
def test_titles(name, written):
    assert title(name) == written


def test_sizes_are_written_in_the_norm():
    assert size_text(8 / 255, {}) == "8/255"
    assert size_text(0.03, {"norm": "Linf"}) == "7.65/255"
    assert size_text(0.5, {"norm": 2}) == "0.5 (L2)"
    assert option_text("norm", {"norm": math.inf}) == "L∞"
    assert option_text("random_start", {"random_start": False}) == "no"
    assert option_text("steps", {}) == "-"


def test_headline_says_before_after_and_the_limit():
    # Each class: 90 hits of 110 in the union, under attack 20 of 180.
    assert headline(report(result("pgd-20", right=50, wrong=50), result())) == (
        "SegPGD-20 takes mIoU from 81.8 % to 11.1 % and changes no value of a pixel by more "
        "than 8/255."
    )


def test_headline_without_an_attack_that_works():
    assert headline(report()) == "Without an attack, mIoU is 81.8 %."
    assert "No attack lowers mIoU" in headline(report(result(right=90, wrong=10)))


def test_headline_promises_no_largest_change_in_another_norm():
    assert headline(report(result(options={"eps": 0.5, "norm": "L2"}))).endswith("to 11.1 %.")


def test_the_strongest_attack_is_not_one_without_a_score():
    unscored = result("pgd-20", counts=[[0] * 3] * 3)
    assert strongest(report(unscored, result())).attack == "segpgd-20"
    assert strongest(report()) is None


def test_a_classifier_is_summed_up_by_its_accuracy():
    made = classified()
    assert strongest(made).label == "FGSM"  # 2 of 6 right; mIoU says PGD-20 or nobody
    assert headline(made).startswith("FGSM takes accuracy from 83.3 % to 33.3 %")
    assert [score.percent for score in groups(made)[0].class_accuracy] == ["100.0", "100.0", "50.0"]
