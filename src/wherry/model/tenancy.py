"""Aggregates that are for some tenants alone, and what that means for one guest.

An aggregate is Placement's: a uuid that providers belong to.  The rule is that of Nova's
AggregateMultiTenancyIsolation: a host in such aggregates takes guests of their tenants only, of
several aggregates those of any.

Source: design, section 7; Nova, "AggregateMultiTenancyIsolation" of its administrator's guide.
"""

from collections.abc import Mapping
from typing import Annotated, Final, NamedTuple

from msgspec import Meta

from wherry.model.device import require_unique
from wherry.model.facts import Uuid
from wherry.model.guests import Tenant
from wherry.model.inventory import Value


class AggregateRequest(Value, frozen=True, kw_only=True):
    """Body of ``PUT /wherry/aggregates/{aggregate}``."""

    tenants: Annotated[tuple[Tenant, ...], Meta(min_length=1, max_length=10_000)]
    """Whose guests hosts in the aggregate take."""

    def __post_init__(self) -> None:
        """Hold the list to distinct names."""
        require_unique("tenants", self.tenants)
        if "" in self.tenants:
            raise ValueError("a tenant has a name")


class Aggregate(AggregateRequest, frozen=True, kw_only=True):
    """An aggregate as stored, with its hosts as of now."""

    uuid: Uuid
    hosts: tuple[str, ...] = ()
    """Those whose root provider belongs to it, by name."""


class AggregateList(Value, frozen=True, kw_only=True, omit_defaults=False):
    """Aggregates that are for some tenants alone, by uuid."""

    aggregates: tuple[Aggregate, ...]


class ClosedBy(NamedTuple):
    """What closes a host to a guest."""

    aggregates: tuple[str, ...]
    tenants: tuple[str, ...]
    """Whose guests it takes."""


Closed = Mapping[str, ClosedBy]
"""Host to what closes it; hosts that are open to the guest are left out."""

EVERYWHERE_OPEN: Final[Closed] = {}
