from dataclasses import replace

import pytest
from report.diagnosis_builder import attack, diagnosis, results

from art_segplugin.report.diagnosis_tables import models_sheets


@pytest.fixture(scope="module")
def sheets():
    """Every image is the same, so that no resample differs and the intervals are points."""
    two = [attack("clean", (7, 8, 9, 10)), attack("pgd-20", (8, 6, 4, 1))]
    three = [attack("clean", (10, 9, 8, 7)), attack("pgd-20", (5, 6, 4, 4))]
    report = diagnosis(("one", results()[:2]), ("two", two), ("three", three))
    return {sheet.title: sheet for sheet in models_sheets(report)}


def test_rankings_are_compared_pair_by_pair(sheets):
    sheet = sheets["Do the models agree which classes are weak?"]
    assert sheet.header == ["attack", "one and two", "one and three", "two and three"]
    assert sheet.rows[0][:2] == ["PGD-20", "0.80"]


def test_every_model_against_the_first(sheets):
    sheet = sheets["Each model against one [points]"]
    assert sheet.header[:4] == ["model", "attack", "pixel accuracy", "mIoU"]
    assert [row[:2] for row in sheet.rows] == [
        ["two", "Clean"], ["two", "PGD-20"], ["three", "Clean"], ["three", "PGD-20"],
    ]  # fmt: skip
    # Under PGD-20: 6, 8, 4, 1 of 10 in the first model; cat is worst there.
    three = sheet.rows[3]
    assert three[2] == "+0.0 [+0.0, +0.0]"  # 19 of 40 both
    assert three[4] == "+30.0 [+30.0, +30.0]"  # the worst has 1 of 10 in one and 4 in the other
    assert three[5] == "cat: +30.0 [+30.0, +30.0]"
    assert three[6] == "-10.0"  # -10, -20 and 0


def test_the_class_that_fell_first_is_judged_on_other_images_than_it_is_chosen_on():
    """By chance the cat is weak on the first half and the car on the other; nothing differs else."""
    halves = [attack("pgd-20", (9, 9, 5, 1), images=10), attack("pgd-20", (9, 9, 1, 5), images=10)]
    ahead, behind = (joined(*halves), joined(*reversed(halves)))
    clean = attack("clean", (9, 9, 9, 9), images=20)
    report = diagnosis(("one", [clean, ahead]), ("two", [clean, behind]))
    sheet = models_sheets(report)[0]
    # The cat's 3 of 10 pixels on all images are no less in "two"; on the other half it has 1, not 5.
    assert sheet.rows[1][5] == "cat: -40.0 [-40.0, -40.0]"
    assert sheet.rows[1][6] == "+13.3"  # 0, 0 and 40
    assert "on the other half" in " ".join(sheet.note.split())


def test_without_a_second_half_no_class_fell_first():
    one, two = ([attack(name, (9, 9, 5, 1), images=1) for name in ("clean", "fgsm")] for _ in "ab")
    sheet = models_sheets(diagnosis(("one", one), ("two", two)))[0]
    assert sheet.rows[1][5:] == ["-", "-"]


def joined(first, second):
    return replace(first, counts=first.counts + second.counts)


def test_classes_under_the_first_attack_the_weakest_first(sheets):
    sheet = sheets["Classes under PGD-20 by model"]
    assert sheet.header == ["class", "one", "two", "three"]
    assert [row[:2] for row in sheet.rows] == [
        ["cat", "10.0"], ["car", "40.0"], ["road", "60.0"], ["sky", "80.0"],
    ]  # fmt: skip
    assert sheet.rows[2][2:] == ["+20.0 [+20.0, +20.0]", "-10.0 [-10.0, -10.0]"]


def test_a_single_model_has_nothing_to_say():
    assert models_sheets(diagnosis()) == []
