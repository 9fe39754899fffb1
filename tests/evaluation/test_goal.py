from dataclasses import replace

import pytest
import torch

from art_segplugin.errors import InputError
from art_segplugin.evaluation.documents import from_plain, to_plain
from art_segplugin.evaluation.pipeline import ANY_WRONG, AttackPlan, Clean, Goal
from art_segplugin.models import Segmenter

REFERENCE = torch.tensor([[[0, 1, 2], [1, 255, 1]]])


class Function(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, images):
        return self.function(images).float()


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


PREDICTION = torch.tensor([[[0, 1, 1], [1, 1, 2]]])


def test_the_rest_is_held_at_the_clean_prediction():
    goal = Goal(from_class=1, to_class=2, keep=True)
    assert goal.labels(REFERENCE, 255, PREDICTION).tolist() == [[[0, 2, 2], [2, 255, 2]]]
    assert goal.source(PREDICTION).tolist() == [[[False, True, True], [True, True, False]]]
    with pytest.raises(InputError, match="give the clean prediction"):
        goal.labels(REFERENCE, 255)


def test_without_a_class_all_that_is_not_the_target_is_the_source():
    assert Goal(to_class=1).source(PREDICTION).tolist() == [
        [[True, False, False], [False, False, True]]
    ]


@pytest.mark.parametrize("classes", [(None, 2), (1, None), (None, None)])
def test_the_rest_of_nothing_is_refused(classes):
    with pytest.raises(InputError, match="give both, such as --from car --target vegetation"):
        Goal(*classes, keep=True)


def test_the_class_is_looked_for_where_it_is_the_source():
    """With labels that have no class 1, and a prediction that has it."""

    def model(images):
        return torch.nn.functional.one_hot(PREDICTION, 4).movedim(3, 1) + 0 * images[:, :1]

    segmenter = Segmenter(Function(model), classes=4).eval()
    clean = Clean(segmenter, torch.zeros(1, 3, 2, 3), torch.tensor([[[0, 2, 2], [2, 255, 2]]]))
    assert Goal(1, 2).seen(clean) is clean.reference
    assert Goal(1, 2, keep=True).seen(clean).tolist() == [[[0, 1, 1], [1, 255, 2]]]
    plan = AttackPlan("pgd", {}, Goal(1, 2))
    assert not plan.applies(clean)
    assert replace(plan, goal=Goal(1, 2, keep=True)).applies(clean)


def test_plans_of_version_0_1_hold_nothing():
    assert from_plain(Goal, {"from_class": 1, "to_class": 2}) == Goal(1, 2)
    assert from_plain(Goal, to_plain(Goal(1, 2, keep=True))) == Goal(1, 2, keep=True)
