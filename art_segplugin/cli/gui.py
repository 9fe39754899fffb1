"""`art-segplugin gui`: start the desktop app, which has arguments and a help of its own."""

from collections.abc import Callable
from importlib.metadata import entry_points

import typer

from art_segplugin.errors import InputError

PASSED_ON = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],  # --help shows the options of the app
}


def gui(context: typer.Context) -> None:
    """Open the desktop app: watch a model fall, live; `gui --help` shows its options."""
    raise typer.Exit(_app()(context.args))


def _app() -> Callable[[list[str]], int]:
    # By its entry point: the app uses the command line's package, not the other way round.
    for found in entry_points(group="art_segplugin.gui", name="app"):
        start: Callable[[list[str]], int] = found.load()
        return start
    raise InputError("the desktop app is not installed: pip install 'art-segplugin[gui]'")
