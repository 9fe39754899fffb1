"""What the window has to know before it can be filled."""

from dataclasses import dataclass

from art_segplugin_gui.session.forms import ParameterForm


@dataclass(frozen=True)
class Ready:
    """The engine has started.

    Attributes:
        recipes: one form a recipe.
        shipped: names of the models that come with the package or that it can fetch.
        device: where models run, such as "cpu".
        threads: threads that torch computes with.
    """

    recipes: tuple[ParameterForm, ...]
    shipped: tuple[str, ...]
    device: str
    threads: int
