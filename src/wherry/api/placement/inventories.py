"""``/resource_providers/{uuid}/inventories``, all or one, and ``…/usages``."""

from collections.abc import Mapping
from typing import Any

import msgspec

from wherry.api.placement.calls import Answer, Ask
from wherry.api.placement.microversions import RESERVE_ALL
from wherry.api.placement.providers import provider_path
from wherry.api.placement.refused import Refused
from wherry.app.placement import inventories as app
from wherry.app.placement.inventories import Stocked
from wherry.app.placement.providers import find_provider
from wherry.app.placement.refusals import NoSuchClass
from wherry.model.inventory import Inventory
from wherry.store.placement_inventories import Stock

_FIELDS = Inventory.__struct_fields__


def list_inventories(ask: Ask) -> Answer:
    """Show all inventories of a provider."""
    return _show_all(ask, app.find_inventories(ask.engine, ask.path["uuid"]))


def get_inventory(ask: Ask) -> Answer:
    """Show one inventory."""
    found = app.find_inventories(ask.engine, ask.path["uuid"])
    name = ask.path["resource_class"]
    if name not in found.stock:
        raise Refused(404, f"No inventory of class {name} for {found.uuid}")
    return _show(ask, found, name)


def set_inventories(ask: Ask) -> Answer:
    """Replace all inventories of a provider."""
    body = ask.body(first=lambda: _require_provider(ask))
    done = app.set_inventories(
        ask.engine,
        ask.path["uuid"],
        parse_inventories(body["inventories"]),
        generation=body["resource_provider_generation"],
        may_equal=ask.knows(RESERVE_ALL),
    )
    return _show_all(ask, done)


def create_inventory(ask: Ask) -> Answer:
    """Give a provider one more inventory."""
    body = ask.body(first=lambda: _require_provider(ask))
    name = body["resource_class"]
    done = app.add_inventory(
        ask.engine,
        ask.path["uuid"],
        name,
        parse_inventory(body),
        may_equal=ask.knows(RESERVE_ALL),
    )
    path = f"{provider_path(ask, ask.path['uuid'])}/inventories/{name}"
    return _show(ask, done, name, status=201, location=path)


def update_inventory(ask: Ask) -> Answer:
    """Give one inventory new limits."""
    body = ask.body(first=lambda: _require_provider(ask))
    name = ask.path["resource_class"]
    done = app.update_inventory(
        ask.engine,
        ask.path["uuid"],
        name,
        parse_inventory(body),
        generation=body["resource_provider_generation"],
        may_equal=ask.knows(RESERVE_ALL),
    )
    return _show(ask, done, name)


def delete_inventory(ask: Ask) -> Answer:
    """Take one inventory away."""
    app.delete_inventory(ask.engine, ask.path["uuid"], ask.path["resource_class"])
    return Answer(status=204)


def delete_inventories(ask: Ask) -> Answer:
    """Take all inventories away."""
    app.set_inventories(ask.engine, ask.path["uuid"], {}, generation=None, may_equal=True)
    return Answer(status=204)


def list_usages(ask: Ask) -> Answer:
    """Show what is used of each inventory."""
    found = app.find_inventories(ask.engine, ask.path["uuid"])
    return Answer(
        body={
            "resource_provider_generation": found.generation,
            "usages": {name: stock.used for name, stock in found.stock.items()},
        },
        modified=ask.now(),
    )


def parse_inventories(body: Mapping[str, Any]) -> dict[str, Inventory]:
    """Read inventories by class.

    Raises:
        NoSuchClass: a key is no name of a class, so that no schema held for its value.
    """
    for name, value in body.items():
        if not isinstance(value, dict) or "total" not in value:
            raise NoSuchClass(name)
    return {name: parse_inventory(value) for name, value in body.items()}


def parse_inventory(body: Mapping[str, Any]) -> Inventory:
    """Read one inventory; whole numbers may come with a point."""
    fields = {name: body[name] for name in _FIELDS if name in body}
    try:
        return msgspec.convert(fields, Inventory, strict=False)
    except msgspec.ValidationError as error:
        raise Refused(400, f"Bad inventory: {error}") from None


def _require_provider(ask: Ask) -> None:
    find_provider(ask.engine, ask.path["uuid"])


def _render(stock: Stock) -> dict[str, Any]:
    return {name: getattr(stock.inventory, name) for name in _FIELDS}


def _changed(ask: Ask, stock: Stock) -> float:
    return ask.now() if stock.changed_at is None else stock.changed_at


def _show_all(ask: Ask, stocked: Stocked) -> Answer:
    times = [_changed(ask, stock) for stock in stocked.stock.values()]
    return Answer(
        body={
            "resource_provider_generation": stocked.generation,
            "inventories": {name: _render(stock) for name, stock in stocked.stock.items()},
        },
        modified=max(times, default=ask.now()),
    )


def _show(
    ask: Ask, stocked: Stocked, name: str, *, status: int = 200, location: str | None = None
) -> Answer:
    stock = stocked.stock[name]
    body = _render(stock) | {"resource_provider_generation": stocked.generation}
    return Answer(status=status, body=body, modified=_changed(ask, stock), location=location)
