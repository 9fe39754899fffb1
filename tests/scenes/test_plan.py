from itertools import pairwise
from random import Random

import pytest

from art_segplugin.scenes.plan import AHEAD, BEHIND, sample_plan


@pytest.mark.parametrize("seed", range(20))
def test_blocks_and_side_streets_fill_the_street(seed):
    plan = sample_plan(Random(seed), travel=50)
    pieces = sorted([*plan.blocks(), *plan.crossings])
    assert pieces[0][0] == plan.start == -BEHIND
    assert pieces[-1][1] == plan.end == AHEAD + 50
    assert all(one[1] == other[0] for one, other in pairwise(pieces))
    assert all(last - first > 5 for first, last in pieces)


@pytest.mark.parametrize("seed", range(20))
def test_widths_add_up(seed):
    plan = sample_plan(Random(seed))
    assert [side.sign for side in plan.sides] == [1, -1]
    for side in plan.sides:
        assert side.curb >= plan.lanes * plan.lane + side.parking
        assert side.front == side.curb + side.pavement + side.garden
