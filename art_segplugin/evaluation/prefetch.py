"""The next batch is read, or rendered, while the one before is attacked."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


class _End:
    """What follows the last item."""


def one_ahead(first: Item, others: Iterator[Item]) -> Iterator[Item]:
    """An item, then the others in their order, each of which is made while the one before is used.

    A thread makes one at a time and no more than one ahead. What goes wrong with an item is raised
    where it is asked for. Whoever stops early, also by Ctrl-C, waits for the item in the making.

    Args:
        first: what is there already.
        others: what is made in the thread, which nobody else may ask then.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="next batch") as pool:
        item: Item | _End = first
        while not isinstance(item, _End):
            following = pool.submit(next, others, _End())
            yield item
            item = following.result()
