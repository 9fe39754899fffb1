import json

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays

from art_segplugin.errors import InputError
from art_segplugin_gui.session.painted import Painted
from art_segplugin_gui.session.saving import from_tree, load_state, save_state, to_tree
from art_segplugin_gui.session.state import (
    GOALS,
    LAYERS,
    REGIONS,
    Attack,
    Models,
    Source,
    State,
    View,
)

share = st.floats(0, 1)
states = st.builds(
    State,
    st.builds(
        Source,
        st.text(min_size=1),
        st.integers(0, 99),
        st.integers(0, 9),
        st.none() | st.integers(9, 99),
        st.booleans(),
        st.none() | st.integers(64, 4096),
    ),
    st.builds(Models, st.text(min_size=1), st.none() | st.text(min_size=1), st.booleans()),
    st.builds(
        Attack,
        st.just("segpgd"),
        st.dictionaries(st.text(), st.none() | share | st.integers() | st.text() | st.booleans()),
        st.sampled_from(GOALS),
        st.none() | st.integers(0, 9),
        st.integers(0, 9),
        st.sampled_from(REGIONS),
        st.integers(0, 9),
        st.none() | st.builds(Painted.of, arrays(bool, (3, 5)).filter(np.any)),
        st.integers(0, 2**31 - 1),
        st.booleans(),
        st.booleans(),
    ),
    st.builds(
        View,
        st.sampled_from(LAYERS),
        share,
        share,
        st.frozensets(st.integers(0, 20)),
        st.none() | st.integers(0, 9),
        st.none() | st.tuples(st.integers(0, 9), st.integers(0, 9)),
        st.booleans(),
        st.booleans(),
    ),
)


@settings(deadline=None, max_examples=60)
@given(states)
def test_what_is_written_is_read_back(state):
    assert from_tree(json.loads(json.dumps(to_tree(state)))) == state


def test_through_a_file(tmp_path):
    painted = Painted.of(np.eye(6, 9, dtype=bool))
    state = State(
        Source("drive:3", 4),
        attack=Attack(region="painted", painted=painted),
        view=View(hidden=frozenset({1, 2}), pair=(0, 3)),
    )
    save_state(tmp_path / "one.json", state)
    assert load_state(tmp_path / "one.json") == state


def test_sessions_from_before_regions_were_saved():
    tree = to_tree(State())
    del tree["attack"]["painted"]
    assert from_tree(tree) == State()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda tree: tree.update(format=7), "no session of this version"),
        (lambda tree: tree.pop("models"), "models"),
        (lambda tree: tree["view"].update(layer="x-ray"), "x-ray"),
        (lambda tree: tree["view"].update(opacity=3.0), "opacity is 3"),
        (lambda tree: tree["view"].update(opacity="half"), "opacity is 'half'"),
        (lambda tree: tree["attack"].update(goal="fame"), "fame"),
        (lambda tree: tree["source"].update(spec=4), "spec is 4"),
        (lambda tree: tree["source"].update(colour="red"), "colour"),
        (lambda tree: tree["view"].update(hidden=["a"]), "whole session"),
        (lambda tree: tree["view"].update(opacity=None), "opacity is None"),
        (lambda tree: tree["view"].update(linked=1), "linked is 1"),
        (lambda tree: tree["models"].update(b=5), "b is 5"),
        (lambda tree: tree["source"].update(last="x"), "last is 'x'"),
        (lambda tree: tree["source"].update(index=-1), "index is -1"),
        (lambda tree: tree["source"].update(first=5, last=4), "last is 4, expected 5"),
        (lambda tree: tree["source"].update(index=True), "index is True"),
        (lambda tree: tree["attack"].update(from_class="x"), "from_class is 'x'"),
        (lambda tree: tree["attack"].update(seed=10**30), "seed is 1000"),
        (lambda tree: tree["attack"].update(painted=5), "whole session"),
        (lambda tree: tree["attack"].update(painted={"height": 0, "width": 1}), "a side of the"),
    ],
)
def test_other_files_are_refused_in_a_sentence(spoil, said):
    tree = to_tree(State())
    spoil(tree)
    with pytest.raises(InputError, match=said):
        from_tree(tree, "one.json")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": 1}', "[" * 100_000])
def test_files_that_are_no_sessions(tmp_path, text):
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(InputError, match="session"):
        load_state(path)


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        load_state(tmp_path / "none.json")
