"""Microversions: which one a request asks for, and what they differ in.

Handlers know the newest form alone.  A request of an older microversion is lifted to it, an
answer to one is brought down, step by step by the tables here.

Source: Placement API reference, "REST API Version History"; API-SIG guideline "Microversion
Specification".
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wherry.api.placement.refused import Refused

Microversion = tuple[int, int]
OLDEST: Microversion = (1, 0)
NEWEST: Microversion = (1, 39)
HEADER = "openstack-api-version"

CACHE_HEADERS: Microversion = (1, 15)
ERROR_CODES: Microversion = (1, 23)
RESERVE_ALL: Microversion = (1, 26)
CONSUMER_GENERATIONS: Microversion = (1, 28)
MOVE_PROVIDERS: Microversion = (1, 37)

NOBODY = "00000000-0000-0000-0000-000000000000"
"""Project and user of consumers whose client knew of neither."""


def parse_microversion(header: str | None) -> Microversion:
    """Read the header; without one for Placement the oldest is asked for.

    Raises:
        Refused: it cannot be read (400), or there is no such microversion (406).
    """
    text = _asked(header or "")
    if text is None:
        return OLDEST
    if text == "latest":
        return NEWEST
    try:
        major, minor = (int(part) for part in text.split("."))
    except ValueError as error:
        message = f"Invalid microversion: invalid version string: {text}; {error}"
        raise Refused(400, message) from None
    if not (OLDEST <= (major, minor) <= NEWEST):
        message = f"Invalid microversion: Unacceptable version header: {text}"
        bounds = {"max_version": spell(NEWEST), "min_version": spell(OLDEST)}
        raise Refused(406, message, facts=bounds)
    return major, minor


def _asked(header: str) -> str | None:
    """The last version that the header names for this service."""
    for part in reversed(header.split(",")):
        service, _, version = part.strip().partition(" ")
        if service.lower() == "placement" and version.strip():
            return version.strip()
    return None


def spell(microversion: Microversion) -> str:
    """Write a microversion as on the wire."""
    return "{}.{}".format(*microversion)


Step = tuple[Microversion, Callable[[Any], Any]]


def lift(what: str, body: Any, asked: Microversion) -> Any:
    """Bring the body of a request to the newest form."""
    for since, step in REQUESTS[what]:
        if asked < since:
            body = step(body)
    return body


def bring_down(what: str, body: Any, asked: Microversion) -> Any:
    """Bring the body of an answer to the form of the microversion asked for."""
    for since, step in ANSWERS.get(what, ()):
        if asked < since:
            body = step(body)
    return body


def _without(*names: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def step(body: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in body.items() if name not in names}

    return step


def _without_link(rel: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def step(body: dict[str, Any]) -> dict[str, Any]:
        return body | {"links": [link for link in body["links"] if link["rel"] != rel]}

    return step


def _each(key: str, steps: Sequence[Step]) -> tuple[Step, ...]:
    """The same steps for each element of a list below a key."""

    def for_all(step: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda body: body | {key: [step(element) for element in body[key]]}

    return tuple((since, for_all(step)) for since, step in steps)


def _each_value(key: str, steps: Sequence[Step]) -> tuple[Step, ...]:
    """The same steps for each value of a mapping below a key."""

    def for_all(step: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda body: body | {key: {name: step(one) for name, one in body[key].items()}}

    return tuple((since, for_all(step)) for since, step in steps)


def _sum_types(body: dict[str, Any]) -> dict[str, Any]:
    """Usages of all types of consumers together."""
    total: dict[str, int] = {}
    for usages in body["usages"].values():
        for name, used in usages.items():
            if name != "consumer_count":
                total[name] = total.get(name, 0) + used
    return {"usages": total}


def _key_by_provider(body: dict[str, Any]) -> dict[str, Any]:
    """Allocations as a mapping; of a provider named twice the last counts."""
    allocations = {
        each["resource_provider"]["uuid"]: {"resources": each["resources"]}
        for each in body["allocations"]
    }
    return body | {"allocations": allocations}


def _list_providers(body: dict[str, Any]) -> dict[str, Any]:
    """Allocations as a list."""
    listed = [
        {"resource_provider": {"uuid": uuid}, "resources": held["resources"]}
        for uuid, held in body["allocations"].items()
    ]
    return body | {"allocations": listed}


_PROVIDER: tuple[Step, ...] = (
    ((1, 14), _without("parent_provider_uuid", "root_provider_uuid")),
    ((1, 11), _without_link("allocations")),
    ((1, 6), _without_link("traits")),
    ((1, 1), _without_link("aggregates")),
)

ANSWERS: Mapping[str, tuple[Step, ...]] = {
    "provider": _PROVIDER,
    "created provider": (((1, 20), lambda _body: None),),
    "providers": _each("resource_providers", _PROVIDER),
    "aggregates": (((1, 19), _without("resource_provider_generation")),),
    "allocations": (
        ((1, 38), _without("consumer_type")),
        ((1, 28), _without("consumer_generation")),
        ((1, 12), _without("project_id", "user_id")),
    ),
    "held": _each_value("allocations", (((1, 28), _without("consumer_generation")),)),
    "usages": (((1, 38), _sum_types),),
    "candidates": (
        *_each("allocation_requests", (((1, 34), _without("mappings")),)),
        *_each_value(
            "provider_summaries",
            (
                ((1, 29), _without("parent_provider_uuid", "root_provider_uuid")),
                ((1, 17), _without("traits")),
            ),
        ),
        *_each("allocation_requests", (((1, 12), _list_providers),)),
    ),
}
"""What older answers lack or say otherwise, newest first.

Which resource classes the summaries of candidates show (1.27), and that no candidate combines
providers of a tree (1.29), depends on the request: it is in what is asked of the search.
"""

REQUESTS: Mapping[str, tuple[Step, ...]] = {
    "aggregates": (((1, 19), lambda body: {"aggregates": body}),),
    "allocations": (
        ((1, 8), lambda body: body | {"project_id": NOBODY, "user_id": NOBODY}),
        ((1, 12), _key_by_provider),
    ),
}
"""What older requests say otherwise, oldest first."""
