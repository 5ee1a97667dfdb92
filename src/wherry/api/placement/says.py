"""In which words the door refuses what use cases refuse, as clients of Placement know them.

Source: Placement 16.0.0 as it answers, probed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from wherry.api.placement.refused import UNDEFINED
from wherry.app.placement import refusals as r
from wherry.model.errors import ConsumerChanged, WherryError

CONCURRENT = "placement.concurrent_update"


@dataclass(frozen=True, slots=True)
class Say:
    """How a refusal of a use case stands in an answer.

    Attributes:
        text: with ``{error}`` for what the use case says, and in braces by name the parts of
            the path and the facts of the error.
    """

    status: int
    text: str
    code: str = UNDEFINED


Says = Mapping[type[WherryError], Say]


EVERYWHERE: Says = {
    r.NoSuchProvider: Say(404, "{error}"),
    r.NoSuchClass: Say(404, "{error}"),
    r.NoSuchTrait: Say(404, "{error}"),
    r.NoSuchInventory: Say(404, "{error}"),
    r.NothingHeld: Say(404, "{error}"),
    r.Managed: Say(409, "{error}", r.Managed.code),
    r.ComposedHolder: Say(409, "{error}", r.ComposedHolder.code),
    r.GenerationConflict: Say(409, "resource provider generation conflict", CONCURRENT),
    r.ConsumerConflict: Say(409, "{error}", CONCURRENT),
    ConsumerChanged: Say(409, "{error}", CONCURRENT),
    r.StandardName: Say(400, "{error}"),
    r.NameUsed: Say(409, "{error}"),
    r.UnknownProviderInAllocation: Say(400, "{error}"),
    r.AllocationRefused: Say(409, "Unable to allocate inventory: {error}"),
    r.InventoryHeld: Say(409, "update conflict: {error}", r.InventoryHeld.code),
    r.ProviderTaken: Say(
        409, "Conflicting resource provider {error} already exists.", r.ProviderTaken.code
    ),
}
"""In which words refusals stand where a route has none of its own."""

NO_PROVIDER: Says = {
    r.NoSuchProvider: Say(404, "No resource provider with uuid {uuid} found: {error}")
}
CHANGED: Says = {
    r.GenerationConflict: Say(
        409,
        "Resource provider's generation already changed. Please update the generation and "
        "try again.",
        CONCURRENT,
    )
}
NOT_CREATED = Say(400, "Unable to create inventory for resource provider {uuid}: {error}")
NOT_UPDATED = Say(400, "Unable to update inventory for resource provider {uuid}: {error}")
NONE_TO_DELETE = "No inventory of class {resource_class} found for delete"
NOT_ALLOCATED = "Unable to allocate inventory for consumer {consumer_uuid}: {error}"
NO_INVENTORIES: Says = {
    r.NoSuchProvider: Say(404, "No resource provider with uuid {uuid} found : {error}")
}
NOT_DELETED: Says = {
    r.NoSuchProvider: Say(404, "No resource provider with uuid {uuid} found for delete"),
    r.ProviderHeld: Say(
        409, "Unable to delete resource provider {uuid}: {error}", r.ProviderHeld.code
    ),
    r.ProviderHasChildren: Say(
        409,
        "Unable to delete parent resource provider {uuid}: {error}",
        r.ProviderHasChildren.code,
    ),
}
