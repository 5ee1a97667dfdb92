"""One way to meet a whole request."""

from collections.abc import Mapping
from dataclasses import dataclass

Key = tuple[tuple[tuple[str, str, int], ...], tuple[tuple[str, tuple[str, ...]], ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One way to meet a whole request."""

    allocations: Mapping[str, Mapping[str, int]]
    """Provider to class to units."""
    mappings: Mapping[str, tuple[str, ...]]
    """Suffix to the providers that serve it, sorted."""
    anchor: str
    """Root of the tree that it stands in; providers of other trees share with that one.
    Not part of what makes two candidates the same."""

    @property
    def key(self) -> Key:
        """What makes two candidates the same: allocations and mappings."""
        rows = (
            (uuid, name, amount)
            for uuid, resources in self.allocations.items()
            for name, amount in resources.items()
        )
        return tuple(sorted(rows)), tuple(sorted(self.mappings.items()))
