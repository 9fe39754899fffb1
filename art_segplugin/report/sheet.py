"""A table of text, for the terminal and the page alike."""

from dataclasses import dataclass

from rich.table import Table

from art_segplugin.report.tables import Rows, table


@dataclass(frozen=True)
class Sheet:
    """A table: what it shows, its columns, its rows, and what its reader has to know."""

    title: str
    header: list[str]
    rows: Rows
    note: str = ""

    def for_terminal(self) -> Table:
        """The same for rich to print."""
        return table(self.title, self.header, self.rows, self.note)
