"""Lets the window and the attack go before the drawing where there are more threads than cores."""

import contextlib
import os
import sys
import threading

NICENESS = 5


def give_way() -> None:
    """Give the calling thread a lower priority, where the system has one for each thread (Linux)."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
