"""A table for a terminal of any width: no name is cut, and a wide table turns or continues below."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions
from rich.table import Table
from rich.text import Text

HEADER_LINES = 3
CELL_LINES = 4
"""Over how many lines a heading and a sentence in a cell may go before the column counts as too narrow."""
SENTENCE = 24
"""Characters from which a cell is a sentence, which may go over several lines."""
_FRAME = 3
"""What each column takes besides its text: two spaces and a line."""


@dataclass(frozen=True)
class FittedTable:
    """A table that arranges itself when it is printed, by the width there is.

    As it is where that is wide enough; else with rows and columns exchanged; else in parts one below
    the other, each with the first column again. Texts are broken at spaces only.

    Attributes:
        title: What it shows.
        header: Heads of the columns; what stands in parentheses goes on a line of its own.
        rows: Cells; the first of each row names it.
        note: What its reader has to know.
        total: The last row sums up the others, and a line sets it apart.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    total: bool = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Table]:
        """Give rich the parts to print."""
        columns = list(zip(self.header, *self.rows, strict=True))
        total = self.total
        parts = _parts(console, columns, options.max_width)
        if len(parts) > 1:
            turned = [tuple(self.header), *(tuple(row) for row in self.rows)]
            turned_parts = _parts(console, turned, options.max_width)
            if len(turned_parts) < len(parts):
                columns, parts, total = turned, turned_parts, False
        for part in parts:
            yield self._part(
                [(columns[index], width) for index, width in part],
                self.title if part is parts[0] else "",
                self.note if part is parts[-1] else "",
                total,
            )

    def _part(
        self, columns: list[tuple[tuple[str, ...], int]], title: str, note: str, total: bool
    ) -> Table:
        written = Table(title=Text(title) if title else None, caption=Text(note) if note else None)
        for (head, *cells), width in columns:
            first = not written.columns
            words = any(len(cell) >= SENTENCE for cell in cells)
            written.add_column(
                _label(head),
                justify="left" if first or words else "right",
                overflow="fold",
                width=width,
            )
        for row in zip(*(cells[1:] for cells, _ in columns), strict=True):
            written.add_row(_label(row[0]), *map(Text, row[1:]))
        if total and len(written.rows) > 1:
            written.rows[-2].end_section = True
        return written


def _parts(
    console: Console, columns: Sequence[Sequence[str]], width: int
) -> list[list[tuple[int, int]]]:
    """The columns of each part with their widths; the first column is in each of them."""
    least = [_least(console, column) for column in columns]
    full = [max(_lines_width(_label(cell)) for cell in column) for column in columns]
    least[0] = min(full[0], max(width - _FRAME - 1, 1))
    if len(columns) > 1 and _total([least[0], max(least[1:])]) > width:
        # Not even two columns fit: what is too long is folded, and nothing is left out.
        room = max(width - _total([0, 0]), 2)
        least[0] = min(least[0], max(room - max(least[1:]), room // 2))
        least[1:] = [min(one, room - least[0]) for one in least[1:]]
    groups: list[list[int]] = [[0]]
    for index in range(1, len(columns)):
        if len(groups[-1]) > 1 and _total([least[i] for i in (*groups[-1], index)]) > width:
            groups.append([0])
        groups[-1].append(index)
    parts = []
    for group in groups:
        widths = {index: least[index] for index in group}
        spare = width - _total(list(widths.values()))
        for index in sorted(group, key=lambda index: least[index] - full[index]):  # neediest first
            more = max(min(spare, full[index] - least[index]), 0)
            spare -= more
            widths[index] += more
        parts.append(list(widths.items()))
    return parts


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _FRAME * len(widths) + 1


def _least(console: Console, column: Sequence[str]) -> int:
    """The smallest width at which the head and the cells of a column are easy to read."""
    head, *cells = column
    widths = [_narrow(console, _label(head), HEADER_LINES)]
    for cell in cells:
        text = Text(cell)
        lines = CELL_LINES if len(cell) >= SENTENCE else 1
        widths.append(_narrow(console, text, lines))
    return max(widths)


def _narrow(console: Console, text: Text, lines: int) -> int:
    """The smallest width at which a text goes over at most so many lines, no word broken."""
    words = [Text(word).cell_len for word in text.plain.split()]
    full = _lines_width(text)
    for width in range(max(words, default=0), full):
        if len(text.wrap(console, width)) <= max(lines, text.plain.count("\n") + 1):
            return width
    return full


def _lines_width(text: Text) -> int:
    return max(line.cell_len for line in text.split(allow_blank=True)) if text else 0


def _label(name: str) -> Text:
    """A name with the options that follow it on a line of their own: terminals are narrow."""
    return Text(name.replace(" (", "\n("))
