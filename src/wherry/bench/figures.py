"""What a measurement gives, as a line for people and as JSON for programs."""

import gc
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from msgspec import Struct

from wherry.model.errors import WherryError

SCHEMA = "wherry.bench/1"
MB = 1 << 20
WIDTH = 40


class WrongAnswer(WherryError):
    """What is to be timed does not give what it should: nothing is timed; please report."""

    code = "internal"


def require(truth: bool, said: str) -> None:
    """Stop where what is to be timed is not what it should be.

    Raises:
        WrongAnswer: with what was found instead.
    """
    if not truth:
        raise WrongAnswer(f"what is to be timed is wrong: {said}")


class Figure(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of figures; what was not measured is left out.

    Attributes:
        hosts: size of the fleet.
        median, least: of all rounds, in *unit*; wall clock.
        cpu_ms: CPU of one piece of work, the median.
        ratio: how many times less, or more, than what it stands beside; the note says which.
        memory_mb: resident memory of the process, or of what the figure is about.
        note: what the answer held.
    """

    what: str
    hosts: int
    unit: str
    median: float
    least: float | None = None
    cpu_ms: float | None = None
    ratio: float | None = None
    memory_mb: float | None = None
    note: str = ""


class Machine(Struct, frozen=True, kw_only=True):
    """Where figures come from."""

    wherry: str
    python: str
    numpy: str
    system: str
    processor: str
    processors: int
    """Those this process may use."""
    load: float
    """Load average of the last minute when the measurement began."""


class Measured(Struct, frozen=True, kw_only=True):
    """All figures of one run."""

    schema: str
    machine: Machine
    asked: Mapping[str, Any]
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Took:
    """Milliseconds of some rounds."""

    wall: Sequence[float]
    cpu: Sequence[float]

    def figure(self, what: str, hosts: int, **also: Any) -> Figure:
        """Sum the rounds up."""
        return Figure(
            what=what, hosts=hosts, unit="ms", median=statistics.median(self.wall),
            least=min(self.wall), cpu_ms=statistics.median(self.cpu), **also,
        )  # fmt: skip


def timed(rounds: int, step: Callable[[int], object], *, warm: int = 1) -> Took:
    """Time a step in this thread, the collector of garbage at rest.

    Args:
        step: is given the number of the round.
        warm: rounds before that do not count.
    """
    wall, cpu = [], []
    gc.collect()
    gc.disable()
    try:
        for number in range(rounds + warm):
            began, used = time.perf_counter(), time.thread_time()
            step(number)
            cpu.append((time.thread_time() - used) * 1e3)
            wall.append((time.perf_counter() - began) * 1e3)
    finally:
        gc.enable()
    return Took(wall[warm:], cpu[warm:])


def once(what: str, hosts: int, took: Took, **also: Any) -> Figure:
    """Give the figure of something that is done once and takes seconds."""
    [wall], [cpu] = took.wall, took.cpu
    return Figure(what=what, hosts=hosts, unit="s", median=wall / 1e3, cpu_ms=cpu, **also)


def resident_mb() -> float:
    """Resident memory of this process."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:  # no such file but on Linux; the greatest so far then
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return pages * os.sysconf("SC_PAGE_SIZE") / MB


def this_machine() -> Machine:
    """Say where we are."""
    return Machine(
        wherry=version("wherry"),
        python=platform.python_version(),
        numpy=version("numpy"),
        system=f"{platform.system()} {platform.release()}",
        processor=_processor(),
        processors=len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1,
        load=os.getloadavg()[0],
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


HEAD = (
    f"{'':{WIDTH}}  {'hosts':>9}  {'median':>10}  {'least':>10}  {'':7}  {'CPU ms':>10}"
    f"  {'MB':>8}  {'ratio':>8}"
)


def render(figure: Figure) -> str:
    """Write a figure as a line below `HEAD`."""
    return (
        f"{figure.what:{WIDTH}}  {figure.hosts:>9,}  {_number(figure.median)}"
        f"  {_number(figure.least)}  {figure.unit:7}  {_number(figure.cpu_ms)}"
        f"  {_number(figure.memory_mb, 8)}  {_number(figure.ratio, 8)}  {figure.note}"
    ).rstrip()


def _number(number: float | None, width: int = 10) -> str:
    if number is None:
        return " " * width
    digits = 0 if abs(number) >= 1000 else 1 if abs(number) >= 100 else 3  # noqa: PLR2004
    return f"{number:>{width},.{digits}f}"


def measured(asked: Mapping[str, Any], figures: Iterable[Figure], machine: Machine) -> Measured:
    """Put a run together."""
    return Measured(schema=SCHEMA, machine=machine, asked=asked, figures=tuple(figures))
