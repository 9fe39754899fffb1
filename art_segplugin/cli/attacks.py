"""`art-segplugin attacks`: what there is."""

from art_segplugin.cli.console import output


def attacks() -> None:
    """List the attacks, their papers and their parameters."""
    import inspect

    from rich.markup import escape
    from rich.table import Table

    from art_segplugin.attacks import RECIPES
    from art_segplugin.attacks.registry import PARTS, parameters

    shared = [p for p in parameters("pgd") if all(p in parameters(name) for name in RECIPES)]
    table = Table(
        title="Attacks",
        title_justify="left",
        show_lines=True,
        caption=f"All take {', '.join(shared)}.",
        caption_justify="left",
    )
    table.add_column("name", no_wrap=True)
    table.add_column("what it does, and its paper")
    table.add_column("further parameters", max_width=24)
    for name, recipe in RECIPES.items():
        module = inspect.getmodule(recipe)
        paper = (module.__doc__ or "").splitlines()[0] if module else ""
        what = (recipe.__doc__ or "").splitlines()[0]
        own = [p for p in parameters(name) if p not in (*shared, *PARTS)]
        table.add_row(name, f"{escape(what)}\n[dim]{escape(paper)}[/]", ", ".join(own))
    output().print(table)
