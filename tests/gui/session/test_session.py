from dataclasses import replace

import hypothesis.strategies as st
from hypothesis import given, settings

from art_segplugin_gui.session.session import (
    Session,
    with_attack,
    with_models,
    with_source,
    with_view,
)
from art_segplugin_gui.session.state import State


def test_changes_are_undone_and_done_again():
    session, seen = Session(), []
    session.listeners.append(lambda before, after: seen.append((before, after)))
    first = session.state
    session.change(with_models(first, b="other"))
    session.change(with_view(session.state, opacity=0.2))
    assert session.undo()
    assert session.state == with_models(first, b="other")
    assert session.undo()
    assert session.state == first
    assert not session.undo()
    assert session.redo()
    assert session.redo()
    assert session.state.view.opacity == 0.2
    assert not session.redo()
    assert seen[0] == (first, with_models(first, b="other"))
    assert len(seen) == 6


def test_one_drag_is_one_step_back():
    session = Session()
    for opacity in (0.1, 0.2, 0.3):
        session.change(with_view(session.state, opacity=opacity), merge="opacity")
    session.settle()
    session.change(with_view(session.state, opacity=0.4), merge="opacity")
    session.undo()
    assert session.state.view.opacity == 0.3
    session.undo()
    assert session.state == State()


def test_what_happens_by_itself_is_not_undone():
    session = Session()
    session.change(with_models(session.state, b="other"))
    session.follow(with_source(session.state, index=7))
    session.undo()
    assert session.state == State()


def test_no_change_is_no_change():
    session, seen = Session(), []
    session.listeners.append(lambda before, after: seen.append(after))
    session.change(replace(session.state))
    assert not seen
    assert not session.can_undo


def test_a_new_change_ends_what_could_be_done_again():
    session = Session()
    session.change(with_attack(session.state, seed=1))
    session.undo()
    session.change(with_attack(session.state, seed=2))
    assert not session.can_redo


@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(st.integers(0, 5), st.sampled_from(["undo", "redo"])), max_size=30))
def test_undo_and_redo_against_a_list_of_states(moves):
    session, line, at = Session(), [0], 0
    for move in moves:
        if move == "undo":
            at = max(at - 1, 0)
            session.undo()
        elif move == "redo":
            at = min(at + 1, len(line) - 1)
            session.redo()
        elif move != line[at]:
            line, at = [*line[: at + 1], move], at + 1
            session.change(with_attack(session.state, seed=move))
        assert session.state.attack.seed == line[at]
        assert session.can_undo == (at > 0)
        assert session.can_redo == (at < len(line) - 1)


def test_what_is_forgotten_is_not_gone_back_to():
    session = Session()
    start = session.state
    told = []
    session.listeners.append(lambda before, after: told.append((before, after)))
    session.change(with_source(start, spec="bad"))
    session.change(with_attack(session.state, seed=1))
    session.follow(with_source(session.state, spec=start.source.spec))
    told.clear()
    session.forget(lambda state: state.source.spec == "bad")
    assert told == [(session.state, session.state)]  # what can be undone has changed
    assert session.undo()
    assert session.state == start
    assert not session.can_undo
    assert session.redo()
    assert session.state.attack.seed == 1
    session.forget(lambda state: True)
    assert not session.can_undo
    assert not session.can_redo


def test_a_step_that_would_change_nothing_is_forgotten_too():
    session = Session()
    start = session.state
    session.change(with_source(start, spec="bad"))
    session.follow(start)
    assert session.can_undo
    session.forget(lambda state: state.source.spec == "bad")
    assert not session.can_undo


def test_there_and_back_leaves_nothing_to_undo():
    session = Session()
    first = session.state
    session.change(with_view(first, opacity=0.3))
    for eps in (0.2, 0.1, None):
        attack = session.state.attack.with_options(eps=eps)
        session.change(replace(session.state, attack=attack), "eps")
    session.undo()
    assert session.state == first
    session.redo()
    session.change(replace(session.state, attack=first.attack.with_options(eps=0.2)), "eps")
    session.undo()
    assert session.state == with_view(first, opacity=0.3)
