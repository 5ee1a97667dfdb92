"""Reads all that a Placement holds.

There is no call that lists consumers: they are found by what is held on each provider.  What goes
away while it is read is gone, and left out: a first copy is made while clients still work.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import msgspec

from wherry.integrations.placement_copy.client import PARALLEL, PlacementClient
from wherry.integrations.placement_copy.world import UNKNOWN_TYPE, Consumer, Provider, World
from wherry.model.inventory import Inventory

Watch = Callable[[int, str], AbstractContextManager[Callable[[], None]]]
"""Told of a longer piece of work, its pieces and its name; gives what is called once a piece."""

K = TypeVar("K")
V = TypeVar("V")


def read_world(client: PlacementClient, watch: Watch) -> World:
    """Read all that a Placement holds.

    Raises:
        NotAllowed: the token may not read it.
        ServiceUnavailable: it does not answer.
    """
    classes = client.get("/resource_classes")["resource_classes"]
    traits = client.get("/traits?name=startswith:CUSTOM_")["traits"]
    found = _each(
        client.get("/resource_providers")["resource_providers"],
        lambda row: _read_provider(client, row),
        watch,
        f"reading providers of {client.what}",
    )
    consumers = _each(
        sorted({uuid for _, (_, holders) in found for uuid in holders}),
        lambda uuid: _read_consumer(client, uuid),
        watch,
        f"reading consumers of {client.what}",
    )
    return World(
        classes=frozenset(row["name"] for row in classes if row["name"].startswith("CUSTOM_")),
        traits=frozenset(traits),
        providers={row["uuid"]: provider for row, (provider, _) in found},
        consumers=dict(consumers),
    )


def _each(
    keys: Iterable[K], read: Callable[[K], V | None], watch: Watch, what: str
) -> list[tuple[K, V]]:
    """Read many things, some at once; those that are gone are left out."""
    listed = list(keys)
    found = []
    with watch(len(listed), what) as advance:
        pool = ThreadPoolExecutor(PARALLEL)
        try:
            for key, value in zip(listed, pool.map(read, listed), strict=True):
                if value is not None:
                    found.append((key, value))
                advance()
        finally:
            pool.shutdown(cancel_futures=True)
    return found


def _read_provider(client: PlacementClient, row: Any) -> tuple[Provider, frozenset[str]] | None:
    """Read a provider, and who holds something on it."""
    told = {}
    for what in ("inventories", "traits", "aggregates", "allocations"):
        body = client.find(f"/resource_providers/{row['uuid']}/{what}")
        if body is None:
            return None
        told[what] = body[what]
    provider = Provider(
        name=row["name"],
        parent=row["parent_provider_uuid"],
        generation=row["generation"],
        inventories={
            name: msgspec.convert(fields, Inventory) for name, fields in told["inventories"].items()
        },
        traits=frozenset(told["traits"]),
        aggregates=frozenset(told["aggregates"]),
    )
    return provider, frozenset(told["allocations"])


def _read_consumer(client: PlacementClient, uuid: str) -> Consumer | None:
    body = client.get(f"/allocations/{uuid}")
    if not body["allocations"]:
        return None
    return Consumer(
        project=body["project_id"],
        user=body["user_id"],
        type=body.get("consumer_type") or UNKNOWN_TYPE,
        generation=body["consumer_generation"],
        allocations={provider: held["resources"] for provider, held in body["allocations"].items()},
    )
