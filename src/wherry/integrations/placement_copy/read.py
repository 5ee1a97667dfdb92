"""Reads all that a Placement holds.

There is no call that lists consumers: they are found by what is held on each provider.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import msgspec

from wherry.integrations.placement_copy.client import PARALLEL, PlacementClient
from wherry.integrations.placement_copy.world import UNKNOWN_TYPE, Consumer, Provider, World
from wherry.model.errors import ServiceUnavailable
from wherry.model.inventory import Inventory

Watch = Callable[[int, str], AbstractContextManager[Callable[[], None]]]
"""Told of a longer piece of work, its pieces and its name; gives what is called once a piece."""

K = TypeVar("K")
V = TypeVar("V")


def read_world(client: PlacementClient, watch: Watch) -> World:
    """Read all that a Placement holds.

    Raises:
        NotAllowed: the token may not read it.
        ServiceUnavailable: it does not answer, or is written to meanwhile.
    """
    classes = _get(client, "/resource_classes")["resource_classes"]
    traits = _get(client, "/traits?name=startswith:CUSTOM_")["traits"]
    rows = {row["uuid"]: row for row in _get(client, "/resource_providers")["resource_providers"]}
    found = _each(
        rows.values(),
        lambda row: _read_provider(client, row),
        watch,
        f"reading providers of {client.what}",
    )
    providers = {row["uuid"]: provider for row, (provider, _) in found}
    consumers = _each(
        sorted({uuid for _, (_, holders) in found for uuid in holders}),
        lambda uuid: _read_consumer(client, uuid),
        watch,
        f"reading consumers of {client.what}",
    )
    return World(
        classes=frozenset(row["name"] for row in classes if row["name"].startswith("CUSTOM_")),
        traits=frozenset(traits),
        providers=providers,
        consumers=dict(consumers),
    )


def _get(client: PlacementClient, path: str) -> Any:
    body = client.get(path)
    if body is None:
        message = (
            f"{client.url}, {client.what}, is written to while it is read ({path} is gone):"
            " stop its clients, and run this again"
        )
        raise ServiceUnavailable(message)
    return body


def _each(keys: Iterable[K], read: Callable[[K], V], watch: Watch, what: str) -> list[tuple[K, V]]:
    """Read many things, some at once."""
    listed = list(keys)
    found = []
    with watch(len(listed), what) as advance:
        pool = ThreadPoolExecutor(PARALLEL)
        try:
            for key, value in zip(listed, pool.map(read, listed), strict=True):
                found.append((key, value))
                advance()
        finally:
            pool.shutdown(cancel_futures=True)
    return found


def _read_provider(client: PlacementClient, row: Any) -> tuple[Provider, frozenset[str]]:
    """Read a provider, and who holds something on it."""
    path = f"/resource_providers/{row['uuid']}"
    inventories = _get(client, f"{path}/inventories")["inventories"]
    provider = Provider(
        name=row["name"],
        parent=row["parent_provider_uuid"],
        generation=row["generation"],
        inventories={
            name: msgspec.convert(fields, Inventory) for name, fields in inventories.items()
        },
        traits=frozenset(_get(client, f"{path}/traits")["traits"]),
        aggregates=frozenset(_get(client, f"{path}/aggregates")["aggregates"]),
    )
    return provider, frozenset(_get(client, f"{path}/allocations")["allocations"])


def _read_consumer(client: PlacementClient, uuid: str) -> Consumer:
    path = f"/allocations/{uuid}"
    body = _get(client, path)
    if not body["allocations"]:
        message = (
            f"{client.url}, {client.what}, is written to while it is read (consumer {uuid} let"
            " go): stop its clients, and run this again"
        )
        raise ServiceUnavailable(message)
    return Consumer(
        project=body["project_id"],
        user=body["user_id"],
        type=body.get("consumer_type") or UNKNOWN_TYPE,
        generation=body["consumer_generation"],
        allocations={provider: held["resources"] for provider, held in body["allocations"].items()},
    )
