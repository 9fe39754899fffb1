"""`art-segplugin models`: what is shipped and what can be loaded."""

from art_segplugin.cli.console import output


def models() -> None:
    """List the shipped checkpoints and how to name other models."""
    from art_segplugin.models import load_checkpoint, shipped
    from art_segplugin.report.tables import table

    rows = []
    for name, path in shipped().items():
        model = load_checkpoint(path)
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
    output().print(table("Shipped checkpoints", header, rows))
    output().print(
        "Others: a .safetensors checkpoint, torchvision:fcn_resnet50, hf:FOLDER_OR_HUB_NAME, "
        "smp:FOLDER, file.py:function (runs that code).",
        markup=False,
    )
