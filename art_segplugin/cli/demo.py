"""`art-segplugin demo`: the whole story on rendered scenes, without any file of one's own."""

from pathlib import Path
from typing import Annotated

import typer

from art_segplugin.cli import options

EXAMPLES = """
[bold]Examples[/]: art-segplugin demo | art-segplugin demo --count 24 --eps 4/255 --out my-demo
"""


def demo(
    out: options.Out = Path("demo-output"),
    count: Annotated[int, typer.Option(help="Number of scenes.", min=1)] = 12,
    eps: options.Eps = None,
    seed: options.Seed = 0,
    device: options.Device = "auto",
) -> None:
    """Attack the shipped model on rendered scenes that it was never trained on."""
    from art_segplugin.attacks import named
    from art_segplugin.cli.console import output
    from art_segplugin.cli.evaluation import run
    from art_segplugin.data.datasets import open_dataset
    from art_segplugin.models import load_model

    values = options.threat_model("inf", eps, None)
    report = run(
        load_model("small-scenes").to(options.device(device)),
        "small-scenes",
        open_dataset("scenes", "test", count=count),
        f"{count} rendered test scenes, 480 x 360",
        [named(name, **values) for name in ("fgsm", "segfgsm", "pgd-20", "segpgd-20")],
        out,
        seeds=[seed],
        batch_size=4,
        pictures=4,
        resume=False,
        overwrite=True,
    )
    worst = min(report.results[1:], key=lambda result: result.mean_iou)
    output().print(
        f"{worst.attack} takes the model from {100 * report.clean.mean_iou:.1f} to "
        f"{100 * worst.mean_iou:.1f} % mIoU. Open {out / 'report.html'}.",
        markup=False,
    )
