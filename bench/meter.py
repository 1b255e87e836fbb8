"""CPU, wall time and memory of process trees, read from /proc (Linux)."""

import os
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Spent:
    """What `items` of work cost: CPU seconds over all processes metered, and seconds on the wall."""

    items: int
    cpu_s: float
    wall_s: float

    @property
    def cpu_us(self) -> float:
        """Microseconds of CPU an item."""
        return self.cpu_s / self.items * 1e6

    @property
    def rate(self) -> float:
        """Items a second."""
        return self.items / self.wall_s


class Meter:
    """Counts from its making on: the trees under `roots`, and with `own` this process without its children."""

    def __init__(self, roots: Iterable[int], *, own: bool = False) -> None:
        self._roots = tuple(roots)
        self._own = own
        self._cpu = self._read()
        self._wall = time.perf_counter()

    def spent(self, items: int = 1) -> Spent:
        """The cost since the meter was made, as that of `items`."""
        wall = time.perf_counter() - self._wall
        return Spent(items, self._read() - self._cpu, wall)

    def _read(self) -> float:
        own = time.process_time() if self._own else 0.0
        return own + tree_cpu_s(self._roots)


def tree_cpu_s(roots: Iterable[int]) -> float:
    """CPU seconds of the trees under `roots`, those of children that ended and were waited for included."""
    children: dict[int, list[int]] = defaultdict(list)
    ticks: dict[int, int] = {}
    for folder in _PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = _stat(int(folder.name))
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended meanwhile; its parent has its time
        pid = int(folder.name)
        children[int(fields[1])].append(pid)
        ticks[pid] = sum(map(int, fields[11:15]))  # utime, stime, cutime, cstime
    total, todo = 0, list(roots)
    while todo:
        pid = todo.pop()
        total += ticks.get(pid, 0)
        todo += children[pid]
    return total / _TICKS


def descendants(root: int) -> list[int]:
    """The processes under `root`, without itself."""
    found: list[int] = []
    for task in (_PROC / str(root) / "task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            found += [child, *descendants(child)]
    return found


def command_line(pid: int) -> str:
    """The command line of a process."""
    return (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()


def memory_kib(pid: int, field: str = "VmRSS") -> int:
    """Resident memory of one process in KiB; `VmHWM` is the most it ever was since `reset_peak`."""
    for line in (_PROC / str(pid) / "status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1])
    message = f"process {pid} has no {field}"
    raise LookupError(message)


def reset_peak(pid: int) -> None:
    """Let the peak of a process's memory count afresh."""
    (_PROC / str(pid) / "clear_refs").write_text("5")


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third (state) on; the second may hold blanks."""
    return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
