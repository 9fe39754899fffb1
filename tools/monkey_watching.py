"""What the monkey watches: pauses of the event loop, memory, threads and open files."""

import ctypes
import os
import time
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Gaps:
    """How long the event loop was not heard of, as a histogram of milliseconds."""

    counts: dict[int, int] = field(default_factory=dict)
    last: float = 0.0

    def tick(self) -> None:
        """Note the time since the last tick."""
        now = time.perf_counter()
        if self.last:
            gap = int(1000 * (now - self.last))
            self.counts[gap] = self.counts.get(gap, 0) + 1
        self.last = now

    def words(self) -> str:
        """Its 99th percentile and its maximum."""
        if not self.counts:
            return "gap -"
        left = sum(self.counts.values()) // 100
        place = 0
        for place in sorted(self.counts, reverse=True):
            left -= self.counts[place]
            if left < 0:
                break
        return f"gap p99 {place} ms, max {max(self.counts)} ms"


def memory() -> float:
    """Resident memory of this process in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def tasks() -> int:
    """Threads of this process, with those of C++."""
    return len(os.listdir("/proc/self/task"))


def files_open() -> int:
    """Open file descriptors."""
    return len(os.listdir("/proc/self/fd"))


def trim() -> None:
    """Give free memory back, so that what is left is what is used."""
    ctypes.CDLL("libc.so.6").malloc_trim(0)
