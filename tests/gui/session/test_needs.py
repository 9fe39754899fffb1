import pytest

from art_segplugin_gui.session.needs import Needs, needs
from art_segplugin_gui.session.session import with_attack, with_models, with_source, with_view
from art_segplugin_gui.session.state import State


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (with_source(State(), spec="drive:1"), Needs(open=True)),
        (with_source(State(), longest_side=None), Needs(open=True)),
        (with_source(State(), index=3), Needs(picture=True)),
        (with_source(State(), loop=False), Needs()),
        (with_models(State(), b="x"), Needs(models=True)),
        (with_models(State(), transfer=False), Needs(models=True)),
        (with_attack(State(), seed=4), Needs(attack=True)),
        (with_attack(State(), auto=False), Needs()),
        (with_view(State(), fade=0.3), Needs(fade=True)),
        (with_view(State(), opacity=0.3, layer="error", isolated=2), Needs()),
    ],
)
def test_a_change_asks_for_no_more_than_it_needs(after, expected):
    assert needs(State(), after) == expected
