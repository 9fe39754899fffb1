import pytest

from art_segplugin.training.schedules import warmup_cosine


def test_rises_linearly_and_falls_to_nearly_nothing():
    rates = [warmup_cosine(step, 100, 0.5, 0.2) for step in range(100)]
    assert rates[:20] == pytest.approx([0.5 * (step + 1) / 20 for step in range(20)])
    assert rates[20] == 0.5
    assert rates[60] == pytest.approx(0.25)
    assert rates[20:] == sorted(rates[20:], reverse=True)
    assert 0 < rates[-1] < 0.001


@pytest.mark.parametrize(("steps", "warmup"), [(1, 0.0), (1, 0.9), (5, 0.0)])
def test_short_runs_start_at_the_peak(steps, warmup):
    assert warmup_cosine(0, steps, 0.1, warmup) == 0.1
