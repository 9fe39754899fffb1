"""Which files of the product a value passes on its way down."""

import itertools
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = (ROOT / "art_segplugin", ROOT / "gui/art_segplugin_gui")


def files_on_the_stack(skip=1):
    """Files from the outermost call to this one, without the innermost `skip` calls."""
    frame, found = sys._getframe(skip), []
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        found += [str(path.relative_to(one)) for one in PACKAGES if path.is_relative_to(one)]
        frame = frame.f_back
    return [name for name, _ in itertools.groupby(reversed(found))]


def noting(function, walks):
    """The function, which notes the way down to each of its calls."""

    def noted(*args, **kwargs):
        walks.append(files_on_the_stack())
        return function(*args, **kwargs)

    return noted
