"""How the providers of a tree stand to one another, once for all trees that are alike."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """The form of a tree; providers by their place in it, a parent before its children."""

    parents: tuple[int, ...]
    """Place of each one's parent; -1 for the root, which comes first."""
    below: tuple[int, ...]
    """Bit mask of each provider and all below it: bit n stands for place n."""


def make_shape(parents: tuple[int, ...]) -> Shape:
    """Derive who is below whom."""
    below = [1 << place for place in range(len(parents))]
    for place in range(len(parents) - 1, 0, -1):
        below[parents[place]] |= below[place]
    return Shape(parents, tuple(below))
