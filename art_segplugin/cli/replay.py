"""`art-segplugin replay`: the numbers that the desktop app exported, computed once more."""

from pathlib import Path
from typing import Annotated

import typer

from art_segplugin.cli import options

EXAMPLES = """
[bold]Examples[/]: art-segplugin replay exported/ | art-segplugin replay clip/repro.json --tolerance
1e-4 --device cuda | art-segplugin replay exported/ --model-a moved/best.safetensors
"""


def replay(
    path: Annotated[Path, typer.Argument(help="A repro.json, or the folder that holds it.")],
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda, ...; without it the recorded one.")
    ] = None,
    tolerance: Annotated[
        float, typer.Option(help="By how much shares and distances may differ.", min=0.0, max=1.0)
    ] = 0.0,
    model_a: Annotated[
        str | None, typer.Option(help="Where model A is now, if its file was moved.")
    ] = None,
    model_b: Annotated[str | None, typer.Option(help="Likewise model B.")] = None,
    run_code: Annotated[
        bool, typer.Option("--run-code", help="Run models of own code (file.py:function).")
    ] = False,
) -> None:
    """Attack an exported image or clip again and compare every score.

    Exits 0 if all are the same, else 1. Another machine, device or version of torch may round
    otherwise; that is what --tolerance is for.
    """
    from art_segplugin.cli.replaying import run

    given = None if device is None else options.device(device)
    if not run(path, given, tolerance, (model_a, model_b), run_code=run_code):
        raise typer.Exit(1)
