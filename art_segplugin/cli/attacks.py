"""`art-segplugin attacks`: what there is."""

from art_segplugin.cli.console import output


def attacks() -> None:
    """List the attacks, their papers and their parameters."""
    import inspect

    from rich.table import Table

    from art_segplugin.attacks import RECIPES
    from art_segplugin.attacks.registry import parameters

    table = Table(title="Attacks", title_justify="left", show_lines=True)
    for column in ("name", "paper", "parameters"):
        table.add_column(column)
    for name, recipe in RECIPES.items():
        module = inspect.getmodule(recipe)
        paper = (module.__doc__ or "").splitlines()[0] if module else ""
        table.add_row(name, paper, ", ".join(p for p in parameters(name) if p != "weighting"))
    output().print(table)
