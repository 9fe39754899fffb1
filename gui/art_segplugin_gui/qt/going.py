"""Going on and back through a source: one rule for keys and buttons."""

from dataclasses import replace

from art_segplugin_gui.session.state import Source


def gone(source: Source, by: int, count: int | None) -> Source:
    """The source so many pictures further on: within its range, and round it if it loops.

    Args:
        source: what is looked at.
        by: pictures to go on; below 0 to go back.
        count: how many pictures there are; None where nobody knows, as with a camera.
    """
    first, last = ends(source, count)
    if last is None:
        return replace(source, index=max(source.index + by, first))
    if not first <= source.index <= last:  # it was typed: the range begins at its near end
        beyond = source.index > last
        index = last if beyond and (by < 0 or not source.loop) else first
    elif source.loop:
        index = first + (source.index - first + by) % (last - first + 1)
    else:
        index = min(max(source.index + by, first), last)
    return replace(source, index=index)


def ends(source: Source, count: int | None) -> tuple[int, int | None]:
    """First and last picture of its range; None for no end."""
    top = None if count is None else max(count - 1, 0)
    last = top if source.last is None else source.last
    if top is not None and last is not None:
        last = min(last, top)
    first = source.first if last is None else min(source.first, last)
    return first, last
