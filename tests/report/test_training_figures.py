import numpy as np
import pytest

from art_segplugin.report.plots import CLEAN_COLOUR, ROBUST_COLOUR, trailing_mean, training_figure
from art_segplugin.training.log import LogRow


def rows(scores=("accuracy", "robust_accuracy")):
    return [
        LogRow(step, 10 / step, 0.1, 1.0, dict.fromkeys(scores, step / 20) if step % 4 == 0 else {})
        for step in range(1, 9)
    ]


def test_loss_scores_and_learning_rate():
    loss, scores, lr = training_figure(rows()).axes
    np.testing.assert_allclose(loss.lines[0].get_ydata(), [10 / step for step in range(1, 9)])
    clean, robust = scores.lines
    assert (clean.get_color(), robust.get_color()) == (CLEAN_COLOUR, ROBUST_COLOUR)
    assert [list(clean.get_xdata()), list(clean.get_ydata())] == [[4, 8], [20, 40]]
    assert scores.get_title(loc="left") == "Validation accuracy [%]"
    assert [text.get_text() for text in scores.get_legend().texts] == ["clean", "under attack"]
    assert list(lr.lines[0].get_ydata()) == [0.1] * 8


def test_a_run_without_an_attack_has_one_curve():
    _, scores, _ = training_figure(rows(["miou"])).axes
    assert len(scores.lines) == 1
    assert scores.get_title(loc="left") == "Validation mIoU [%]"


def test_the_mean_is_over_the_last_steps():
    values = np.random.default_rng(0).random(130)
    expected = [values[max(0, i - 1) : i + 1].mean() for i in range(130)]
    np.testing.assert_allclose(trailing_mean(values), expected)
    assert trailing_mean(values[:7]) == pytest.approx(values[:7])
