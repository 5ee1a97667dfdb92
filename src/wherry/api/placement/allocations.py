"""``/allocations``, ``/resource_providers/{uuid}/allocations``, ``/usages``, ``/reshaper``."""

import uuid as uuids
from collections.abc import Mapping
from typing import Any

from msgspec import UNSET

from wherry.api.placement.calls import Answer, Ask
from wherry.api.placement.inventories import parse_inventories
from wherry.api.placement.microversions import NOBODY
from wherry.api.placement.refused import Refused
from wherry.app.placement import allocations as app
from wherry.app.placement.allocations import Asked
from wherry.app.placement.reshaping import reshape as reshape_providers
from wherry.schedule.candidates.names import is_uuid
from wherry.store.placement_allocations import Held


def get_allocations(ask: Ask) -> Answer:
    """Show what a consumer holds.

    A guest that was recorded without a user has the one that Placement gives to consumers of
    whom nobody said: an empty one could not be sent back.
    """
    held = app.find_allocations(ask.engine, ask.path["consumer_uuid"])
    if held is None:
        return Answer(body={"allocations": {}}, modified=ask.now())
    allocations = {
        uuid: {"resources": resources, "generation": held.generations[uuid]}
        for uuid, resources in held.allocations.items()
    }
    return Answer(
        body={
            "allocations": allocations,
            "project_id": held.project or NOBODY,
            "user_id": held.user or NOBODY,
            "consumer_generation": held.generation,
            "consumer_type": held.type,
        },
        what="allocations",
        modified=_changed(ask, held),
    )


def list_held(ask: Ask) -> Answer:
    """Show what is held on a provider."""
    found = app.find_held_on(ask.engine, ask.path["uuid"])
    allocations = {
        consumer: {
            "resources": held.allocations[found.provider.uuid],
            "consumer_generation": held.generation,
        }
        for consumer, held in found.holders.items()
    }
    times = [_changed(ask, held) for held in found.holders.values()]
    return Answer(
        body={
            "allocations": allocations,
            "resource_provider_generation": found.provider.generation,
        },
        what="held",
        modified=max(times, default=ask.now()),
    )


def put_allocations(ask: Ask) -> Answer:
    """Replace what one consumer holds."""
    consumer = ask.path["consumer_uuid"]
    if not is_uuid(consumer):
        raise Refused(400, f"Malformed consumer_uuid: {consumer}")
    body = ask.lifted("allocations", ask.body())
    app.set_allocations(ask.engine, [parse_asked(str(uuids.UUID(consumer)), body)])
    return Answer(status=204)


def post_allocations(ask: Ask) -> Answer:
    """Replace what several consumers hold, all or nothing."""
    body = ask.body()
    app.set_allocations(ask.engine, [parse_asked(*item) for item in body.items()])
    return Answer(status=204)


def delete_allocations(ask: Ask) -> Answer:
    """Let go of all that a consumer holds."""
    app.delete_allocations(ask.engine, ask.path["consumer_uuid"])
    return Answer(status=204)


def reshape(ask: Ask) -> Answer:
    """Move inventories and what is held of them together."""
    body = ask.body()
    inventories = {
        uuid: (each["resource_provider_generation"], parse_inventories(each["inventories"]))
        for uuid, each in body["inventories"].items()
    }
    asked = [parse_asked(*item) for item in body["allocations"].items()]
    reshape_providers(ask.engine, inventories, asked)
    return Answer(status=204)


def get_usages(ask: Ask) -> Answer:
    """Sum up what a project holds."""
    query = ask.checked_query()
    kind = query.get("consumer_type")
    found = app.find_usages(
        ask.engine,
        project=query["project_id"],
        user=query.get("user_id"),
        type_=None if kind == "all" else kind,
    )
    usages: dict[str, dict[str, int]] = {}
    for one in found:
        shown = usages.setdefault("all" if kind == "all" else one.type, {"consumer_count": 0})
        shown["consumer_count"] += one.consumers
        for name, used in one.used.items():
            shown[name] = shown.get(name, 0) + used
    return Answer(body={"usages": usages}, what="usages", modified=ask.now())


def parse_asked(consumer: str, body: Mapping[str, Any]) -> Asked:
    """Read what one consumer shall hold."""
    return Asked(
        consumer=consumer,
        project=body["project_id"],
        user=body["user_id"],
        type=body.get("consumer_type"),
        expected=body.get("consumer_generation", UNSET),
        allocations={uuid: each["resources"] for uuid, each in body["allocations"].items()},
    )


def _changed(ask: Ask, held: Held) -> float:
    return ask.now() if held.changed_at is None else held.changed_at
