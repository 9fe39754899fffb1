"""The exception and the warning meant to be read by people rather than by programmers."""


class InputError(ValueError):
    """Something the user gave cannot be used.

    The message is one sentence that names the value, what was expected and what to do; the command
    line prints it without a traceback and exits with status 2.
    """


class InputWarning(UserWarning):
    """Part of what the user gave is not used, or not as it is.

    Python shows each sentence once, for it does not name the file; the command line counts them.

    Args:
        message: What is not used, the same for all files.
        where: The file.
    """

    def __init__(self, message: str, where: object = "") -> None:
        super().__init__(message)
        self.where = str(where)
