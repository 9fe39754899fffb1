import base64
import json
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from art_segplugin_gui.session.painted import Painted
from art_segplugin_gui.session.session import Session, StateDiff, with_attack
from art_segplugin_gui.session.state import Attack, State


def region(*rows, size=(6, 9)):
    mask = np.zeros(size, bool)
    mask[list(rows)] = True
    return Painted.of(mask)


masks = hnp.arrays(bool, st.tuples(st.integers(1, 20), st.integers(1, 20))).filter(np.any)


@settings(max_examples=60, deadline=None)
@given(masks)
def test_a_region_comes_back_whole_from_itself_and_from_json(mask):
    made = Painted.of(mask)
    read = Painted.from_tree(json.loads(json.dumps(made.tree)))
    assert read == made
    assert read.size == mask.shape
    assert np.array_equal(made.mask, mask)
    assert made.mask.dtype == bool


def test_equal_regions_are_equal_and_share_one_array_that_nobody_writes_into():
    assert region(1, 2) == region(1, 2) != region(1)
    assert region(1).mask is region(1).mask
    with pytest.raises(ValueError, match="read-only"):
        region(1).mask[0] = True


@pytest.mark.parametrize(
    "changes",
    [
        {"height": 0},
        {"height": True},
        {"width": 10**6},
        {"width": "9"},
        {"height": 60},
        {"height": 2},
        {"bits": "no base 64!"},
        {"bits": base64.b64encode(b"no zlib").decode()},
        {"bits": base64.b64encode(zlib.compress(bytes(10**6))).decode()},
        {"bits": base64.b64encode(zlib.compress(bytes(7))).decode()},
        {"bits": base64.b64encode(zlib.compress(b"\xff" * 7)).decode()},
        {"bits": base64.b64encode(zlib.compress(b"\xf0" * 6 + b"\0") + b"more").decode()},
        {"bits": base64.b64encode(zlib.compress(b"\xf0" * 6 + b"\0")[:-3]).decode()},
        {"more": 1},
        {"height": 2**15, "width": 2**15},
    ],
    ids=str,
)
def test_what_is_no_region_is_refused(changes):
    with pytest.raises(ValueError, match=r"painted region|base64|padding|data can"):
        Painted.from_tree({**region(1).tree, **changes})


def test_strokes_are_undone_and_done_again():
    session = Session()
    for rows in ((1,), (1, 2), (1, 2, 3)):
        session.change(with_attack(session.state, painted=region(*rows)))
    session.undo()
    assert session.state.attack.painted == region(1, 2)
    session.undo()
    session.undo()
    assert session.state.attack.painted is None
    session.redo()
    assert session.state.attack.painted == region(1)


def test_paint_changes_a_run_only_where_the_region_is_painted():
    elsewhere, painted = State(), State(attack=Attack(region="painted"))
    for state, matters in ((elsewhere, False), (painted, True)):
        after = with_attack(state, painted=region(2))
        assert StateDiff.of(state, after).attack is matters
    assert replace(painted.attack, auto=False).decisive == painted.attack
