"""What a change of the state asks for: a new picture, a new run, or no more than a repaint."""

from dataclasses import dataclass

from art_segplugin_gui.session.state import State


@dataclass(frozen=True)
class Needs:
    """What has to be done after a change.

    Attributes:
        open: the source is another one, or is to be scaled otherwise.
        picture: another picture of it is wanted.
        models: other models are wanted; the clean predictions are out of date.
        attack: the attack is another one.
        fade: the perturbation is wanted at another strength.
    """

    open: bool = False
    picture: bool = False
    models: bool = False
    attack: bool = False
    fade: bool = False


def needs(before: State, after: State) -> Needs:
    """Compare two states."""
    return Needs(
        open=(before.source.spec, before.source.longest_side)
        != (after.source.spec, after.source.longest_side),
        picture=before.source.index != after.source.index,
        models=before.models != after.models,
        attack=before.attack.decisive != after.attack.decisive,
        fade=before.view.fade != after.view.fade,
    )
