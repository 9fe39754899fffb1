import pytest
from training.toy import options

from art_segplugin.training.options import attack_strength, learning_rate


def rates(**changes):
    chosen = options(lr=0.5, **changes)
    return [learning_rate(step, chosen) for step in range(chosen.steps)]


def strengths(**changes):
    chosen = options(**changes)
    return [attack_strength(step, chosen) for step in range(chosen.steps)]


def test_rises_linearly_and_falls_to_nearly_nothing():
    found = rates(steps=100, warmup=0.2)
    assert found[:20] == pytest.approx([0.5 * (step + 1) / 20 for step in range(20)])
    assert found[20] == 0.5
    assert found[60] == pytest.approx(0.25)
    assert found[20:] == sorted(found[20:], reverse=True)
    assert 0 < found[-1] < 0.001


def test_falls_to_a_tenth_at_each_milestone():
    found = rates(steps=100, warmup=0.1, schedule="steps", milestones=(0.5, 0.75))
    assert found[:10] == pytest.approx([0.05 * (step + 1) for step in range(10)])
    assert found[10:50] == [0.5] * 40
    assert found[50:75] == pytest.approx([0.05] * 25)
    assert found[75:] == pytest.approx([0.005] * 25)


def test_without_milestones_it_stays():
    assert rates(steps=10, warmup=0.0, schedule="steps", milestones=()) == [0.5] * 10


@pytest.mark.parametrize(("steps", "warmup"), [(1, 0.0), (1, 0.9), (5, 0.0)])
def test_short_runs_start_at_the_peak(steps, warmup):
    assert rates(steps=steps, warmup=warmup)[0] == 0.5


def test_the_radius_grows_linearly_to_all_of_it():
    found = strengths(steps=100, eps_warmup=0.4)
    assert found[:40] == pytest.approx([(step + 1) / 40 for step in range(40)])
    assert found[39:] == [1.0] * 61


@pytest.mark.parametrize(("steps", "share"), [(1, 0.9), (5, 0.0), (3, 0.1)])
def test_of_short_runs_it_is_never_0(steps, share):
    assert strengths(steps=steps, eps_warmup=share) == [1.0] * steps
