"""Groups of guests that keep together or apart, and what that means for one of them.

The policies are those of Nova's server groups.

Source: design, sections 7 and 10; Nova, "Affinity" of its administrator's guide.
"""

from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta

from wherry.model.device import Name, require_unique
from wherry.model.facts import Uuid
from wherry.model.inventory import Value

GroupPolicy = Literal["affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity"]


class GroupRequest(Value, frozen=True, kw_only=True):
    """Body of ``PUT /wherry/groups/{group}``."""

    policy: GroupPolicy
    """Keep on one host, or on different ones; the soft ones are wishes, that ranks follow."""
    most: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    """Of ``anti-affinity`` alone: guests of the group that one host may have."""
    guests: Annotated[tuple[Uuid, ...], Meta(max_length=10_000)] = ()

    def __post_init__(self) -> None:
        """Hold the list to distinct guests, and the number to the policy that has one."""
        require_unique("guests", self.guests)
        if self.most != 1 and self.policy != "anti-affinity":
            raise ValueError("`most` goes with the policy anti-affinity")


class Group(GroupRequest, frozen=True, kw_only=True):
    """A group as stored."""

    id: Name


class GroupList(Value, frozen=True, kw_only=True, omit_defaults=False):
    """Groups, by id."""

    groups: tuple[Group, ...]


class Placed(NamedTuple):
    """A group of a guest, and where the others of it are."""

    group: Group
    hosts: Mapping[str, int]
    """Host to how many of the others are there; one that moves counts on both ends."""


Neighbours = tuple[Placed, ...]
"""All groups of one guest."""
