"""CPU time of processes, each with all its children, as Linux counts it."""

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(pids: tuple[int, ...]) -> float:
    """CPU time that processes have taken so far, each with all its children.

    The clock ticks a hundred times a second, so what takes less is seen only in sum.
    """
    return sum(_ticks(pid) for pid in _family(pids)) / TICKS


def _family(pids: tuple[int, ...]) -> set[int]:
    """Name processes and all that stand below them."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        fields = _stat(int(folder.name))
        if fields:
            parents[int(folder.name)] = int(fields[1])
    family = set(pids)
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return family


def _ticks(pid: int) -> int:
    """Ticks in user and kernel mode, of children that have ended too."""
    return sum(int(field) for field in _stat(pid)[11:15])


def _stat(pid: int) -> list[str]:
    """The fields of a process after its name; none if it has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return []
    return text.rpartition(")")[2].split()
