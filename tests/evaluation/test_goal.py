import pytest
import torch

from art_segplugin.errors import InputError
from art_segplugin.evaluation.pipeline import ANY_WRONG, Goal

REFERENCE = torch.tensor([[[0, 1, 2], [1, 255, 1]]])


def test_any_wrong_class_attacks_the_reference_itself():
    assert ANY_WRONG.labels(REFERENCE, 255) is REFERENCE
    assert not ANY_WRONG.targeted


def test_one_class_wanted_everywhere_leaves_void_alone():
    wanted = Goal(to_class=2).labels(REFERENCE, 255)
    assert wanted.tolist() == [[[2, 2, 2], [2, 255, 2]]]


def test_class_to_class_counts_the_pixels_of_that_class_only():
    goal = Goal(from_class=1, to_class=2)
    assert goal.targeted
    assert goal.labels(REFERENCE, 255).tolist() == [[[255, 2, 255], [2, 255, 2]]]


def test_one_class_away_from_itself():
    goal = Goal(from_class=1)
    assert not goal.targeted
    assert goal.labels(REFERENCE, 255).tolist() == [[[255, 1, 255], [1, 255, 1]]]


def test_a_negative_void_stays_void():
    labels = torch.tensor([[[0, -100]]])
    assert Goal(to_class=1).labels(labels, -100).tolist() == [[[1, -100]]]


@pytest.mark.parametrize(
    ("goal", "said"),
    [
        (Goal(to_class=3), "target 3 is no class; give 0 to 2"),
        (Goal(from_class=-1), "from -1 is no class"),
        (Goal(1, 1), "class 1 are to be taken for that class"),
        (Goal(0, 1), "no pixel of the picture is of class 0"),
    ],
)
def test_impossible_goals_are_refused(goal, said):
    with pytest.raises(InputError, match=said):
        goal.check(3, REFERENCE.clamp(min=1))


def test_possible_goals_pass():
    for goal in (ANY_WRONG, Goal(to_class=2), Goal(1, 2), Goal(2)):
        goal.check(3, REFERENCE)
