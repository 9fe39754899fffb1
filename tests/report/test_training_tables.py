from report.builder import classified, report, result

from art_segplugin.report.write_training import BEST, headline, sheets

STRONG = {"right": 10, "wrong": 90}


def both():
    before = report(result("segpgd-7", **STRONG), result("pgd-20", right=0, wrong=100))
    after = report(result("segpgd-7", right=50, wrong=50), result("pgd-20", right=60, wrong=40))
    return {"undefended": before, BEST: after}


def test_a_row_a_model_and_a_column_an_attack():
    scores, accuracy, _ = sheets(both())
    assert (scores.title, accuracy.title) == ("mIoU [%]", "Pixel accuracy [%]")
    assert accuracy.header == ["model", "Clean", "SegPGD-7", "PGD-20"]
    assert accuracy.rows == [
        ["undefended (small)", "90.0", "10.0", "0.0"],
        ["best (small)", "90.0", "50.0", "60.0"],
    ]
    # of each class 60 are right, 40 missed and 40 wrongly found: 60 / 140
    assert scores.rows[1][-1] == "42.9"
    assert "by which the best checkpoint was chosen" in scores.note


def test_classes_of_the_models_stand_side_by_side():
    classes = sheets(both())[-1]
    assert classes.title == "IoU per class [%]"
    assert classes.header[:3] == ["class", "Clean (undefended)", "Clean (best)"]
    assert [row[0] for row in classes.rows] == ["road", "sky", "car"]
    assert classes.rows[0][5:] == ["0.0", "42.9"]


def test_a_classifier_has_accuracies():
    scores, classes = sheets({BEST: classified()})
    assert scores.title == "Accuracy [%]"
    assert scores.rows == [["best (small)", "83.3", "33.3", "50.0"]]
    assert classes.header == ["class", "Clean", "FGSM", "PGD-20"]
    assert classes.rows[2] == ["car", "50.0", "0.0", "50.0"]


def test_the_headline_has_the_last_attack_and_the_clean_score():
    assert headline(both()) == (
        "Under PGD-20, mIoU is 42.9 % (undefended: 0.0 %); clean, it is 81.8 % (undefended: 81.8 %)."
    )
    assert (
        headline({BEST: classified()}) == "Under PGD-20, accuracy is 50.0 %; clean, it is 83.3 %."
    )
