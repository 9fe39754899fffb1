import pytest

from art_segplugin_gui.session.session import (
    StateDiff,
    with_attack,
    with_models,
    with_source,
    with_view,
)
from art_segplugin_gui.session.state import State


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (with_source(State(), spec="drive:1"), StateDiff(open=True, source=True)),
        (with_source(State(), longest_side=None), StateDiff(open=True, source=True)),
        (with_source(State(), index=3), StateDiff(picture=True, source=True)),
        (with_source(State(), loop=False), StateDiff(source=True)),
        (with_models(State(), b="x"), StateDiff(models=True)),
        (with_models(State(), transfer=False), StateDiff(models=True)),
        (with_attack(State(), seed=4), StateDiff(attack=True, form=True)),
        (with_attack(State(), auto=False), StateDiff(form=True)),
        (with_view(State(), fade=0.3), StateDiff(fade=True, view=True)),
        (with_view(State(), opacity=0.3, layer="error", isolated=2), StateDiff(view=True)),
    ],
)
def test_a_change_asks_for_no_more_than_it_needs(after, expected):
    assert StateDiff.of(State(), after) == expected
