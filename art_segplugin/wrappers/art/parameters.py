"""ART's `set_params`, all or none: ART sets the values one by one and checks them last."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any


@contextmanager
def restored_on_error(thing: Any) -> Iterator[None]:
    """Within, an error gives an attack or estimator all its attributes back as they were.

    Args:
        thing: the object; its lists, which ART changes in place, are restored too.
    """
    before = {
        name: copy(value) if isinstance(value, list) else value
        for name, value in vars(thing).items()
    }
    try:
        yield
    except BaseException:
        vars(thing).clear()
        vars(thing).update(before)
        raise
