"""``/resource_providers`` and ``/resource_providers/{uuid}``."""

import uuid as uuids
from typing import Any

from msgspec import UNSET

from wherry.api.placement.calls import Answer, Ask
from wherry.api.placement.microversions import MOVE_PROVIDERS
from wherry.api.placement.refused import Refused
from wherry.app.placement import providers as app
from wherry.app.placement.providers import Filters
from wherry.app.placement.refusals import BadTree
from wherry.schedule.candidates.messages import BadQuery
from wherry.schedule.candidates.names import parse_aggregates, parse_resources, parse_traits
from wherry.store.placement_providers import ProviderRow

_LINKS = ("inventories", "usages", "aggregates", "traits", "allocations")


def provider_path(ask: Ask, uuid: str) -> str:
    """Path of a provider."""
    return f"{ask.prefix}/resource_providers/{uuid}"


def get_provider(ask: Ask) -> Answer:
    """Show one provider."""
    return _show(ask, app.find_provider(ask.engine, ask.path["uuid"]))


def list_providers(ask: Ask) -> Answer:
    """List providers, all or those that meet filters."""
    rows = app.list_providers(ask.engine, _parse_filters(ask))
    times = [_changed(ask, row) for row in rows]
    return Answer(
        body={"resource_providers": [_render(ask, row) for row in rows]},
        what="providers",
        modified=max(times, default=ask.now()),
    )


def create_provider(ask: Ask) -> Answer:
    """Make a provider."""
    body = ask.body()
    name = body["name"]
    uuid = str(uuids.UUID(body["uuid"])) if body.get("uuid") else ask.engine.new_id()
    try:
        row = app.create_provider(
            ask.engine, uuid=uuid, name=name, parent=body.get("parent_provider_uuid")
        )
    except BadTree as error:
        message = f'Unable to create resource provider "{name}", {uuid}: {error}'
        raise Refused(400, message) from None
    return Answer(
        status=200,
        body=_render(ask, row),
        what="created provider",
        modified=_changed(ask, row),
        location=provider_path(ask, uuid),
    )


def update_provider(ask: Ask) -> Answer:
    """Rename or move a provider."""
    uuid = ask.path["uuid"]
    body = ask.body(first=lambda: app.find_provider(ask.engine, uuid))
    row = app.update_provider(
        ask.engine,
        uuid,
        name=body["name"],
        parent=body.get("parent_provider_uuid", UNSET),
        may_move=ask.knows(MOVE_PROVIDERS),
    )
    return _show(ask, row)


def delete_provider(ask: Ask) -> Answer:
    """Remove a provider."""
    app.delete_provider(ask.engine, ask.path["uuid"])
    return Answer(status=204)


def _show(ask: Ask, row: ProviderRow) -> Answer:
    return Answer(body=_render(ask, row), what="provider", modified=_changed(ask, row))


def _changed(ask: Ask, row: ProviderRow) -> float:
    return ask.now() if row.changed_at is None else row.changed_at


def _render(ask: Ask, row: ProviderRow) -> dict[str, Any]:
    path = provider_path(ask, row.uuid)
    links = [{"rel": "self", "href": path}]
    links += [{"rel": rel, "href": f"{path}/{rel}"} for rel in _LINKS]
    return {
        "uuid": row.uuid,
        "name": row.name,
        "generation": row.generation,
        "links": links,
        "parent_provider_uuid": row.parent,
        "root_provider_uuid": row.root,
    }


def _parse_filters(ask: Ask) -> Filters:
    """Read the query by the same words as that of allocation candidates."""
    query = ask.checked_query()
    try:
        groups = parse_aggregates(ask.values("member_of"), "", ask.microversion)
        traits = parse_traits(ask.values("required"), ask.microversion)
        resources = parse_resources(query["resources"]) if "resources" in query else {}
    except BadQuery as error:
        raise Refused(400, str(error), code=error.placement_code) from None
    return Filters(
        uuid=query.get("uuid") or None,
        name=query.get("name") or None,
        in_tree=query.get("in_tree") or None,
        resources=resources,
        required=traits[0],
        forbidden=traits[1],
        member_of=groups[0],
        not_member_of=groups[1],
    )
