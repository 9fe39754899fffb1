"""`art-segplugin models`: what is there and what can be loaded; `models get` fetches one."""

from pathlib import Path
from typing import Annotated

import typer

from art_segplugin.cli.console import errors, output

EXAMPLES = """
[bold]Examples[/]: art-segplugin models get selfie |
art-segplugin models get selfie-landscape --from selfie_segmentation-0.1.1675465747.tgz |
art-segplugin attack photo.jpg --model selfie
"""

BY_NAME = ("shipped", "fetched")
"""Kinds of models that are listed one by one."""

app = typer.Typer(invoke_without_command=True, epilog=EXAMPLES)


@app.callback()
def models(context: typer.Context) -> None:
    """List the models that are here and how to name others; `get` fetches a pretrained one."""
    if context.invoked_subcommand is not None:
        return
    from art_segplugin.errors import InputError
    from art_segplugin.models import load_checkpoint
    from art_segplugin.models.downloads import DOWNLOADS, installed
    from art_segplugin.models.zoo import MODELS
    from art_segplugin.report.tables import table

    there, rows = installed(), []
    for name, path in there.items():
        try:
            model = load_checkpoint(path)
        except InputError as error:  # the others are listed all the same
            rows.append([name, "-", "-", "-", str(error)])
            continue
        info = model.info
        if info is None:
            continue
        scores = (info.scores.get(score) for score in ("miou", "robust_miou"))
        rows.append(
            [
                name,
                f"{sum(p.numel() for p in model.parameters()):,}",
                *("-" if score is None else f"{100 * score:.1f} %" for score in scores),
                info.data,
            ]
        )
    header = ["name", "params", "validation mIoU", "under attack", "trained on"]
    output().print(table("Models on this machine", header, rows))
    for name, download in DOWNLOADS.items():
        if name not in there:
            output().print(f"art-segplugin models get {name}: {download.about}.", markup=False)
    others = [
        [kind.spec, f"{kind.holds}; needs {kind.needs}" if kind.needs else kind.holds]
        for name, kind in MODELS.items()
        if name not in BY_NAME
    ]
    output().print(table("Other models", ["--model", "what it is"], others))


@app.command(epilog=EXAMPLES)
def get(
    name: Annotated[
        str, typer.Argument(help="selfie (256 x 256) or selfie-landscape (144 x 256).")
    ],
    source: Annotated[
        Path | None,
        typer.Option(
            "--from", help="The downloaded npm archive (.tgz), or the .tflite file in it."
        ),
    ] = None,
) -> None:
    """Fetch a pretrained model and keep it in the cache folder, where --model NAME finds it.

    selfie and selfie-landscape segment persons (MediaPipe Selfie Segmentation, Apache-2.0, 0.4 MB).
    They are in an npm package of 4 MB, which is downloaded with npm, or given with --from.
    """
    from art_segplugin.models.downloads import PACKAGE, fetch

    said = f"Reading {source}" if source else f"Downloading {PACKAGE} with npm (4 MB)"
    with errors().status(f"{said}\u2026"):
        path, new = fetch(name, source)
    output().print(
        f"{'Written' if new else 'There already'}: {path}, licence beside it. "
        f"Use it with --model {name}.",
        markup=False,
        soft_wrap=True,
    )
