"""What a window would show, for the tests of exports."""

from dataclasses import replace

import numpy as np
from PIL import Image
from session_parts import MODELS, engine, events, of, run

from art_segplugin_gui.session.display import DisplayState
from art_segplugin_gui.session.export_job import Exported, curves_of
from art_segplugin_gui.session.frames import Clean, Faded, Step
from art_segplugin_gui.session.request import Fade
from art_segplugin_gui.session.state import State


def on_screen(number=None, share=None, **values):
    """What a window would show of a run at a point, and at a strength."""
    values.setdefault("options", {})
    values["options"] = {"eps": 0.05, **values["options"]}
    request = run(b=values.pop("b", "two"), **values)
    made = engine()
    found = events(made, replace(request, pause_at=number))
    steps = of(Step, found)
    step = steps[-1] if number is None else next(s for s in steps if s.number == number)
    faded = None
    if share is not None:
        b = None if step.b is None else step.b.exact
        fade = Fade(2, request.frame, request.models, share, step.a.exact, b)
        (faded,) = of(Faded, events(made, fade))
    shown = DisplayState(
        request.frame, of(Clean, found)[0], step, faded, 1.0 if share is None else share
    )
    return Exported(shown, request, State(), curves_of(steps), threads=1)


def load(spec):
    return MODELS[spec]()


def pixels(path):
    return np.asarray(Image.open(path)).astype(int)
