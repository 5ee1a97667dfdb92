"""What a client asks of allocation candidates, parsed: plain frozen values.

Behaviour that depends on the microversion is written out as values here, so nobody behind
the door compares version numbers.

Source: Placement API reference, "List allocation candidates"; microversions 1.10 to 1.39.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Microversion = tuple[int, int]
GroupPolicy = Literal["none", "isolate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One request group: what is asked under one suffix.

    The group without a suffix may be spread over several providers, one class on one
    provider; every other group is served by one provider alone.
    """

    suffix: str = ""
    resources: Mapping[str, int] = field(default_factory=dict)
    """Class to units; empty for a group that only names a provider (from 1.36)."""
    required: tuple[frozenset[str], ...] = ()
    """Traits: of each set at least one."""
    forbidden: frozenset[str] = frozenset()
    member_of: tuple[frozenset[str], ...] = ()
    """Aggregates: of each set at least one."""
    not_member_of: frozenset[str] = frozenset()
    in_tree: str | None = None
    """A provider in whose tree the group is to be served; None: in any."""

    @property
    def is_spread(self) -> bool:
        """Whether several providers may serve the group together."""
        return not self.suffix


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerForm:
    """How an answer looks at the microversion of the request."""

    keyed_allocations: bool = True
    """Allocations keyed by provider; before 1.12 a list."""
    mappings: bool = True
    """Which providers serve which group (1.34)."""
    all_classes: bool = True
    """Summaries show all classes of a provider, not only those asked for (1.27)."""
    traits: bool = True
    """Summaries show traits (1.17)."""
    trees: bool = True
    """Summaries show parent and root, and all providers of the trees used (1.29)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidatesRequest:
    """A whole request for allocation candidates."""

    groups: tuple[Group, ...]
    group_policy: GroupPolicy | None = None
    """``isolate``: no two groups with a suffix on one provider.  None was possible only with
    fewer than two of them, and is like ``none``."""
    same_subtree: tuple[frozenset[str], ...] = ()
    """Suffixes whose providers must all stand below (or be) one of them."""
    root_required: frozenset[str] = frozenset()
    root_forbidden: frozenset[str] = frozenset()
    limit: int | None = None
    """Most candidates to find; None: all."""
    nested: bool = True
    """Whether one candidate may use several providers of a tree (1.29)."""
    form: AnswerForm = AnswerForm()

    @property
    def classes(self) -> frozenset[str]:
        """Resource classes that any group asks for."""
        return frozenset(name for group in self.groups for name in group.resources)
