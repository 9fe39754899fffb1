"""What stays on screen when something else comes, or is chosen."""

from dataclasses import replace

import pytest
from gui_parts import CLASSES, COLOURS, side
from session_parts import engine, events, of, picture, run

from art_segplugin_gui.session.display import DisplayState
from art_segplugin_gui.session.frames import Clean, Faded, Step
from art_segplugin_gui.session.identity import Identity
from art_segplugin_gui.session.request import Fade
from art_segplugin_gui.session.session import with_attack, with_models, with_view
from art_segplugin_gui.session.state import Attack, Models, State

FRAME = picture()
STATE = State(models=Models("one"))
IDENTITY = Identity(FRAME.id, Models("one"), Attack(), run=4, sha256=("a", None))


def shown(identity=IDENTITY, share=1.0, number=2):
    clean = Clean(1, True, side(), None, CLASSES, COLOURS, identity=identity)
    step = Step(1, number, 3, side(exact=True), None, 0.1, identity=identity)
    faded = None if share == 1 else Faded(2, share, side(), None, identity, number)
    return DisplayState(FRAME, clean, step, faded, share)


def parts(display):
    return [display.clean is not None, display.step is not None, display.faded is not None]


def test_what_belongs_together_stays_as_it_is():
    state = with_view(STATE, fade=0.5)
    display = shown(share=0.5)
    assert display.fitted(state) is display
    assert not display.outdated
    assert display.identity == IDENTITY


@pytest.mark.parametrize("frame", [picture(), replace(FRAME, labels=None), picture(index=1), None])
def test_a_picture_that_goes_takes_all_results_with_it(frame):
    assert parts(replace(shown(), frame=frame).fitted(STATE)) == [False, False, False]


@pytest.mark.parametrize(
    "other",
    [
        replace(IDENTITY, models=Models("two")),
        replace(IDENTITY, models=Models("one", "two")),
        replace(IDENTITY, sha256=("b", None)),  # another file of the same name
        replace(IDENTITY, attack=None),  # a run that makes no attack
    ],
)
def test_other_predictions_take_the_attack_with_them(other):
    clean = replace(shown().clean, identity=other)
    fitted = replace(shown(share=0.5), clean=clean).fitted(with_view(STATE, fade=0.5))
    assert parts(fitted) == [True, False, False]


def test_a_point_stays_until_the_first_of_another_run_on_the_same_predictions():
    newer = replace(IDENTITY, attack=Attack(seed=3), run=5, quick=True)
    clean = replace(shown().clean, identity=newer)
    fitted = replace(shown(), clean=clean).fitted(with_attack(STATE, seed=3))
    assert parts(fitted) == [True, True, False]
    assert fitted.outdated
    assert "(before the change)" in fitted.title
    assert fitted.identity.run == 4


@pytest.mark.parametrize(
    "changes",
    [{"number": 1}, {"identity": replace(IDENTITY, run=5)}, {"share": 0.4}],
)
def test_a_fade_is_of_its_point_and_strength(changes):
    display = shown(share=0.5)
    faded = replace(display.faded, **changes)
    fitted = replace(display, faded=faded).fitted(with_view(STATE, fade=0.5))
    assert parts(fitted) == [True, True, False]


def test_what_is_not_chosen_any_more_is_marked_and_comes_back():
    display = shown()
    attack = display.fitted(with_attack(STATE, seed=1))
    assert (attack.outdated, attack.mark) == (True, "")
    models = display.fitted(with_models(STATE, a="two"))
    assert models.outdated
    assert models.mark == " (before the change)"
    assert not models.fitted(STATE).outdated
    assert not display.fitted(with_attack(STATE, auto=False)).outdated  # changes no run


def test_every_result_of_the_engine_carries_what_it_is_of():
    made, request = engine(), replace(run(b="two"), number=7)
    found = events(made, request)
    results = of((Clean, Step), found)
    assert len(results) >= 2  # points that come fast are not all shown
    assert all(one.identity == request.identity for one in results)
    step = of(Step, found)[-1]
    fade = Fade(
        2, request.frame, request.models, 0.5, step.a.exact, step.b.exact,
        identity=step.identity, number=step.number,
    )  # fmt: skip
    (faded,) = of(Faded, events(made, fade))
    assert (faded.identity, faded.number) == (step.identity, step.number)
    assert request.identity.run == 7
    assert not request.identity.quick
