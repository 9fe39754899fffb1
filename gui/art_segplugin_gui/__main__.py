"""`python -m art_segplugin_gui` is `art-segplugin gui`."""

import sys
from collections.abc import Sequence

from art_segplugin.errors import InputError
from art_segplugin_gui import arguments, guard

UNUSABLE = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Start the app and return its exit status: 2 if it cannot start, with the reason in a sentence.

    Args:
        argv: without the name of the program; None for those of the process.
    """
    given = sys.argv[1:] if argv is None else list(argv)
    try:
        arguments.parse(given)  # --help and mistakes need neither Qt nor torch
        guard.check()
        from art_segplugin_gui.app import main as start

        return start(given)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return UNUSABLE


if __name__ == "__main__":
    sys.exit(main())
