"""Every call of the Placement API: one declarative table.

A route says from which microversion it exists, which rule lets a client call it, and in which
words it refuses what its use case refuses.

Source: Placement API reference; Placement 16.0.0 as it answers, probed.
"""

from dataclasses import dataclass, field

from wherry.api.placement import (
    allocations,
    candidates,
    inventories,
    names,
    providers,
    qualities,
    root,
    schemas,
)
from wherry.api.placement import says as words
from wherry.api.placement.calls import Handler
from wherry.api.placement.microversions import NEWEST, OLDEST, Microversion
from wherry.api.placement.policy import RESHAPE, USAGES
from wherry.api.placement.says import CONCURRENT, Say, Says
from wherry.api.placement.schemas import Versions
from wherry.app.placement import refusals as r


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One call.

    Attributes:
        rule: what a policy calls it; empty: nobody is asked who they are.
        missing: status before *since* and after *until*.
        body: schemas of the body of JSON that has to come; empty: none is taken.
        query: schemas of the query, where it is held against one.
        gives_json: whether the client has to accept JSON.
        says: in which words it refuses, where they differ from those for all routes.
    """

    method: str
    path: str
    handler: Handler
    rule: str
    since: Microversion = OLDEST
    until: Microversion = NEWEST
    missing: int = 404
    body: Versions = ()
    query: Versions = ()
    gives_json: bool = False
    says: Says = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """What it does, in a sentence."""
        return (self.handler.__doc__ or "").partition("\n")[0]


_ON_PROVIDER = "/resource_providers/{uuid}"


def _rule(noun: str, verb: str) -> str:
    return f"placement:{noun}:{verb}"


ROUTES: tuple[Route, ...] = (
    Route(method="GET", path="/", handler=root.get_versions, rule=""),
    Route(
        method="GET",
        path="/resource_providers",
        handler=providers.list_providers,
        rule=_rule("resource_providers", "list"),
        query=schemas.LIST_PROVIDERS,
        gives_json=True,
        says={
            r.NoSuchClass: Say(400, "Invalid resource class in resources parameter: {error}"),
            r.NoSuchTrait: Say(400, 'Invalid trait(s) in "required" parameter: {error}'),
        },
    ),
    Route(
        method="POST",
        path="/resource_providers",
        handler=providers.create_provider,
        rule=_rule("resource_providers", "create"),
        body=schemas.POST_PROVIDER,
    ),
    Route(
        method="GET",
        path=_ON_PROVIDER,
        handler=providers.get_provider,
        rule=_rule("resource_providers", "show"),
        gives_json=True,
    ),
    Route(
        method="DELETE",
        path=_ON_PROVIDER,
        handler=providers.delete_provider,
        rule=_rule("resource_providers", "delete"),
        says=words.NOT_DELETED,
    ),
    Route(
        method="PUT",
        path=_ON_PROVIDER,
        handler=providers.update_provider,
        rule=_rule("resource_providers", "update"),
        body=schemas.PUT_PROVIDER,
        says={r.BadTree: Say(400, "Unable to save resource provider {uuid}: {error}")},
    ),
    Route(
        method="GET",
        path=f"{_ON_PROVIDER}/inventories",
        handler=inventories.list_inventories,
        rule=_rule("resource_providers:inventories", "list"),
        gives_json=True,
        says=words.NO_INVENTORIES,
    ),
    Route(
        method="POST",
        path=f"{_ON_PROVIDER}/inventories",
        handler=inventories.create_inventory,
        rule=_rule("resource_providers:inventories", "create"),
        body=schemas.POST_INVENTORY,
        says={
            r.InventoryExists: Say(409, "Update conflict: {error}", CONCURRENT),
            r.BadCapacity: words.NOT_CREATED,
            r.NoSuchClass: words.NOT_CREATED,
        },
    ),
    Route(
        method="PUT",
        path=f"{_ON_PROVIDER}/inventories",
        handler=inventories.set_inventories,
        rule=_rule("resource_providers:inventories", "update"),
        body=schemas.PUT_INVENTORIES,
        says={
            r.NoSuchClass: Say(
                400,
                "Unknown resource class in inventory for resource provider {uuid}: {error}",
            ),
            r.BadCapacity: words.NOT_UPDATED,
        },
    ),
    Route(
        method="DELETE",
        path=f"{_ON_PROVIDER}/inventories",
        handler=inventories.delete_inventories,
        rule=_rule("resource_providers:inventories", "delete"),
        since=(1, 5),
        missing=405,
        says={r.InventoryHeld: Say(409, "{error}", r.InventoryHeld.code)},
    ),
    Route(
        method="GET",
        path=f"{_ON_PROVIDER}/inventories/{{resource_class}}",
        handler=inventories.get_inventory,
        rule=_rule("resource_providers:inventories", "show"),
        gives_json=True,
        says=words.NO_INVENTORIES,
    ),
    Route(
        method="PUT",
        path=f"{_ON_PROVIDER}/inventories/{{resource_class}}",
        handler=inventories.update_inventory,
        rule=_rule("resource_providers:inventories", "update"),
        body=schemas.PUT_INVENTORY,
        says={
            r.NoSuchInventory: Say(
                400,
                "No inventory record with resource class for resource provider {uuid}: {error}",
            ),
            r.BadCapacity: words.NOT_UPDATED,
        },
    ),
    Route(
        method="DELETE",
        path=f"{_ON_PROVIDER}/inventories/{{resource_class}}",
        handler=inventories.delete_inventory,
        rule=_rule("resource_providers:inventories", "delete"),
        says={
            r.InventoryHeld: Say(
                409, "Unable to delete inventory of class {resource_class}: {error}", CONCURRENT
            ),
            r.NoSuchInventory: Say(404, f"{words.NONE_TO_DELETE}: {words.NONE_TO_DELETE}"),
            r.NoSuchClass: Say(404, f"{words.NONE_TO_DELETE}: {{error}}"),
        },
    ),
    Route(
        method="GET",
        path=f"{_ON_PROVIDER}/usages",
        handler=inventories.list_usages,
        rule=_rule("resource_providers", "usages"),
        gives_json=True,
        says=words.NO_PROVIDER,
    ),
    Route(
        method="GET",
        path=f"{_ON_PROVIDER}/aggregates",
        handler=qualities.get_aggregates,
        rule=_rule("resource_providers:aggregates", "list"),
        since=(1, 1),
        gives_json=True,
    ),
    Route(
        method="PUT",
        path=f"{_ON_PROVIDER}/aggregates",
        handler=qualities.set_aggregates,
        rule=_rule("resource_providers:aggregates", "update"),
        since=(1, 1),
        body=schemas.PUT_AGGREGATES,
        says=words.CHANGED,
    ),
    Route(
        method="GET",
        path=f"{_ON_PROVIDER}/allocations",
        handler=allocations.list_held,
        rule=_rule("resource_providers:allocations", "list"),
        gives_json=True,
        says={r.NoSuchProvider: Say(404, "Resource provider '{uuid}' not found: {error}")},
    ),
    Route(
        method="GET",
        path=f"{_ON_PROVIDER}/traits",
        handler=qualities.get_traits,
        rule=_rule("resource_providers:traits", "list"),
        since=(1, 6),
        gives_json=True,
        says=words.NO_PROVIDER,
    ),
    Route(
        method="PUT",
        path=f"{_ON_PROVIDER}/traits",
        handler=qualities.set_traits,
        rule=_rule("resource_providers:traits", "update"),
        since=(1, 6),
        body=schemas.PUT_TRAITS,
        says={**words.CHANGED, r.NoSuchTrait: Say(400, "No such trait {name}")},
    ),
    Route(
        method="DELETE",
        path=f"{_ON_PROVIDER}/traits",
        handler=qualities.delete_traits,
        rule=_rule("resource_providers:traits", "delete"),
        since=(1, 6),
    ),
    Route(
        method="GET",
        path="/resource_classes",
        handler=names.list_classes,
        rule=_rule("resource_classes", "list"),
        since=(1, 2),
        gives_json=True,
    ),
    Route(
        method="POST",
        path="/resource_classes",
        handler=names.create_class,
        rule=_rule("resource_classes", "create"),
        since=(1, 2),
        body=schemas.CLASS,
    ),
    Route(
        method="GET",
        path="/resource_classes/{name}",
        handler=names.get_class,
        rule=_rule("resource_classes", "show"),
        since=(1, 2),
        gives_json=True,
    ),
    Route(
        method="PUT",
        path="/resource_classes/{name}",
        handler=names.ensure_class,
        rule=_rule("resource_classes", "update"),
        since=(1, 7),
    ),
    Route(
        method="PUT",
        path="/resource_classes/{name}",
        handler=names.rename_class,
        rule=_rule("resource_classes", "update"),
        since=(1, 2),
        until=(1, 6),
        body=schemas.CLASS,
        says={
            r.NameTaken: Say(409, "Resource class already exists: {error}"),
            r.StandardName: Say(400, "Cannot update standard resource class {name}"),
        },
    ),
    Route(
        method="DELETE",
        path="/resource_classes/{name}",
        handler=names.delete_class,
        rule=_rule("resource_classes", "delete"),
        since=(1, 2),
        says={
            r.StandardName: Say(400, "Error in delete resource class: {error}"),
            r.NameUsed: Say(409, "Error in delete resource class: {error}"),
        },
    ),
    Route(
        method="GET",
        path="/traits",
        handler=names.list_traits,
        rule=_rule("traits", "list"),
        since=(1, 6),
        query=schemas.LIST_TRAITS,
        gives_json=True,
    ),
    Route(
        method="GET",
        path="/traits/{name}",
        handler=names.get_trait,
        rule=_rule("traits", "show"),
        since=(1, 6),
    ),
    Route(
        method="PUT",
        path="/traits/{name}",
        handler=names.put_trait,
        rule=_rule("traits", "update"),
        since=(1, 6),
    ),
    Route(
        method="DELETE",
        path="/traits/{name}",
        handler=names.delete_trait,
        rule=_rule("traits", "delete"),
        since=(1, 6),
    ),
    Route(
        method="POST",
        path="/allocations",
        handler=allocations.post_allocations,
        rule=_rule("allocations", "manage"),
        since=(1, 13),
        body=schemas.POST_ALLOCATIONS,
        says={r.NoSuchClass: Say(400, "Unable to allocate inventory {error}")},
    ),
    Route(
        method="GET",
        path="/allocations/{consumer_uuid}",
        handler=allocations.get_allocations,
        rule=_rule("allocations", "list"),
        gives_json=True,
    ),
    Route(
        method="PUT",
        path="/allocations/{consumer_uuid}",
        handler=allocations.put_allocations,
        rule=_rule("allocations", "update"),
        body=schemas.PUT_ALLOCATIONS,
        says={r.NoSuchClass: Say(400, words.NOT_ALLOCATED)},
    ),
    Route(
        method="DELETE",
        path="/allocations/{consumer_uuid}",
        handler=allocations.delete_allocations,
        rule=_rule("allocations", "delete"),
    ),
    Route(
        method="GET",
        path="/allocation_candidates",
        handler=candidates.get_candidates,
        rule=_rule("allocation_candidates", "list"),
        since=(1, 10),
        gives_json=True,
    ),
    Route(
        method="GET",
        path="/usages",
        handler=allocations.get_usages,
        rule=USAGES,
        since=(1, 9),
        query=schemas.GET_USAGES,
        gives_json=True,
    ),
    Route(
        method="POST",
        path="/reshaper",
        handler=allocations.reshape,
        rule=RESHAPE,
        since=(1, 30),
        body=schemas.POST_RESHAPER,
        says={
            r.NoSuchProvider: Say(
                400,
                "Resource provider {provider} in inventories not found: {error}",
                "placement.resource_provider.not_found",
            ),
            r.GenerationConflict: Say(
                409,
                "resource provider generation conflict for provider {provider}: "
                "actual: {found}, given: {expected}",
                CONCURRENT,
            ),
            r.NoSuchClass: Say(400, "malformed reshaper data: {error}"),
        },
    ),
)
