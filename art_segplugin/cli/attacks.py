"""`art-segplugin attacks`: what there is."""

from art_segplugin.cli.console import output


def attacks() -> None:
    """List the attacks, their papers and their parameters."""
    from rich.markup import escape
    from rich.table import Table

    from art_segplugin.attacks import ATTACKS
    from art_segplugin.attacks.registry import PARTS

    known = [set(spec.parameters) for spec in ATTACKS.values() if "eps" in spec.parameters]
    shared = [name for name in ATTACKS["pgd"].parameters if all(name in one for one in known)]
    free = [spec.name for spec in ATTACKS.values() if "eps" not in spec.parameters]
    without = [name for name in shared if all(name in ATTACKS[one].parameters for one in free)]
    table = Table(
        title="Attacks",
        title_justify="left",
        show_lines=True,
        caption=f"All take {', '.join(shared)}; those without a radius ({', '.join(free)}) take "
        f"{', '.join(without)}.",
        caption_justify="left",
    )
    table.add_column("name", no_wrap=True)
    table.add_column("what it does, and its paper", overflow="fold", min_width=18)
    table.add_column("further parameters", overflow="fold", max_width=24)
    for spec in ATTACKS.values():
        own = [p for p in spec.parameters if p not in (*shared, *PARTS)]
        what = f"{escape(spec.summary)}\n[dim]{escape(spec.paper)}[/]"
        table.add_row(spec.name, what, ", ".join(own))
    output().print(table)
