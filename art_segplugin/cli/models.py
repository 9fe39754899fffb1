"""`art-segplugin models`: what is shipped and what can be loaded."""

from art_segplugin.cli.console import output


def models() -> None:
    """List the shipped checkpoints and how to name other models."""
    from rich.table import Table

    from art_segplugin.models import load_checkpoint, shipped

    table = Table(title="Shipped checkpoints", title_justify="left")
    for column in ("name", "parameters", "validation mIoU", "under attack", "trained on"):
        table.add_column(column)
    for name, path in shipped().items():
        model = load_checkpoint(path)
        info = model.info
        if info is None:
            continue
        table.add_row(
            name,
            f"{sum(p.numel() for p in model.parameters()):,}",
            *(
                f"{100 * info.scores[score]:.1f} %" if score in info.scores else "-"
                for score in ("miou", "robust_miou")
            ),
            info.data,
        )
    output().print(table)
    output().print(
        "Others: a .safetensors checkpoint, torchvision:fcn_resnet50, hf:FOLDER_OR_HUB_NAME, "
        "smp:FOLDER, file.py:function (runs that code).",
        markup=False,
    )
