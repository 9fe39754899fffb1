"""The one exception meant to be read by people rather than by programmers."""


class InputError(ValueError):
    """Something the user gave cannot be used.

    The message is one sentence that names the value, what was expected and what to do; the command
    line prints it without a traceback and exits with status 2.
    """
