"""What keeps a guest off hosts by their names: its groups, tenants, and aggregates asked for.

Source: design, section 7 (filters); Placement API reference, `member_of`.
"""

from collections.abc import Mapping
from typing import Annotated, Final, NamedTuple

from msgspec import Meta

from wherry.model.groups import Neighbours
from wherry.model.tenancy import EVERYWHERE_OPEN, Closed

_UUID: Final = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"

MemberOf = Annotated[str, Meta(pattern=rf"^!?({_UUID}|in:{_UUID}(,{_UUID})*)\Z", max_length=4000)]
"""As Placement has it: ``A``, or ``in:A,B`` for one of several; with ``!`` before it, none."""
MembersOf = Annotated[tuple[MemberOf, ...], Meta(max_length=16)]
"""All of these hold."""


class Restriction(NamedTuple):
    """Aggregates of which a host must be in one, or in none."""

    text: str
    """As it was asked."""
    aggregates: frozenset[str]
    is_forbidden: bool

    def allows(self, aggregates: frozenset[str]) -> bool:
        """Whether a host in these aggregates will do."""
        return self.aggregates.isdisjoint(aggregates) == self.is_forbidden


class Membership(NamedTuple):
    """What is asked of the aggregates of hosts, and what they are in."""

    asked: tuple[Restriction, ...] = ()
    """All of these hold."""
    hosts: Mapping[str, frozenset[str]] = {}
    """Host to aggregates of its root provider: all that are asked about, at least; hosts in
    none are left out."""


class Bounds(NamedTuple):
    """What keeps one guest off hosts, or wishes it there."""

    neighbours: Neighbours = ()
    closed: Closed = EVERYWHERE_OPEN
    """Hosts whose aggregates are for other tenants."""
    members: Membership = Membership()


FREE: Final = Bounds()
"""A guest of no group that may go to any host."""


def parse_restriction(text: MemberOf) -> Restriction:
    """Read one ``member_of``."""
    listed = text.removeprefix("!").removeprefix("in:")
    return Restriction(text, frozenset(listed.split(",")), text.startswith("!"))
