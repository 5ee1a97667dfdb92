"""Small worlds of a Placement: drawn, written and read by plain requests, one by one.

It is the slow twin of the copy: it knows nothing of what the copy reads, plans or compares.
"""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from service import ask

RP = "/resource_providers"
UUIDS = tuple(f"{n:08x}-0000-4000-8000-000000000000" for n in range(1, 6))
CONSUMERS = tuple(f"c{n:07x}-0000-4000-8000-000000000000" for n in range(1, 5))
AGGREGATES = tuple(f"a{n:07x}-0000-4000-8000-000000000000" for n in range(1, 4))
CLASSES = ("VCPU", "DISK_GB", "CUSTOM_X")
TRAITS = ("HW_CPU_X86_VMX", "CUSTOM_A", "CUSTOM_B")
NAMES = ("one", "two", "three", "four", "five")
Say = Callable[..., tuple[int, Any]]
World = dict[str, Any]


def speak(url: str) -> Say:
    """Talk to the Placement at this address as an administrator."""

    def say(method: str, path: str, body: Any = None, mv: str = "1.39") -> tuple[int, Any]:
        headers = {"X-Auth-Token": "admin", "OpenStack-API-Version": f"placement {mv}"}
        told = ask(url, method, path, body, headers={**headers, "Accept": "application/json"})
        return told.status, json.loads(told.body) if told.body[:1] == b"{" else None

    return say


def must(say: Say, method: str, path: str, body: Any = None, mv: str = "1.39") -> Any:
    """Send one request that has to succeed; gives its JSON."""
    status, told = say(method, path, body, mv)
    assert status < 300, (method, path, body, status, told)
    return told


def a_provider(name: str = "one", parent: str | None = None, **has: Any) -> World:
    """A provider; keywords are ``inventories`` (numbers or records), ``traits``, ``aggregates``."""
    inventories = {
        name: each if isinstance(each, dict) else {"total": each}
        for name, each in has.get("inventories", {}).items()
    }
    empty: World = {"traits": [], "aggregates": []}
    return {**empty, **has, "name": name, "parent": parent, "inventories": inventories}


def a_consumer(held: Any, **has: Any) -> World:
    """A consumer; ``type`` None is what clients before 1.38 write."""
    return {"project": "p", "user": "u", "type": "INSTANCE", **has, "held": held}


def a_world(providers: Any = None, consumers: Any = None, names: Any = ()) -> World:
    return {"providers": providers or {}, "consumers": consumers or {}, "names": tuple(names)}


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Draw a world: trees, and allocations that need not fit what the inventories say today."""
    uuids = draw(st.lists(st.sampled_from(UUIDS), unique=True))
    names = draw(st.permutations(NAMES))
    providers: World = {}
    for uuid, name in zip(uuids, names, strict=False):
        parent = draw(st.sampled_from((None, *providers)))
        classes = draw(st.lists(st.sampled_from(CLASSES), unique=True))
        providers[uuid] = a_provider(
            name,
            parent,
            inventories={each: draw(inventories()) for each in classes},
            traits=draw(st.lists(st.sampled_from(TRAITS), unique=True)),
            aggregates=draw(st.lists(st.sampled_from(AGGREGATES), unique=True)),
        )
    rows = [(uuid, name) for uuid, each in providers.items() for name in each["inventories"]]
    consumers: World = {}
    for uuid in draw(st.lists(st.sampled_from(CONSUMERS), unique=True)) if rows else ():
        held: World = {}
        for provider, name in draw(st.lists(st.sampled_from(rows), min_size=1, unique=True)):
            held.setdefault(provider, {})[name] = draw(st.integers(1, 12))
        who = {"project": draw(st.sampled_from("pq")), "user": draw(st.sampled_from("uv"))}
        kind = draw(st.sampled_from(("INSTANCE", "INSTANCE", "MIGRATION", None)))
        consumers[uuid] = a_consumer(held, type=kind, **who)
    return a_world(providers, consumers, draw(st.sets(st.sampled_from(("CUSTOM_Q", "CUSTOM_R")))))


@st.composite
def pairs(draw: st.DrawFn) -> tuple[World, World]:
    """Draw two worlds: any, or the same providers by the same names in other places."""
    one = draw(worlds())
    if draw(st.booleans()):
        return one, draw(worlds())
    parents = draw(forests(tuple(one["providers"])))
    moved = {uuid: {**one["providers"][uuid], "parent": parent} for uuid, parent in parents.items()}
    return one, {**one, "providers": moved}


@st.composite
def forests(draw: st.DrawFn, uuids: tuple[str, ...]) -> dict[str, str | None]:
    """Draw where providers stand: uuid to that of the parent, parents first."""
    parents: dict[str, str | None] = {}
    for uuid in draw(st.permutations(uuids)):
        # Deep rather than wide, so that two forests often stand in each other's way.
        parents[uuid] = draw(st.sampled_from((None, *list(parents)[-2:], *list(parents)[-1:])))
    return parents


@st.composite
def inventories(draw: st.DrawFn) -> World:
    total = draw(st.integers(1, 20))
    return {
        "total": total,
        "reserved": draw(st.sampled_from((0, 0, 1, total))),
        "min_unit": draw(st.sampled_from((1, 1, 2))),
        "max_unit": draw(st.sampled_from((5, 2147483647))),
        "step_size": draw(st.sampled_from((1, 1, 3))),
        "allocation_ratio": draw(st.sampled_from((0.5, 1.0, 1.0, 16.0))),
    }


def load(say: Say, world: World) -> None:
    """Make a Placement hold a world and nothing else."""
    wipe(say)
    for path in names_of(world):
        must(say, "PUT", path)
    for uuid, each in world["providers"].items():
        body = {"uuid": uuid, "name": each["name"], "parent_provider_uuid": each["parent"]}
        must(say, "POST", RP, body)
        roomy = {name: {"total": 1000000} for name in each["inventories"]}
        replace(say, uuid, "inventories", roomy)
        replace(say, uuid, "traits", each["traits"])
        replace(say, uuid, "aggregates", each["aggregates"])
    for uuid, each in world["consumers"].items():
        allocate(say, uuid, each)
    for uuid, each in world["providers"].items():
        replace(say, uuid, "inventories", each["inventories"])


def names_of(world: World) -> list[str]:
    """Paths of the custom names that a world has."""
    classes, traits = set(world["names"]), set(world["names"])
    for each in world["providers"].values():
        classes |= set(each["inventories"])
        traits |= set(each["traits"])
    paths = [f"/resource_classes/{name}" for name in sorted(classes)]
    paths += [f"/traits/{name}" for name in sorted(traits)]
    return [path for path in paths if "/CUSTOM_" in path]


def replace(say: Say, uuid: str, what: str, value: Any) -> None:
    generation = must(say, "GET", f"{RP}/{uuid}")["generation"]
    body = {"resource_provider_generation": generation, what: value}
    must(say, "PUT", f"{RP}/{uuid}/{what}", body)


def allocate(say: Say, uuid: str, consumer: World) -> None:
    generation = must(say, "GET", f"/allocations/{uuid}").get("consumer_generation")
    body = {
        "allocations": {each: {"resources": held} for each, held in consumer["held"].items()},
        "project_id": consumer["project"],
        "user_id": consumer["user"],
        "consumer_generation": generation,
    }
    if consumer["type"] is None:
        must(say, "PUT", f"/allocations/{uuid}", body, "1.37")
    else:
        must(say, "PUT", f"/allocations/{uuid}", {**body, "consumer_type": consumer["type"]})


def wipe(say: Say) -> None:
    """Delete all that can be."""
    found = must(say, "GET", RP)["resource_providers"]
    parents = {each["uuid"]: each["parent_provider_uuid"] for each in found}
    for uuid in parents:
        for consumer in must(say, "GET", f"{RP}/{uuid}/allocations")["allocations"]:
            must(say, "DELETE", f"/allocations/{consumer}")
    while parents:
        for uuid in set(parents) - set(parents.values()):
            must(say, "DELETE", f"{RP}/{uuid}")
            del parents[uuid]
    for row in must(say, "GET", "/resource_classes")["resource_classes"]:
        if row["name"].startswith("CUSTOM_"):
            must(say, "DELETE", f"/resource_classes/{row['name']}")
    for name in must(say, "GET", "/traits?name=startswith:CUSTOM_")["traits"]:
        must(say, "DELETE", f"/traits/{name}")


def dump(say: Say) -> World:
    """All that a Placement answers about what it holds, generations left out."""
    found: World = {}
    consumers = set()
    for path in (RP, "/resource_classes", "/traits"):
        found[path] = plain(must(say, "GET", path))
    for row in must(say, "GET", RP)["resource_providers"]:
        for what in ("inventories", "usages", "traits", "aggregates", "allocations"):
            told = must(say, "GET", f"{RP}/{row['uuid']}/{what}")
            found[f"{row['uuid']} {what}"] = plain(told)
            consumers |= set(told["allocations"]) if what == "allocations" else set()
    for consumer in sorted(consumers):
        found[consumer] = plain(must(say, "GET", f"/allocations/{consumer}"))
    return found


def plain(body: Any) -> Any:
    """A body without generations and links, and its lists in order."""
    if isinstance(body, dict):
        kept = {name for name in body if "generation" not in name and name != "links"}
        return {name: plain(body[name]) for name in kept}
    if isinstance(body, list):
        return sorted(
            (plain(each) for each in body), key=lambda each: json.dumps(each, sort_keys=True)
        )
    return body
