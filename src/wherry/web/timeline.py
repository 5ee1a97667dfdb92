"""The history of a migration as a line whose lengths are the times between its steps."""

from collections.abc import Sequence
from dataclasses import dataclass

FIRST, LAST = 2.0, 98.0
"""Where the line begins and ends, in hundredths of the width."""
APART = 2.2
"""Numbers nearer to each other than this are not written both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of the line: from one step to the next, in the state after the first."""

    x1: str
    x2: str
    state: str
    took: float
    """Seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A step on the line."""

    x: str
    label: str
    """Its number, or nothing where there is no room for it."""
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What is drawn."""

    stretches: tuple[Stretch, ...]
    dots: tuple[Dot, ...]


def draw(steps: Sequence[tuple[float, str]], until: float) -> Line:
    """Draw steps in the order of time.

    Args:
        steps: seconds since the epoch, and the state after it, of each; at least one.
        until: where the last state ends, seconds since the epoch: now, or the last step.
    """
    times = [at for at, _ in steps]
    ends = [*times[1:], max(until, times[-1])]
    whole = max(ends[-1] - times[0], 1e-9)
    places = [FIRST + (LAST - FIRST) * (at - times[0]) / whole for at in (*times, ends[-1])]
    stretches = tuple(
        Stretch(x1=_percent(here), x2=_percent(there), state=state, took=end - at)
        for (at, state), end, here, there in zip(steps, ends, places[:-1], places[1:], strict=True)
        if end > at
    )
    return Line(stretches=stretches, dots=tuple(_dots(steps, places)))


def _dots(steps: Sequence[tuple[float, str]], places: Sequence[float]) -> list[Dot]:
    dots: list[Dot] = []
    last = FIRST - APART
    for number, ((_, state), place) in enumerate(zip(steps, places, strict=False), 1):
        has_room = place - last >= APART
        last = place if has_room else last
        dots.append(Dot(x=_percent(place), label=str(number) if has_room else "", state=state))
    return dots


def _percent(place: float) -> str:
    return f"{place:.2f}%"
